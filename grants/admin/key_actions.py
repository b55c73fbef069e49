"""What can be done with the access keys of a principal: made, rotated, switched off and on, deleted."""

from typing import Any

from django.http import HttpRequest

from cellenium_admin.core.admin import forms
from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Preview
from cellenium_admin.core.models import User
from grants.admin import calls
from grants.admin.grant_actions import Values, actor_of
from grants.admin.key_display import key_page
from grants.admin.outcomes import carry_out, connected
from grants.models import AccessKey, Principal, State
from grants.services import keys, previews
from grants.services.keys import remove as delete_key

ONCE = "The secret is shown once, on the page that follows, and is kept nowhere here."


class KeyForm(forms.ActionForm):
    """Which key."""

    key = forms.choice("Access key", [])

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        """Offer the keys the action fits."""
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = choices  # type: ignore[attr-defined]


class MakesKey(ConfirmedAction):
    """What both ways to a new key have in common."""

    def applies(self, row: Principal) -> bool:
        """Fit users made here that exist in AWS."""
        return row.is_ours and row.kind == Principal.Kind.USER and row.state == State.ACTIVE

    def fingerprint(self, row: Principal) -> str:
        """Give the keys there are: a page sent a second time must not make a second key."""
        found = AccessKey.objects.filter(principal=row).order_by("pk").values_list("pk", "state", "is_enabled")
        return "".join(str(key) for key in found)


class CreateKey(MakesKey):
    """Makes a key and shows its secret once."""

    name, title, button = "new-key", "New access key", "Create the key"

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the calls."""
        return Preview(calls=previews.create_key(row.name), notes=[ONCE])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Make it and show it."""
        with connected() as aws:
            key, secret = keys.create(principal=row, actor=actor_of(request), aws=aws, reason=values["reason"])
        return Done(page=key_page(request, principal=row, key=key, secret=secret))


class RotateKey(MakesKey):
    """Makes a new key and switches the old ones off."""

    name, title, button = "rotate-key", "Rotate the access key", "Make a new key, switch the old ones off"

    def applies(self, row: Principal) -> bool:
        """Fit users that have a key to rotate."""
        return super().applies(row) and enabled_keys(row).exists()

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the calls."""
        warning = "Whatever uses an old key stops at once: hand the new one over first where that matters."
        return Preview(calls=previews.create_key(row.name, enabled_keys(row)), notes=[ONCE], warnings=[warning])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Rotate, tell AWS, and show the new one."""
        actor, reason = actor_of(request), values["reason"]
        with connected() as aws:
            key, secret, intended = keys.rotate(principal=row, actor=actor, aws=aws, reason=reason)
        page = key_page(request, principal=row, key=key, secret=secret, outcomes=carry_out(intended))
        return Done(page=page)


class _ForKey(ConfirmedAction):
    """An action on one of the keys."""

    form_class = KeyForm
    prefilled = ("key",)

    def fitting(self, row: Principal) -> Any:
        """Select the keys it fits."""
        raise NotImplementedError

    def applies(self, row: Principal) -> bool:
        """Fit principals that have such a key."""
        return row.is_ours and self.fitting(row).exists()

    def asks_first(self, row: Principal, user: User) -> bool:
        """Ask which key."""
        return True

    def form_arguments(self, row: Principal, user: User) -> dict[str, Any]:
        """Offer them by id and age."""
        choices = [
            (key.access_key_id, f"{key.access_key_id}, made {key.created_at:%Y-%m-%d}") for key in self.fitting(row)
        ]
        return {"choices": choices}

    def chosen(self, row: Principal, values: Values) -> AccessKey:
        """Give the key that was chosen."""
        key: AccessKey = self.fitting(row).get(access_key_id=values["key"])
        return key


class SwitchKeyOff(_ForKey):
    """Switches a key off."""

    name, title, button = "key-off", "Switch a key off", "Switch it off"

    def fitting(self, row: Principal) -> Any:
        """Select those that are on."""
        return enabled_keys(row)

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the call."""
        return Preview(calls=[calls.set_key_status(self.chosen(row, values), enabled=False)])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Switch it off, and tell AWS."""
        key = self.chosen(row, values)
        return Done(
            carry_out([keys.set_enabled(key=key, enabled=False, actor=actor_of(request), reason=values["reason"])])
        )


class SwitchKeyOn(_ForKey):
    """Switches a key on again."""

    name, title, button = "key-on", "Switch a key on", "Switch it on"

    def fitting(self, row: Principal) -> Any:
        """Select those that are off."""
        return keys_of(row).filter(is_enabled=False)

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the call."""
        return Preview(calls=[calls.set_key_status(self.chosen(row, values), enabled=True)])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Switch it on, and tell AWS."""
        key = self.chosen(row, values)
        return Done(
            carry_out([keys.set_enabled(key=key, enabled=True, actor=actor_of(request), reason=values["reason"])])
        )


class DeleteKey(_ForKey):
    """Deletes a key."""

    name, title, button, destructive = "key-delete", "Delete a key", "Delete the key", True

    def fitting(self, row: Principal) -> Any:
        """Select all that exist."""
        return keys_of(row)

    def preview(self, row: Principal, values: Values, user: User) -> Preview:
        """Tell the call."""
        return Preview(calls=[calls.delete_key(self.chosen(row, values))])

    def perform(self, row: Principal, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Delete it, and tell AWS."""
        key = self.chosen(row, values)
        return Done(carry_out([delete_key(key=key, actor=actor_of(request), reason=values["reason"])]))


def keys_of(principal: Principal) -> Any:
    """Select the keys AWS has of a principal."""
    return AccessKey.objects.active().filter(principal=principal).select_related("principal")


def enabled_keys(principal: Principal) -> Any:
    """Select those that are on."""
    return keys_of(principal).filter(is_enabled=True)
