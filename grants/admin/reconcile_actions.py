"""Planning a reconcile anew, and applying the plan that was looked at."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse

from cellenium_admin.core.admin.badges import counted
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.admin.forms import BareForm
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import User
from grants.admin.grant_actions import Values, actor_of
from grants.admin.outcomes import connected
from grants.models import Operation, ReconcileRun
from grants.services import reconcile

READS = (
    "s3control ListAccessGrantsLocations (every page)",
    "s3control ListAccessGrants (every page)",
    "s3control ListTagsForResource (of what our records do not know, and of a sample)",
    "iam GetAccountAuthorizationDetails, GetGroup, ListAccessKeys, GetRolePolicy",
)


class PlanAnew(ConfirmedAction):
    """Compares all of AWS with all of our records; what differs is reported, and nothing is mended."""

    name, title, button = "plan", "Plan again", "Compare now"
    question = "AWS is only read. What was found before is replaced by what is found now."
    form_class = BareForm

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell what is read."""
        return Preview(calls=READS, notes=["With very many grants this takes a minute."])

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Compare."""
        with connected() as aws:
            run = reconcile.plan(aws=aws, actor=actor_of(request))
        count = sum(run.counts.values())
        told = "AWS is as it is wanted: nothing differs." if not count else f"Found: {counted(count, 'difference')}."
        return Done([Outcome(messages.SUCCESS if not count else messages.WARNING, told)], url=run_url(run))


class ApplyPlan(ConfirmedAction):
    """Mends what a plan lists, if AWS is still as the plan says."""

    name, title, button, destructive = "apply", "Apply the plan", "Apply exactly this plan", True
    administrators_only = True
    form_class = BareForm

    def applies(self, row: ReconcileRun) -> bool:
        """Fit the newest plan, when it has something to do and nothing speaks against it."""
        newest = ReconcileRun.objects.only("pk").first()
        planned = row.state == ReconcileRun.State.PLANNED and not row.obstacles and newest == row
        return planned and bool(doing(row))

    def preview(self, row: ReconcileRun, values: Values, user: User) -> Preview:
        """Tell every call of the plan, and its hash."""
        entries = doing(row)
        told = [call for entry in entries for call in entry["repair"]["calls"]]
        removals = sum(entry["destructive"] for entry in entries)
        notes = [
            f"The plan's hash is {row.plan_hash}. AWS is read again first: with another hash nothing is done.",
            f"{counted(len(entries), 'repair')}; {removals} take something away.",
        ]
        return Preview(calls=told, notes=notes)

    def fingerprint(self, row: ReconcileRun) -> str:
        """Give the hash that is confirmed."""
        return row.plan_hash

    def perform(self, row: ReconcileRun, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Apply it; when the plan is another one by now, lead to that one."""
        try:
            with connected() as aws:
                run = reconcile.apply(expected_hash=row.plan_hash, aws=aws, actor=actor_of(request))
        except ConflictError as error:
            newest = ReconcileRun.objects.first() or row
            return Done([Outcome(messages.ERROR, error.detail)], url=run_url(newest))
        return Done(_told(run), url=run_url(run))


def doing(run: ReconcileRun) -> list[dict[str, Any]]:
    """Give the entries of a plan that are carried out now."""
    return [entry for entry in run.plan if entry["repair"] and not entry["waits"]]


def run_url(run: ReconcileRun) -> str:
    """Give the page of a run."""
    return reverse("admin:grants_reconcilerun_change", args=[run.pk])


def _told(run: ReconcileRun) -> list[Outcome]:
    counts = run.seen.get("operations", {})
    succeeded = counts.get(Operation.State.SUCCEEDED, 0)
    outcomes = [Outcome(messages.SUCCESS, f"Applied: {counted(succeeded, 'operation')} done in AWS.")]
    if failed := counts.get(Operation.State.FAILED, 0):
        outcomes.append(
            Outcome(messages.ERROR, f"{counted(failed, 'operation')} failed: see Operations, filtered by failed.")
        )
    if waiting := sum(counts.values()) - succeeded - failed:
        outcomes.append(
            Outcome(messages.WARNING, f"{counted(waiting, 'operation')} waiting, to be tried again by themselves.")
        )
    return outcomes
