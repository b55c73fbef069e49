"""What can be done with locations: registered, given another role, removed."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from cellenium_admin.core.admin import forms
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Preview
from cellenium_admin.core.models import User
from grants.admin.grant_actions import GOING, Values, actor_of
from grants.admin.outcomes import carry_out
from grants.models import Grant, Location, Origin, State
from grants.services import locations, previews

ROLE_HELP = "The ARN of the IAM role S3 Access Grants assumes for it: arn:aws:iam::<account>:role/<name>."


class NewLocationForm(forms.ActionForm):
    """Which prefix, served by which role."""

    scope = forms.text("Scope", max_length=2000, strip=False, help_text="Such as s3://bucket/prefix/, ending in a /.")
    role_arn = forms.text("Role", max_length=2048, help_text=ROLE_HELP)


class RoleForm(forms.ActionForm):
    """Another role."""

    role_arn = forms.text("Role", max_length=2048, help_text=ROLE_HELP)


class RegisterLocation(ConfirmedAction):
    """Registers a prefix with S3 Access Grants."""

    name, title, button = "new", "Register a location", "Register it"
    form_class = NewLocationForm

    def asks_first(self, row: Any, user: User) -> bool:
        """Ask which."""
        return True

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell the call."""
        return Preview(calls=previews.register_location(values["scope"], values["role_arn"]))

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Register it, and tell AWS."""
        location, operation = locations.register(**values, actor=actor_of(request))
        return Done(carry_out([operation]), url=reverse("admin:grants_location_change", args=[location.pk]))


class ChangeRole(ConfirmedAction):
    """Lets another role serve a location."""

    name, title, button = "role", "Change the role", "Change the role"
    form_class = RoleForm

    def applies(self, row: Location) -> bool:
        """Fit locations of ours."""
        return row.origin == Origin.MANAGED and row.state not in GOING

    def asks_first(self, row: Location, user: User) -> bool:
        """Ask which."""
        return True

    def form_arguments(self, row: Location, user: User) -> dict[str, Any]:
        """Begin with the role it has."""
        return {"initial": {"role_arn": row.role_arn}}

    def preview(self, row: Location, values: Values, user: User) -> Preview:
        """Tell the call."""
        note = "Sessions handed out already stay with the role they came from."
        return Preview(calls=previews.change_role(row, values["role_arn"]), notes=[note])

    def perform(self, row: Location, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Change it, and tell AWS."""
        _, operation = locations.change_role(location=row, **values, actor=actor_of(request), expected_version=version)
        return Done(carry_out([operation]))


class RemoveLocation(ConfirmedAction):
    """Takes a location away; the bucket and its objects are not touched."""

    name, title, button, destructive = "remove", "Remove", "Remove the location", True

    def applies(self, row: Location) -> bool:
        """Fit locations of ours."""
        return row.origin == Origin.MANAGED and row.state not in GOING

    def preview(self, row: Location, values: Values, user: User) -> Preview:
        """Tell the call, and what stands in the way."""
        there = Grant.objects.existing().exclude(state=State.PENDING_DELETE).filter(location=row).count()
        warnings = [f"There are {there} grants on it: revoke them first, or this is refused."] if there else []
        note = "The bucket and its objects are not touched."
        return Preview(calls=previews.remove_location(row), notes=[note], warnings=warnings)

    def perform(self, row: Location, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Remove it, and tell AWS."""
        _, operation = locations.remove(
            location=row, actor=actor_of(request), reason=values["reason"], expected_version=version
        )
        return Done(carry_out([operation]))
