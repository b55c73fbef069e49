"""Deaths of our own process at a chosen arrow: an exception nothing of the product catches leaves a lease behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from grants.aws.gateway import Aws
from grants.models import Operation
from grants.services import operation_ends, operations
from grants.services.executors import EXECUTORS


class Crash(BaseException):
    """The process dies here."""


def crash(*_: Any, **__: Any) -> None:
    raise Crash


@contextmanager
def before_the_call() -> Iterator[None]:
    """Die after the intent was committed and before AWS is asked."""
    dead = {kind: mock.Mock(perform=crash) for kind in EXECUTORS}
    with mock.patch.object(operations, "EXECUTORS", dead):
        yield


@contextmanager
def before_the_outcome() -> Iterator[None]:
    """Die after AWS has answered and before that is written down."""
    with mock.patch.object(operation_ends, "succeed", crash):
        yield


def execute(operation: Operation, aws: Aws) -> Operation:
    """Carry an operation out, whatever dies on the way."""
    try:
        return operations.execute(operation_id=operation.pk, aws=aws)
    except Crash:
        return Operation.objects.get(pk=operation.pk)


def bury_the_dead() -> int:
    """Let the leases of dead workers be over."""
    past = timezone.now() - timedelta(seconds=1)
    return Operation.objects.filter(state=Operation.State.RUNNING).update(lease_until=past)


def be_due() -> None:
    """Let what waits for its next attempt have waited."""
    Operation.objects.filter(state=Operation.State.PENDING).update(available_at=timezone.now() - timedelta(seconds=1))


def settle(aws: Aws, rounds: int = 12) -> None:
    """Let workers carry out all there is, time and again."""
    for _ in range(rounds):
        bury_the_dead()
        be_due()
        if not Operation.objects.unfinished().exists():
            return
        for operation in Operation.objects.unfinished().order_by("number"):
            execute(operation, aws)
