"""The 24 ways in which a change can go wrong between us and AWS, each by its number, and that nothing is lost.

The numbers are those of the list of failure points that the design of grants names: what is not a crash of ours comes
from the sandbox's plan of faults, the crashes from `tests.support.crashes`.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from cellenium_admin.core.exceptions import ConflictError, LeaseLostError, UnavailableError
from cellenium_admin.core.models import AuditEvent
from grants.models import Grant, Operation, ReconcileRun
from grants.services import (
    operation_claims,
    operation_ends,
    operation_queue,
    operations,
    principals,
    reconcile,
    requests,
    schedule,
)
from tests.builders.grants import access_request
from tests.builders.people import person
from tests.grants.failures.conftest import World
from tests.support import crashes

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def test_01_crash_before_the_wish_is_committed(world: World) -> None:
    events = AuditEvent.objects.count()
    with mock.patch.object(operations, "intend", crashes.crash), pytest.raises(crashes.Crash):
        world.wish()
    assert not Grant.objects.exists()
    assert AuditEvent.objects.count() == events
    assert world.in_aws() == []


def test_02_crash_after_the_wish_and_before_the_claim(world: World, state: Any) -> None:
    grant, operation = world.wish()
    assert (state(grant), state(operation), world.in_aws()) == ("pending_create", "pending", [])
    assert operation_queue.drain(aws=world.aws) == 1
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_03_crash_after_the_intent_and_before_the_call(world: World, state: Any) -> None:
    grant, operation = world.wish()
    with crashes.before_the_call():
        crashes.execute(operation, world.aws)
    assert (state(operation), world.in_aws()) == ("running", [])
    assert AuditEvent.objects.filter(action="operation.started", object_id=str(grant.pk)).count() == 1
    assert operation_queue.drain(aws=world.aws) == 0, "the lease of the dead one still counts"
    crashes.bury_the_dead()
    operation_queue.drain(aws=world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_04_reset_although_aws_has_done_it(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", "reset", when="after")
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert (state(grant), world.in_aws()) == ("pending_create", ["data/*"])
    assert Operation.objects.get(pk=operation.pk).error_code == operation_ends.UNKNOWN_OUTCOME
    made = next(iter(world.aws.access_grants.grants(grantee=world.principal.arn))).id
    crashes.settle(world.aws)
    grant.refresh_from_db()
    assert (grant.state, grant.aws_id, world.in_aws()) == ("active", made, ["data/*"])


def test_05_reset_and_aws_has_not_done_it(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", "reset", when="before")
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert (state(grant), world.in_aws()) == ("pending_create", [])
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_06_aws_has_done_it_and_the_outcome_is_not_written(world: World, state: Any) -> None:
    grant, operation = world.wish()
    with crashes.before_the_outcome():
        crashes.execute(operation, world.aws)
    assert (state(grant), state(operation), world.in_aws()) == ("pending_create", "running", ["data/*"])
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_07_a_late_worker_writes_nothing(world: World, state: Any) -> None:
    grant, operation = world.wish()
    claimed = operation_claims.claim(operation_id=operation.pk, worker="late")
    assert claimed is not None
    crashes.settle(world.aws)
    aws_id = Grant.objects.get(pk=grant.pk).aws_id
    executor = operations.EXECUTORS[Operation.Kind.CREATE_GRANT]
    with pytest.raises(LeaseLostError):
        operation_ends.succeed(claimed[1], executor, {"aws_id": "late", "arn": "late"}, calls=[])
    assert Grant.objects.get(pk=grant.pk).aws_id == aws_id
    assert state(grant) == "active"


def test_08_the_same_request_twice(world: World) -> None:
    world.wish()
    with pytest.raises(ConflictError, match="already"):
        world.wish()
    crashes.settle(world.aws)
    assert (Grant.objects.count(), world.in_aws()) == (1, ["data/*"])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttle"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500, "when": "after"},
        {"kind": "error", "code": "ConcurrentModification", "status": 409},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}-{fault.get('when', 'before')}",
)
def test_09_throttling_and_5xx_are_tried_again(fault: dict[str, Any], world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", **fault)
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    waiting = Operation.objects.get(pk=operation.pk)
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])
    assert Operation.objects.get(pk=operation.pk).attempts == 2


def test_09_pauses_grow_and_differ(settings: Any) -> None:
    settings.OPERATION_RETRY_SECONDS = 2.0
    pauses = [operation_ends.delay_after(attempts) for attempts in (1, 4, 8, 60)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == operation_ends.LONGEST_DELAY
    assert len({operation_ends.delay_after(3) for _ in range(10)}) > 1


def test_10_a_refusal_is_parked_until_somebody_mends_it(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", code="AccessDenied", status=403, message="no")
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert (state(grant), state(operation)) == ("failed", "failed")
    calls = len(world.control.calls("s3control", "CreateAccessGrant"))
    operation_queue.drain(aws=world.aws)
    assert len(world.control.calls("s3control", "CreateAccessGrant")) == calls, "nobody hammers AWS"
    world.done(operations.retry(operation=operation, actor=world.actor, reason="the policy was mended"))
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_11_aws_has_not_settled_yet(world: World, state: Any) -> None:
    world.control.set_knobs(grantee_lag=0.6)
    try:
        world.principal, operation = principals.create_user(name=world.stack.aws.name("fresh"), actor=world.actor)
        world.done(operation)
        grant, operation = world.wish()
        crashes.execute(operation, world.aws)
        assert state(operation) == "pending"
    finally:
        world.control.set_knobs(grantee_lag=0)
    crashes.settle(world.aws)
    assert state(grant) == "active"
    world.control.set_knobs(list_lag=60)
    try:
        run = reconcile.plan(aws=world.aws, actor=world.actor)
    finally:
        world.control.set_knobs(list_lag=0)
    missing = [entry for entry in run.plan if entry["kind"] == "grant_missing" and entry["subject_id"] == str(grant.pk)]
    assert len(missing) == 1, "with no time to settle it counts as missing, and giving it again takes the old one over"
    crashes.settle(world.aws)
    assert len(world.in_aws()) == 1


def test_11_what_was_confirmed_a_moment_ago_is_no_difference(world: World, settings: Any) -> None:
    world.given()
    settings.PROPAGATION_SECONDS = 300
    world.control.set_knobs(list_lag=60)
    try:
        run = reconcile.plan(aws=world.aws, actor=world.actor)
    finally:
        world.control.set_knobs(list_lag=0)
    assert not [entry for entry in run.plan if entry["kind"] == "grant_missing"]


def test_12_the_second_page_of_a_listing_fails(world: World) -> None:
    for number in range(4):
        world.given(f"part-{number}/*")
    world.control.faults(
        [
            {
                "service": "s3control",
                "operation": "ListAccessGrants",
                "kind": "partial_page",
                "page_size": 2,
            },
            {"service": "s3control", "operation": "ListAccessGrants", "nth": 2, "times": 20, "code": "AccessDenied"},
        ]
    )
    with pytest.raises(UnavailableError, match="as a whole"):
        reconcile.plan(aws=world.aws, actor=world.actor)
    run = ReconcileRun.objects.get()
    assert (run.state, run.plan) == ("failed", [])
    assert not Grant.objects.exclude(drift="").exists()


def test_13_the_quota_is_used_up(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", code="AccessGrantsQuotaExceededError", status=409)
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert (state(grant), state(operation)) == ("failed", "failed")
    assert Operation.objects.get(pk=operation.pk).error_code == "AccessGrantsQuotaExceededError"
    crashes.execute(world.revoke(grant), world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])


@pytest.mark.parametrize("answered", [True, False])
def test_14_revoked_while_it_is_being_made(answered: bool, world: World, state: Any) -> None:
    grant, making = world.wish()
    with crashes.before_the_outcome() if answered else crashes.before_the_call():
        crashes.execute(making, world.aws)
    taking = world.revoke(grant)
    crashes.execute(taking, world.aws)
    assert state(taking) == "pending", "one after the other"
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])


def test_15_it_expires_before_aws_is_told(world: World, state: Any) -> None:
    request = access_request(location=world.location, requester=person("uploader"))
    _, grant, operation = requests.approve(
        request=request, decider=person("second", "curator"), principal=world.principal
    )
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    crashes.settle(world.aws)
    assert (state(operation), world.in_aws()) == ("succeeded", []), "what is over is not even made"
    assert schedule.expire_due() == 1
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Apia"])
def test_16_clocks_that_are_wrong_or_jump(zone: str, world: World, state: Any) -> None:
    spring = min(day for day in sundays_in_march() if day > timezone.now() + timedelta(days=1))
    jump = datetime(spring.year, 3, spring.day, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    grant = world.given(expires_at=jump)
    assert grant.expires_at == jump.astimezone(UTC)
    with timezone.override(zone):
        assert schedule.expire_due(now=jump.astimezone(UTC) - timedelta(seconds=1)) == 0
        assert schedule.expire_due(now=jump.astimezone(UTC)) == 1
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])
    claimed = operation_claims.claim(operation_id=world.wish("later/*")[1].pk, worker="one")
    assert claimed is not None
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert operation_claims.claim(operation_id=claimed[0].pk, worker="two") is None, "the database's clock counts"


def sundays_in_march() -> list[datetime]:
    """Give the days on which clocks in Europe jump: the last Sunday of March, this year and the next."""
    last = (datetime(timezone.now().year + more, 3, 31, tzinfo=UTC) for more in (0, 1))
    return [day - timedelta(days=(day.weekday() + 1) % 7) for day in last]
