"""Adoption: what was in AWS before us, or beside us, is taken into the catalogue; nothing in AWS changes."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from grants.models import Grant, Location, Origin, Principal, State
from grants.services import settlement


def adopt(
    *,
    actor: Actor,
    grants: Iterable[Grant] = (),
    locations: Iterable[Location] = (),
    principals: Iterable[Principal] = (),
    reason: str = "",
) -> dict[str, int]:
    """Take foreign rows over, with the location and the principal of each grant; give how many of each.

    Adopted grants keep their scope whatever our grammar says, have a review date instead of an expiry, and can be read,
    explained, deleted, or replaced by a grant of ours.
    """
    grants = list(grants)
    places = {one.pk: one for one in (*locations, *(grant.location for grant in grants))}
    people = {one.pk: one for one in (*principals, *(grant.principal for grant in grants))}
    with transaction.atomic():
        return {
            "locations": sum(_adopt(Location, pk, Action.LOCATION_ADOPTED, actor, reason) for pk in places),
            "principals": sum(_adopt(Principal, pk, Action.PRINCIPAL_ADOPTED, actor, reason) for pk in people),
            "grants": sum(_adopt(Grant, one.pk, Action.GRANT_ADOPTED, actor, reason) for one in grants),
        }


def adopt_all(*, actor: Actor, reason: str = "") -> dict[str, int]:
    """Take over everything foreign that the last comparison has seen."""
    return adopt(
        actor=actor,
        grants=_foreign(Grant).select_related("location", "principal"),
        locations=_foreign(Location),
        principals=_foreign(Principal),
        reason=reason,
    )


def _foreign(model: type[Grant] | type[Location] | type[Principal]) -> Any:
    rows: Any = model._default_manager  # noqa: SLF001 -- Django's documented interface
    return rows.filter(origin=Origin.FOREIGN, state=State.ACTIVE)


def _adopt(model: Any, pk: object, action: Action, actor: Actor, reason: str) -> bool:
    row = model.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.origin != Origin.FOREIGN or row.state != State.ACTIVE:
        return False
    review = {"review_at": timezone.now() + timedelta(days=settings.ADOPTED_REVIEW_DAYS)}
    change = settlement.change(row, origin=Origin.ADOPTED, **(review if model is Grant else {}))
    audit.record(action=action, actor=actor, obj=row, before=change.before, after=change.after, reason=reason)
    return True
