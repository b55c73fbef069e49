"""Who carries out an operation: claimed for a while and fenced by a token, one after the other for each natural key.

Leases are measured by the database's clock alone, as those of jobs are.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from cellenium_admin.core.exceptions import LeaseLostError
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from grants.models import Operation
from grants.services import operation_trail


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to carry out one operation, until somebody else gets a higher token."""

    operation_id: UUID
    token: int

    def lock(self) -> Operation:
        """Lock the row and prove that it is still ours, inside the transaction that writes the outcome.

        Raises LeaseLostError.
        """
        mine = Operation.objects.filter(pk=self.operation_id, state=Operation.State.RUNNING, lease_token=self.token)
        operation = mine.select_for_update(of=("self",)).first()
        if operation is None:
            raise LeaseLostError(f"Operation {self.operation_id} is not held under lease {self.token} any more.")
        return operation


def due() -> QuerySet[Operation]:
    """Select what somebody could begin now: waiting or left by a dead worker, and not behind an earlier one."""
    earlier = Operation.objects.unfinished().filter(natural_key=OuterRef("natural_key"), number__lt=OuterRef("number"))
    waiting = Q(state=Operation.State.PENDING, available_at__lte=Now())
    left = Q(state=Operation.State.RUNNING, lease_until__lt=Now())
    return Operation.objects.filter(waiting | left).exclude(Exists(earlier)).order_by("number")


def claim(*, operation_id: UUID, worker: str) -> tuple[Operation, Lease] | None:
    """Take an operation and record the intent, before AWS is asked; None when it is not its turn."""
    with transaction.atomic():
        taken = due().filter(pk=operation_id).select_for_update(skip_locked=True, of=("self",)).first()
        if taken is None:
            return None
        Operation.objects.filter(pk=taken.pk).update(
            state=Operation.State.RUNNING,
            lease_token=F("lease_token") + 1,
            attempts=F("attempts") + 1,
            lease_until=Now() + lease_time(),
            worker=worker[:200],
        )
        operation = Operation.objects.get(pk=taken.pk)
        note_start(operation)
    return operation, Lease(operation.pk, operation.lease_token)


def note_start(operation: Operation) -> None:
    """Put the intent into the trail, in the transaction that claims."""
    audit.record(
        action=Action.OPERATION_STARTED,
        actor=operation.actor,
        obj=operation_trail.subject_of(operation),
        details=operation_trail.details_of(operation),
        reason=operation.reason,
    )


def lease_time() -> timedelta:
    """Give how long a worker may be silent: longer than AWS may take, retries of the network included."""
    return timedelta(seconds=settings.OPERATION_LEASE_SECONDS)
