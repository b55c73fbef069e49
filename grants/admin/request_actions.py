"""What can be done with access requests: approved whole or in part, rejected, taken back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from cellenium_admin.core.admin import forms
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.models import User
from grants.admin import calls
from grants.admin.grant_actions import Values, grant_url
from grants.admin.grant_forms import PERMISSIONS, SUB_PREFIX_HELP, principal_field
from grants.admin.outcomes import carry_out
from grants.models import AccessRequest, Permission, Principal
from grants.services import grants, requests


class ApproveForm(forms.ActionForm):
    """For which principal, and how much of what was asked for."""

    principal = principal_field()
    permission = forms.options("Permission", PERMISSIONS)
    sub_prefix = forms.text("Sub-prefix", max_length=2000, help_text=SUB_PREFIX_HELP, strip=False)
    expires_at = forms.date_time("Expires (UTC)", help_text="As asked for, or sooner.")

    def __init__(self, *args: Any, asked: AccessRequest, **kwargs: Any) -> None:
        """Offer what was asked for and what is less."""
        super().__init__(*args, **kwargs)
        self.asked = asked
        less = [choice for choice in PERMISSIONS if asked.permission in (choice[0], Permission.READWRITE)]
        self.fields["permission"].choices = less  # type: ignore[attr-defined]

    def clean_expires_at(self) -> Any:
        """Take the very second that was asked for, which the field cannot show, where it was left as it is."""
        until = self.cleaned_data["expires_at"]
        same = until == self.asked.wanted_until.replace(second=0, microsecond=0)
        return self.asked.wanted_until if same else until


class DecidesRequest(ConfirmedAction):
    """What approving and rejecting have in common: open requests, and never one's own."""

    def applies(self, row: AccessRequest) -> bool:
        """Fit what nobody has decided yet."""
        return row.state == AccessRequest.State.PENDING

    def offers(self, user: User, row: AccessRequest) -> bool:
        """Leave the button out for whoever asked; the service refuses them as well, and the trail tells."""
        return self.allows(user, row) and row.requester_id != user.pk


class ApproveRequest(DecidesRequest):
    """Gives what was asked for, or less."""

    name, title, button = "approve", "Approve", "Approve, and give the grant"
    form_class = ApproveForm

    def asks_first(self, row: AccessRequest, user: User) -> bool:
        """Ask how much of it."""
        return True

    def form_arguments(self, row: AccessRequest, user: User) -> dict[str, Any]:
        """Propose what was asked for, and the only principal of whoever asked."""
        initial = {
            "principal": row.principal or _only_principal(row),
            "permission": row.permission,
            "sub_prefix": row.sub_prefix,
            "expires_at": row.wanted_until,
        }
        return {"asked": row, "initial": initial}

    def first_look(self, row: AccessRequest, user: User) -> Preview:
        """Repeat what was asked for."""
        until = f"{row.wanted_until:%Y-%m-%d %H:%M} UTC"
        asked = f"{row.requester.label} asks for {row.permission} on {row.scope} until {until}: {row.justification}"
        return Preview(notes=[asked])

    def preview(self, row: AccessRequest, values: Values, user: User) -> Preview:
        """Tell the call. Raises InvalidInputError."""
        scope = grants.checked_scope(row.location, values["sub_prefix"], is_object=row.is_object)
        told = calls.create_grant(
            location=row.location,
            principal=values["principal"],
            sub_prefix=values["sub_prefix"],
            permission=values["permission"],
            is_object=row.is_object,
        )
        notes = [f"It gives {values['permission']} on {scope}, until {values['expires_at']:%Y-%m-%d %H:%M} UTC."]
        whole = scope == row.scope and values["permission"] == row.permission
        whole = whole and values["expires_at"] == row.wanted_until
        warnings = [] if whole else [f"Less than was asked for: {row.permission} on {row.scope}."]
        if values["principal"].user_id not in {None, row.requester_id}:
            warnings.append(f"{values['principal']} belongs to {values['principal'].user}, not to who asked.")
        return Preview(told, notes, warnings)

    def perform(self, row: AccessRequest, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Approve it, and tell AWS."""
        _, grant, operation = requests.approve(
            request=row,
            decider=request.user,  # type: ignore[arg-type]
            **values,
            expected_version=version,
        )
        return Done(carry_out([operation]), url=grant_url(grant))


class RejectRequest(DecidesRequest):
    """Says no, and why."""

    name, title, button, destructive = "reject", "Reject", "Reject the request", True
    question = "Whoever asked will read the reason."

    def preview(self, row: AccessRequest, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview()

    def perform(self, row: AccessRequest, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Reject it."""
        requests.reject(
            request=row,
            decider=request.user,  # type: ignore[arg-type]
            reason=values["reason"],
            expected_version=version,
        )
        return Done([Outcome(messages.SUCCESS, f"Rejected: {row}.")])


class CancelRequest(ConfirmedAction):
    """Takes one's own request back."""

    name, title, button = "cancel", "Take back", "Take the request back"

    def allows(self, user: User, row: AccessRequest) -> bool:
        """Let whoever asked."""
        return row.requester_id == user.pk

    def applies(self, row: AccessRequest) -> bool:
        """Fit what nobody has decided yet."""
        return row.state == AccessRequest.State.PENDING

    def preview(self, row: AccessRequest, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview()

    def perform(self, row: AccessRequest, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Take it back."""
        requests.cancel(request=row, user=request.user, expected_version=version)  # type: ignore[arg-type]
        return Done([Outcome(messages.SUCCESS, "The request is taken back.")])


def _only_principal(request: AccessRequest) -> Principal | None:
    found = list(Principal.objects.active().filter(user=request.requester)[:2])
    return found[0] if len(found) == 1 else None
