"""Reconcile on the sandbox: what it refuses to do, and that it is bounded in queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import AuditEvent
from grants.models import Grant, Origin, Principal, ReconcileRun, Sighting, State
from grants.services import adoption, cuts, grants, operations, ownership, reconcile
from tests.grants.failures.conftest import World

pytestmark = pytest.mark.django_db(transaction=True)


def here(world: World, run: ReconcileRun) -> list[str]:
    return sorted(entry["kind"] for entry in run.plan if world.stack.bucket in entry["subject"])


def stray(world: World, sub_prefix: str, **tags: str) -> str:
    made, _ = world.aws.access_grants.create_grant(
        location_id=world.location.aws_id,
        sub_prefix=sub_prefix,
        grantee=world.principal.arn,
        permission="READ",
        is_object=False,
        tags=tags,
    )
    return made.id


def test_nothing_differs_and_nothing_is_done(world: World) -> None:
    world.given()
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    assert here(world, run) == []
    assert AuditEvent.objects.filter(action="reconcile.planned").count() == 1


def test_a_changed_plan_is_not_applied(world: World) -> None:
    grant = world.given()
    world.aws.access_grants.delete_grant(grant.aws_id)
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    grants.revoke(grant=grant, actor=world.actor, reason="meanwhile")
    with pytest.raises(ConflictError) as caught:
        reconcile.apply(expected_hash=run.plan_hash, aws=world.aws, actor=world.actor)
    assert caught.value.code == "plan_changed"
    assert world.in_aws() == []


def test_what_removes_waits_for_a_second_sighting_with_time_between(world: World, settings: Any) -> None:
    settings.PROPAGATION_SECONDS = 300
    leftover = stray(world, "left/*", **{ownership.DEPLOYMENT_TAG: settings.DEPLOYMENT})
    now = timezone.now()
    first = reconcile.plan(aws=world.aws, actor=world.actor, now=now)
    soon = reconcile.plan(aws=world.aws, actor=world.actor, now=now + timedelta(seconds=200))
    later = reconcile.plan(aws=world.aws, actor=world.actor, now=now + timedelta(seconds=301))
    waits = [entry["waits"] for run in (first, soon, later) for entry in run.plan if entry["subject_id"] == leftover]
    assert waits == [True, True, False]
    assert Sighting.objects.get(kind="grant_leftover").times == 3


def test_a_listing_that_is_suspiciously_empty_changes_nothing(world: World) -> None:
    made = [world.given(f"part-{number}/*") for number in range(6)]
    for grant in made:
        world.aws.access_grants.delete_grant(grant.aws_id)
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    if run.seen["grants"] * 2 < len(made):
        assert "right account and Region" in run.obstacles[0]
        assert not Grant.objects.exclude(drift="").exists()
    with pytest.raises(ConflictError):
        reconcile.apply(expected_hash="0" * 64, aws=world.aws, actor=world.actor)
    assert world.in_aws() == []


def test_foreign_grants_get_rows_and_lose_them(world: World) -> None:
    aws_id = stray(world, "theirs/*")
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    assert here(world, run) == ["grant_foreign"]
    row = Grant.objects.get(aws_id=aws_id)
    assert (row.origin, row.state, row.principal) == (Origin.FOREIGN, State.ACTIVE, world.principal)
    assert here(world, reconcile.plan(aws=world.aws, actor=world.actor)) == ["grant_foreign"]
    assert Grant.objects.filter(aws_id=aws_id).count() == 1
    assert AuditEvent.objects.filter(action="reconcile.foreign_seen", object_id=aws_id).count() == 1
    with pytest.raises(ConflictError, match="adopt"):
        grants.revoke(grant=row, actor=world.actor, reason="not ours")
    world.aws.access_grants.delete_grant(aws_id)
    reconcile.plan(aws=world.aws, actor=world.actor)
    assert Grant.objects.get(aws_id=aws_id).state == State.DELETED


def test_adopting_changes_nothing_in_aws_and_then_it_can_be_replaced(world: World) -> None:
    aws_id = stray(world, "old*")
    reconcile.plan(aws=world.aws, actor=world.actor)
    world.control.clear_calls()
    assert adoption.adopt_all(actor=world.actor)["grants"] >= 1
    changing = ("Create", "Delete", "Put", "Tag", "Update", "Add")
    assert not [call for call in world.control.calls() if call["operation"].startswith(changing)]
    row = Grant.objects.get(aws_id=aws_id)
    assert (row.origin, row.expires_at) == (Origin.ADOPTED, None)
    assert row.review_at is not None
    made, intended = grants.replace(
        grant=row, actor=world.actor, reason="our grammar", sub_prefix="old/*", created_by=None
    )
    for operation in operations.execute_all(operation_ids=[one.pk for one in intended], aws=world.aws):
        assert operation.state == "succeeded", operation.error_detail
    assert world.in_aws() == ["old/*"]
    assert Grant.objects.get(pk=made.pk).replaces == row


def test_a_cut_that_was_taken_away_is_put_back_and_lifted_when_over(world: World) -> None:
    cut, operation = cuts.cut_all(role_arn=world.location.role_arn, actor=world.actor, reason="a lost laptop")
    world.done(operation)
    role = world.location.role_arn.rpartition("/")[2]
    world.aws.iam.delete_role_policy(role, "cellenium-admin-cut")
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    assert [entry["kind"] for entry in run.plan if entry["subject"] == world.location.role_arn] == ["cut_stale"]
    reconcile.apply(expected_hash=run.plan_hash, aws=world.aws, actor=world.actor)
    assert world.aws.iam.role_policy(role, "cellenium-admin-cut") is not None
    world.done(*cuts.lift_due(actor=world.actor, now=timezone.now() + timedelta(hours=13)))
    assert world.aws.iam.role_policy(role, "cellenium-admin-cut") is None
    cut.refresh_from_db()
    assert cut.state == State.DELETED


def test_the_number_of_queries_does_not_grow_with_the_number_of_grants(world: World) -> None:
    counts = []
    for batch in range(2):
        for number in range(6):
            stray(world, f"batch-{batch}-{number}/*")
        reconcile.plan(aws=world.aws, actor=world.actor)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            reconcile.plan(aws=world.aws, actor=world.actor)
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 2
    assert Principal.objects.filter(arn=world.principal.arn).count() == 1
