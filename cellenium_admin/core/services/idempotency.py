"""Carrying a repeated request out once, after draft-ietf-httpapi-idempotency-key-header.

A key is claimed in a transaction of its own before the work. The transaction that makes something also writes its id
into the key's row, under the claim's lock, so both commit or neither: a request under one key makes at most one thing,
whoever is killed when, and a late holder of a lapsed claim makes nothing. After a crash the key can be used again once
its lease is over; the repeated request then finds what was made and goes on from there. What lies outside of that
transaction, as calls of AWS do, must be safe to repeat. An answer that carries a secret is not kept.

Times are those of the database's clock, which all web processes share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from cellenium_admin.core.exceptions import ConflictError, FieldError, InvalidInputError
from cellenium_admin.core.models import IdempotencyKey, User

SWEEP_LIMIT = 10_000
_DELIVERED = (
    "The first request with this Idempotency-Key was answered with a secret, which was delivered once and is kept"
    " nowhere. If that answer was lost, rotate the key: a new one is made, and the lost one is switched off."
)
Made = TypeVar("Made", bound=models.Model)


class KeyReusedError(InvalidInputError):
    """The key was used for another request before."""

    code = "idempotency_key_reused"


class StillRunningError(ConflictError):
    """The first request with this key has not ended."""

    code = "idempotency_key_in_use"

    def __init__(self, detail: str, *, retry_seconds: int = 1) -> None:
        """Say when to look again."""
        super().__init__(detail)
        self.retry_seconds = retry_seconds


class SecretDeliveredError(ConflictError):
    """The first request with this key was answered with a secret, which exists nowhere else."""

    code = "secret_delivered"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was answered with."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work under a key, until somebody else gets a higher token; `subject_id` is what was made before."""

    key_id: UUID
    token: int
    subject_id: str = ""

    def rows(self) -> QuerySet[IdempotencyKey]:
        """Select the key as long as this claim holds, else nothing."""
        running = IdempotencyKey.State.RUNNING
        return IdempotencyKey.objects.filter(pk=self.key_id, state=running, lease_token=self.token)


def claim(*, user: User, route: str, key: str, fingerprint: bytes) -> Claim | Answer:
    """Take the key, or give what was answered under it.

    Raises KeyReusedError, StillRunningError with the seconds to wait, SecretDeliveredError.
    """
    while True:
        with transaction.atomic():
            new = IdempotencyKey(user=user, route=route, key=key, fingerprint=fingerprint, **_times())
            IdempotencyKey.objects.bulk_create([new], ignore_conflicts=True)
            found = _timed(IdempotencyKey.objects.filter(user=user, route=route, key=key)).first()
            if found is None:
                continue  # its holder gave it back in between
            if found.pk == new.pk:
                return Claim(key_id=new.pk, token=new.lease_token)
            if found.is_over:
                found.delete()
                continue
            return _of_known(found, fingerprint)


def make_once(claim: Claim, make: Callable[[], Made]) -> Made:
    """Make something in one transaction with the note of what it is, for whoever repeats the request.

    Raises StillRunningError, having made nothing, when another request has taken the key over.
    """
    with transaction.atomic():
        if claim.rows().select_for_update().first() is None:
            raise StillRunningError("This took too long; another request with the same Idempotency-Key has taken over.")
        made = make()
        claim.rows().update(subject_id=str(made.pk))
    return made


def finish(claim: Claim, answer: Answer) -> None:
    """Keep the answer for repeated requests; a claim that was taken over keeps nothing."""
    kept = {"status": answer.status, "body": answer.body, "headers": dict(answer.headers)}
    claim.rows().update(state=IdempotencyKey.State.ANSWERED, **kept)


def finish_with_secret(claim: Claim) -> None:
    """Note that the answer carried a secret: it is not kept, and not given again."""
    claim.rows().update(state=IdempotencyKey.State.DELIVERED)


def release(claim: Claim) -> None:
    """Give the key back after a request that ended without an answer to keep.

    One that made nothing leaves no trace; what one has made is still found by the next.
    """
    claim.rows().filter(subject_id="").delete()
    claim.rows().update(lease_until=Now())


def sweep() -> int:
    """Forget keys that are past their time; gives how many."""
    over = IdempotencyKey.objects.filter(expires_at__lte=Now()).order_by("expires_at").values("pk")[:SWEEP_LIMIT]
    return IdempotencyKey.objects.filter(pk__in=over).delete()[0]


def _of_known(found: Any, fingerprint: bytes) -> Claim | Answer:
    if bytes(found.fingerprint) != fingerprint:
        detail = "This Idempotency-Key was used for another request; take a new one for each new request."
        raise KeyReusedError(detail, errors=[FieldError("Idempotency-Key", "reused", detail)])
    match found.state:
        case IdempotencyKey.State.ANSWERED:
            return Answer(status=found.status, body=found.body, headers=found.headers)
        case IdempotencyKey.State.DELIVERED:
            raise SecretDeliveredError(_DELIVERED)
    if found.remaining > timedelta():
        seconds = int(found.remaining.total_seconds()) + 1
        raise StillRunningError("The first request with this Idempotency-Key has not ended.", retry_seconds=seconds)
    return _take_over(found)


def _take_over(found: IdempotencyKey) -> Claim:
    found.lease_token += 1
    changes = {"lease_token": found.lease_token, "lease_until": _times()["lease_until"]}
    IdempotencyKey.objects.filter(pk=found.pk).update(**changes)
    return Claim(key_id=found.pk, token=found.lease_token, subject_id=found.subject_id)


def _timed(rows: QuerySet[IdempotencyKey]) -> QuerySet[Any]:
    """Lock the rows and reckon their times by the database's clock."""
    remaining = ExpressionWrapper(F("lease_until") - Now(), output_field=models.DurationField())
    is_over = ExpressionWrapper(Q(expires_at__lte=Now()), output_field=models.BooleanField())
    return rows.select_for_update(of=("self",)).annotate(remaining=remaining, is_over=is_over)


def _times() -> dict[str, Any]:
    lease = timedelta(seconds=settings.IDEMPOTENCY_LEASE_SECONDS)
    return {"lease_until": Now() + lease, "expires_at": Now() + timedelta(hours=settings.IDEMPOTENCY_HOURS)}
