"""What the database wants, as slim as a comparison needs it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings

from grants.drift import Wanted, WantedGrant, WantedKey, WantedLocation, WantedPrincipal
from grants.models import AccessKey, Cut, Grant, Location, Principal, State
from grants.services.executors.cuts import document_of

CHUNK = 5000
Made = TypeVar("Made")


def wanted(now: datetime) -> Wanted:
    """Read everything that is not gone, in a bounded number of queries."""
    recent = now - timedelta(seconds=settings.PROPAGATION_SECONDS)
    return Wanted(
        grants=tuple(_grants(recent)),
        locations=tuple(_locations(recent)),
        principals=tuple(_principals(recent)),
        keys=tuple(_keys(now)),
        cuts=_cuts(),
    )


def _settled(state: str, confirmed_at: datetime | None, recent: datetime) -> bool:
    return state == State.ACTIVE and (confirmed_at is None or confirmed_at <= recent)


def _grants(recent: datetime) -> Iterator[WantedGrant]:
    fields = ("pk", "aws_id", "arn", "location__aws_id", "principal__arn", "permission", "scope", "origin", "state")
    for row in _rows(Grant.objects.existing(), *fields, "confirmed_at"):
        yield _made(WantedGrant, row, recent)


def _locations(recent: datetime) -> Iterator[WantedLocation]:
    fields = ("pk", "aws_id", "arn", "scope", "role_arn", "origin", "state")
    for row in _rows(Location.objects.existing(), *fields, "confirmed_at"):
        yield _made(WantedLocation, row, recent)


def _principals(recent: datetime) -> Iterator[WantedPrincipal]:
    fields = ("pk", "kind", "name", "arn", "unique_id", "origin", "state")
    for row in _rows(Principal.objects.existing(), *fields, "confirmed_at"):
        yield _made(WantedPrincipal, row, recent)


def _keys(now: datetime) -> Iterator[WantedKey]:
    old = now - timedelta(days=settings.KEY_MAX_AGE_DAYS)
    fields = ("pk", "principal__name", "access_key_id", "state", "created_at")
    for pk, user, key_id, state, created_at in _rows(AccessKey.objects.existing(), *fields):
        yield WantedKey(str(pk), user, key_id, state, is_old=created_at <= old)


def _cuts() -> dict[str, Any]:
    """Give the Deny of each role that ever had one, where nothing about it is under way."""
    by_role: dict[str, list[Cut]] = {}
    for cut in Cut.objects.exclude(state=State.FAILED):
        by_role.setdefault(cut.role_arn, []).append(cut)
    return {role_arn: _document(cuts) for role_arn, cuts in by_role.items() if _is_quiet(cuts)}


def _is_quiet(cuts: list[Cut]) -> bool:
    return all(cut.state in {State.ACTIVE, State.DELETED} for cut in cuts)


def _document(cuts: list[Cut]) -> Any:
    active = [cut for cut in cuts if cut.state == State.ACTIVE]
    return document_of(active) if active else None


def _made(kind: Callable[..., Made], row: Sequence[Any], recent: datetime) -> Made:
    """Make a slim row: its fields as text, state and confirmation, the last two, as one word."""
    *texts, confirmed_at = row
    return kind(*map(str, texts), _settled(texts[-1], confirmed_at, recent))


def _rows(queryset: Any, *fields: str) -> Iterator[Any]:
    yield from queryset.order_by().values_list(*fields).iterator(chunk_size=CHUNK)
