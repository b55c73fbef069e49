"""Operations: what AWS is to be told, kept until AWS has confirmed it.

The wish and its operation are one transaction; the call to AWS is outside of any; its outcome is another one. After a
crash between any two of them the next attempt finds out what happened and goes on.
"""

import logging
import os
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Model
from django.utils import timezone

from cellenium_admin.core import context
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError, ConflictError, LeaseLostError
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from grants.aws.errors import AwsError
from grants.aws.gateway import Aws
from grants.models import Operation
from grants.services import operation_claims, operation_ends, operation_trail
from grants.services.executors import EXECUTORS
from grants.services.operation_calls import Calls, Change, NotYetError

logger = logging.getLogger(__name__)

_Kind = Operation.Kind
_DELETIONS = {
    _Kind.DELETE_LOCATION,
    _Kind.DELETE_USER,
    _Kind.FORGET_PRINCIPAL,
    _Kind.DELETE_KEY,
    _Kind.DELETE_GRANT,
}


def intend(
    *,
    kind: str,
    natural_key: str,
    subject: Model | None,
    args: Mapping[str, Any],
    actor: Actor,
    reason: str = "",
) -> Operation:
    """Write down what AWS is to be told, together with the wish itself.

    Raises TransactionManagementError outside a transaction.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("intend() belongs into the transaction that wants the operation.")
    operation = Operation(kind=kind, natural_key=natural_key, args=dict(args), reason=reason)
    operation.actor_type, operation.actor_id, operation.actor_label = actor.type, actor.id, actor.label[:254]
    operation.request_id = context.current().request_id
    if subject is not None:
        operation.subject_type, operation.subject_id = str(subject._meta.model_name), str(subject.pk)  # noqa: SLF001
        operation.subject_label = str(subject)[:1024]
    operation.save(force_insert=True)
    return operation


def execute(*, operation_id: UUID, aws: Aws, worker: str = "") -> Operation:
    """Carry out one operation if it is its turn, and give it as it stands afterwards.

    Running it twice, at once or one after the other, and killing it anywhere, is harmless.
    """
    claimed = operation_claims.claim(operation_id=operation_id, worker=worker or _worker())
    if claimed is not None:
        operation, lease = claimed
        try:
            _guarded(operation, lease, aws)
        except LeaseLostError as error:
            logger.warning("Operation %s was taken over by another worker: %s", operation_id, error)
    return Operation.objects.get(pk=operation_id)


def execute_all(*, operation_ids: Iterable[UUID], aws: Aws) -> list[Operation]:
    """Carry out operations one after the other, so that whoever asked sees at once what became of them."""
    return [execute(operation_id=operation_id, aws=aws) for operation_id in operation_ids]


def retry(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """Let a failed operation be tried again, once a person has mended what stood in the way.

    Raises ConflictError unless it has failed.
    """
    with transaction.atomic():
        locked = _failed(operation)
        change = _again(locked)
        locked.state, locked.finished_at, locked.attempts = Operation.State.PENDING, None, 0
        locked.available_at = timezone.now()
        locked.save()
        _record(Action.OPERATION_RETRIED, locked, change, actor, reason)
    return locked


def give_up(*, operation: Operation, actor: Actor, reason: str) -> Operation:
    """Leave a failed operation alone for good; what it was about stays as it is.

    Raises ConflictError unless it has failed, and for a deletion: nobody could ask for it a second time.
    """
    with transaction.atomic():
        locked = _failed(operation)
        if locked.kind in _DELETIONS:
            raise ConflictError("What is to be taken away is still in AWS: mend what stands in the way, and retry.")
        locked.state = Operation.State.CANCELLED
        locked.save(update_fields=["state"])
        _record(Action.OPERATION_CANCELLED, locked, Change(), actor, reason)
    return locked


def _attempt(operation: Operation, lease: operation_claims.Lease, aws: Aws) -> None:
    executor, calls = EXECUTORS[Operation.Kind(operation.kind)], Calls()
    try:
        result = executor.perform(aws, operation, calls)
    except NotYetError as error:
        operation_ends.postpone(lease, str(error))
    except (AwsError, ApplicationError) as error:
        logger.info("Operation %s (%s): %s", operation.pk, operation.kind, error)
        operation_ends.stumble(lease, executor, error, calls=calls.made)
    else:
        operation_ends.succeed(lease, executor, result, calls=calls.made)


def _guarded(operation: Operation, lease: operation_claims.Lease, aws: Aws) -> None:
    """End what breaks unexpectedly time and again, so that a person sees it and nothing waits behind it for ever."""
    try:
        _attempt(operation, lease, aws)
    except (LeaseLostError, OperationalError, InterfaceError):
        raise
    except Exception as error:
        if operation.attempts < settings.OPERATION_MAX_ATTEMPTS:
            raise
        logger.exception("Operation %s broke %d times and is ended.", operation.pk, operation.attempts)
        # The name alone: the text of an error we do not know may hold anything.
        broken = ApplicationError(f"It broke ({type(error).__name__}); the log tells more.", code="broken")
        operation_ends.stumble(lease, EXECUTORS[Operation.Kind(operation.kind)], broken, calls=[])


def _failed(operation: Operation) -> Operation:
    locked = Operation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
    if locked.state != Operation.State.FAILED:
        raise ConflictError(f"This operation has not failed: it is {locked.state}.")
    return locked


def _again(operation: Operation) -> Change:
    revive = EXECUTORS[Operation.Kind(operation.kind)].revive
    try:
        with transaction.atomic():
            return revive(operation)
    except IntegrityError as error:
        raise ConflictError("Meanwhile another one took its place; look at the list.") from error


def _record(action: Action, operation: Operation, change: Change, actor: Actor, reason: str) -> None:
    audit.record(
        action=action,
        actor=actor,
        obj=operation_trail.subject_of(operation),
        before=change.before,
        after=change.after,
        details=operation_trail.details_of(operation),
        reason=reason,
    )


def _worker() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"
