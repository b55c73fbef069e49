"""How an attempt at an operation ends: one transaction each, with the subject's new state and the event."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.exceptions import ApplicationError
from cellenium_admin.core.models import Action, Outcome
from cellenium_admin.core.services import audit
from grants.aws.errors import AwsError, AwsNotSettledError, AwsThrottledError, AwsUnknownOutcomeError
from grants.models import Operation
from grants.services import operation_trail
from grants.services.operation_calls import Change, Executor, Result
from grants.services.operation_claims import Lease

LONGEST_DELAY = timedelta(minutes=5)
UNKNOWN_OUTCOME = "unknown_outcome"
PASSING = (AwsUnknownOutcomeError, AwsThrottledError, AwsNotSettledError)


def succeed(lease: Lease, executor: Executor, result: Result, *, calls: Sequence[str]) -> None:
    """Write what AWS has confirmed. Raises LeaseLostError."""
    with transaction.atomic():
        operation = lease.lock()
        change = executor.settle(operation, result)
        _finish(operation, Operation.State.SUCCEEDED, result=result)
        _record(Action.OPERATION_SUCCEEDED, operation, change, calls=calls, result=result)


def stumble(lease: Lease, executor: Executor, error: AwsError | ApplicationError, *, calls: Sequence[str]) -> None:
    """Try again later what may pass by itself, and end what will not. Raises LeaseLostError."""
    with transaction.atomic():
        operation = lease.lock()
        operation.error_code, operation.error_detail = code_of(error), str(error)[:2000]
        if isinstance(error, PASSING) and operation.attempts < settings.OPERATION_MAX_ATTEMPTS:
            at = _release(operation, delay_after(operation.attempts))
            more = {"next_attempt_at": at.isoformat()}
            _record(Action.OPERATION_DELAYED, operation, Change(), calls=calls, outcome=Outcome.FAILED, **more)
            return
        change = executor.abandon(operation)
        _finish(operation, Operation.State.FAILED)
        _record(Action.OPERATION_FAILED, operation, change, calls=calls, outcome=Outcome.FAILED)


def postpone(lease: Lease, why: str) -> None:
    """Wait for something else, without counting an attempt. Raises LeaseLostError."""
    with transaction.atomic():
        operation = lease.lock()
        operation.attempts -= 1
        operation.error_code, operation.error_detail = "waiting", why[:2000]
        at = _release(operation, _patience(operation))
        _record(Action.OPERATION_DELAYED, operation, Change(), next_attempt_at=at.isoformat())


def _patience(operation: Operation) -> timedelta:
    """Look again the more rarely, the longer it has been waiting: each look leaves two events in the trail."""
    shortest = timedelta(seconds=settings.OPERATION_RETRY_SECONDS)
    if not shortest:
        return shortest
    return min(max(shortest, (timezone.now() - operation.created_at) / 10), LONGEST_DELAY)


def delay_after(attempts: int) -> timedelta:
    """Give the pause before the next attempt: longer each time, and never the same for two operations at once."""
    longest = settings.OPERATION_RETRY_SECONDS * 2 ** min(attempts - 1, 12)
    pause = timedelta(seconds=longest * random.uniform(0.5, 1.0))  # noqa: S311 -- spreading, not secrecy
    return min(pause, LONGEST_DELAY)


def code_of(error: AwsError | ApplicationError) -> str:
    """Give AWS's code of an error, or ours; one word for all that leaves open whether AWS has carried it out."""
    return UNKNOWN_OUTCOME if isinstance(error, AwsUnknownOutcomeError) else str(error.code)[:100]


def _release(operation: Operation, delay: timedelta) -> datetime:
    operation.state, operation.lease_until = Operation.State.PENDING, None
    operation.available_at = timezone.now() + delay
    operation.save()
    return operation.available_at


def _finish(operation: Operation, state: str, *, result: Result | None = None) -> None:
    operation.state, operation.lease_until, operation.finished_at = state, None, timezone.now()
    if result is not None:
        operation.result, operation.error_code, operation.error_detail = result, "", ""
    operation.save()


def _record(
    action: Action, operation: Operation, change: Change, *, outcome: Outcome = Outcome.OK, **details: Any
) -> None:
    if operation.error_code:
        details |= {"code": operation.error_code, "detail": operation.error_detail}
    audit.record(
        action=action,
        actor=operation.actor,
        obj=operation_trail.subject_of(operation),
        before=change.before,
        after=change.after,
        details=operation_trail.details_of(operation, **details),
        outcome=outcome,
    )
