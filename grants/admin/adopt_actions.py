"""Adopting what was in AWS before us or beside us: into our records, with nothing in AWS changed."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from cellenium_admin.core.admin.confirm import ConfirmedAction, Done, Outcome, Preview
from cellenium_admin.core.models import User
from grants.admin.grant_actions import Values, actor_of
from grants.models import Grant, Location, Origin, Principal, State
from grants.services import adoption

NOTE = (
    "Adopted grants keep their scope, have a review date instead of an expiry, and can be explained, revoked, or"
    " replaced by a grant of ours. Nothing in AWS changes."
)
FOREIGN = {"origin": Origin.FOREIGN, "state": State.ACTIVE}
KINDS: dict[str, Any] = {"grants": Grant, "locations": Location, "principals": Principal}


class AdoptRow(ConfirmedAction):
    """Adopts one foreign row, a grant with its location and its principal."""

    name, title, button = "adopt", "Adopt", "Adopt it"
    # Under which word the service takes it.
    kind: str

    def __init__(self, kind: str) -> None:
        """Keep what it adopts: grants, locations or principals."""
        self.kind = kind

    def applies(self, row: Any) -> bool:
        """Fit what is foreign and there."""
        return bool(row.origin == Origin.FOREIGN and row.state == State.ACTIVE)

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell that nothing is called."""
        return Preview(notes=[NOTE])

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Adopt it."""
        counts = adoption.adopt(actor=actor_of(request), reason=values["reason"], **{self.kind: [row]})
        return Done([adopted(counts)])


class AdoptAll(ConfirmedAction):
    """Adopts everything foreign the last reconcile has seen."""

    name, title, button = "adopt-all", "Adopt all foreign", "Adopt all of it"

    def applies(self, row: Any) -> bool:
        """Fit when there is something."""
        return any(model.objects.filter(**FOREIGN).exists() for model in KINDS.values())

    def preview(self, row: Any, values: Values, user: User) -> Preview:
        """Tell how much it is."""
        return Preview(notes=[f"The last reconcile has seen {foreign_counts()} that were not made here.", NOTE])

    def fingerprint(self, row: Any) -> str:
        """Give how much there was to adopt."""
        return foreign_counts()

    def perform(self, row: Any, values: Values, request: HttpRequest, version: int | None) -> Done:
        """Adopt it."""
        return Done([adopted(adoption.adopt_all(actor=actor_of(request), reason=values["reason"]))])


def foreign_counts() -> str:
    """Count what could be adopted."""
    return ", ".join(f"{model.objects.filter(**FOREIGN).count()} {name}" for name, model in KINDS.items())


def adopted(counts: dict[str, int]) -> Outcome:
    """Tell what was adopted."""
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return Outcome(messages.SUCCESS, f"Adopted: {told}.")
