"""What can be done with operations that have failed: tried again, or given up."""

from django.contrib import messages
from django.http import HttpRequest

from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.models import User
from grants.admin.grant_actions import Values, actor_of
from grants.admin.outcomes import carry_out, remedy
from grants.models import Operation
from grants.services import operations


class ForFailed(ConfirmedAction):
    """What both have in common."""

    def applies(self, row: Operation) -> bool:
        """Fit what has failed."""
        return row.state == Operation.State.FAILED

    def fingerprint(self, row: Operation) -> str:
        """Give where it stands: an operation has no version."""
        return f"{row.state} {row.attempts} {row.lease_token}"


class RetryOperation(ForFailed):
    """Tries again, once a person has mended what stood in the way."""

    name, title, button = "retry", "Retry", "Try it again now"

    def preview(self, row: Operation, values: Values, user: User) -> Preview:
        """Tell what is tried, and what it failed with."""
        warnings = [f"It failed with: {row.error_detail or row.error_code}. {remedy(row)}, or it fails again."]
        return Preview(calls=[f"{row.get_kind_display()}: {row.subject_label}"], warnings=warnings)

    def perform(self, row: Operation, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Let it be tried, and try it."""
        operation = operations.retry(operation=row, actor=actor_of(request), reason=values["reason"])
        return Done(carry_out([operation]))


class GiveUpOperation(ForFailed):
    """Leaves it alone for good."""

    name, title, button, destructive = "give-up", "Give up", "Give it up", True
    question = "What it was about stays as it is, here and in AWS; the next reconcile reports what differs."

    def preview(self, row: Operation, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview()

    def perform(self, row: Operation, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Give it up."""
        operations.give_up(operation=row, actor=actor_of(request), reason=values["reason"])
        return Done([Outcome(messages.SUCCESS, f"Given up: {row}.")])
