"""The second half of the 24 ways in which a change can go wrong between us and AWS: see `test_failure_points`."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError, connections

from cellenium_admin.core.exceptions import ConflictError, UnavailableError
from cellenium_admin.core.services import audit
from grants.models import AccessKey, Grant, Operation
from grants.services import (
    keys,
    operation_claims,
    operation_ends,
    operations,
    ownership,
    principals,
    reconcile,
)
from tests.grants.failures import test_failure_points
from tests.grants.failures.conftest import World
from tests.support import crashes
from tests.support.database import superuser

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


def test_17_deleted_made_and_untagged_by_others(world: World, state: Any, settings: Any) -> None:
    settings.RECONCILE_MAX_DELETION_PERCENT = 100
    gone, untagged, replaced = (world.given(f"{name}/*") for name in ("gone", "untagged", "replaced"))
    control = world.stack.aws("s3control")
    world.aws.access_grants.delete_grant(gone.aws_id)
    control.untag_resource(AccountId=world.aws.account, ResourceArn=untagged.arn, TagKeys=[ownership.DEPLOYMENT_TAG])
    world.aws.access_grants.delete_grant(replaced.aws_id)
    foreign = {
        "location_id": world.location.aws_id,
        "grantee": world.principal.arn,
        "permission": "READ",
        "is_object": False,
    }
    world.aws.access_grants.create_grant(sub_prefix="replaced/*", tags={}, **foreign)
    world.aws.access_grants.create_grant(sub_prefix="strange/*", tags={}, **foreign)
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    kinds = {entry["kind"]: entry["subject"] for entry in run.plan if world.stack.bucket in entry["subject"]}
    assert set(kinds) == {"grant_missing", "tag_lost", "grant_changed", "grant_foreign"}
    assert {state(gone), state(untagged), state(replaced)} == {"active"}
    reconcile.apply(expected_hash=run.plan_hash, aws=world.aws, actor=world.actor)
    assert world.in_aws() == ["gone/*", "replaced/*", "strange/*", "untagged/*"]
    run = reconcile.plan(aws=world.aws, actor=world.actor)
    kinds = {entry["kind"] for entry in run.plan if world.stack.bucket in entry["subject"]}
    assert kinds == {"grant_changed", "grant_foreign"}, "what others have made is reported and never deleted"


def test_18_another_user_of_the_same_name(world: World, state: Any, settings: Any) -> None:
    settings.RECONCILE_MAX_DELETION_PERCENT = 100
    grant = world.given()
    iam, name = world.stack.aws("iam"), world.principal.name
    iam.remove_user_from_group(UserName=name, GroupName=world.stack.group)
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name, Path=ownership.PATH)
    first = reconcile.plan(aws=world.aws, actor=world.actor)
    entry = next(entry for entry in first.plan if entry["kind"] == "grantee_replaced")
    assert (entry["subject"], entry["waits"]) == (world.principal.arn, True)
    second = reconcile.plan(aws=world.aws, actor=world.actor)
    reconcile.apply(expected_hash=second.plan_hash, aws=world.aws, actor=world.actor)
    assert (state(grant), world.in_aws()) == ("deleted", [])
    assert state(world.principal) == "deleted"
    assert world.aws.iam.user(name) is not None, "the other one is left alone"


@pytest.mark.parametrize("step", ["CreateUser", "AddUserToGroup"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_19_making_a_user_dies_at_each_step(step: str, moment: str, world: World, state: Any) -> None:
    world.goes_wrong(step, "reset", when=moment)
    principal, operation = principals.create_user(name=world.stack.aws.name("steps"), actor=world.actor)
    crashes.execute(operation, world.aws)
    assert state(principal) == "pending_create"
    crashes.settle(world.aws)
    assert state(principal) == "active"
    assert world.aws.iam.groups_of(principal.name) == [world.stack.group]


@pytest.mark.parametrize(
    "step", ["DeleteAccessGrant", "UpdateAccessKey", "DeleteAccessKey", "RemoveUserFromGroup", "DeleteUser"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_19_deleting_a_user_dies_at_each_step(step: str, moment: str, world: World, state: Any) -> None:
    world.given()
    keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    world.goes_wrong(step, "reset", when=moment)
    for operation in principals.remove(principal=world.principal, actor=world.actor, reason="left"):
        crashes.execute(operation, world.aws)
    crashes.settle(world.aws)
    assert state(world.principal) == "deleted"
    assert world.aws.iam.user(world.principal.name) is None
    assert world.in_aws() == []
    assert not AccessKey.objects.existing().filter(principal=world.principal).exists()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_19_a_key_whose_secret_was_lost_is_deleted(moment: str, world: World) -> None:
    world.goes_wrong("CreateAccessKey", "reset", when=moment)
    with pytest.raises(UnavailableError, match="Nothing was handed out"):
        keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    assert world.aws.iam.keys(world.principal.name) == []
    key, _ = keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    assert [found.id for found in world.aws.iam.keys(world.principal.name)] == [key.access_key_id]


def test_19_a_key_is_deleted_by_whoever_takes_the_lease_over(world: World) -> None:
    with crashes.before_the_outcome(), pytest.raises(crashes.Crash):
        keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    assert len(world.aws.iam.keys(world.principal.name)) == 1
    crashes.settle(world.aws)
    assert world.aws.iam.keys(world.principal.name) == []


def test_20_a_database_restored_from_an_older_copy(world: World, settings: Any) -> None:
    """What the lost days have made stays in AWS until a person decides: it is too much to delete by itself."""
    settings.RECONCILE_MAX_DELETION_PERCENT = 0  # whatever other tests have left in the account
    for number in range(6):
        world.given(f"lost-{number}/*")
    forget(Grant, Operation)
    for _ in range(3):
        run = reconcile.plan(aws=world.aws, actor=world.actor)
    assert run.counts["grant_leftover"] == 6
    assert "older database" in run.obstacles[0]
    with pytest.raises(ConflictError, match="older database"):
        reconcile.apply(expected_hash=run.plan_hash, aws=world.aws, actor=world.actor)
    assert len(world.in_aws()) == 6


def test_21_two_installations_in_one_account(world: World, settings: Any) -> None:
    world.given("ours/*")
    settings.DEPLOYMENT = "another"
    forget(Grant, Operation)
    for _ in range(3):
        run = reconcile.plan(aws=world.aws, actor=world.actor)
    kinds = {entry["kind"] for entry in run.plan if world.stack.bucket in entry["subject"] and entry["repair"]}
    assert "grant_leftover" not in kinds
    assert Grant.objects.filter(origin="foreign", scope=f"{world.stack.scope}ours/*").exists()
    assert world.in_aws() == ["ours/*"]


def test_22_the_trail_cannot_be_written_at_the_intent(world: World, state: Any) -> None:
    grant, operation = world.wish()
    with mock.patch.object(audit, "_insert", side_effect=IntegrityError("full")), pytest.raises(IntegrityError):
        operations.execute(operation_id=operation.pk, aws=world.aws)
    assert (state(operation), world.in_aws()) == ("pending", []), "no record, no call"
    crashes.settle(world.aws)
    assert state(grant) == "active"


def test_22_the_trail_cannot_be_written_at_the_outcome(world: World, state: Any) -> None:
    grant, operation = world.wish()
    full = mock.patch.object(operation_ends.audit, "record", side_effect=IntegrityError("full"))
    with full, mock.patch.object(operation_claims, "note_start"), pytest.raises(IntegrityError):
        operations.execute(operation_id=operation.pk, aws=world.aws)
    assert (state(grant), state(operation), world.in_aws()) == ("pending_create", "running", ["data/*"])
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def test_23_a_backlog_keeps_the_order_of_each_key(world: World) -> None:
    wanted = []
    for number in range(5):
        grant, _ = world.wish(f"part-{number}/*")
        world.revoke(grant)
        if number % 2:
            world.wish(f"part-{number}/*")
            wanted.append(f"part-{number}/*")
    newest_first = [operation.pk for operation in Operation.objects.unfinished().order_by("-number")]
    for operation_id in newest_first:
        operations.execute(operation_id=operation_id, aws=world.aws)
    crashes.settle(world.aws, rounds=20)
    assert world.in_aws() == sorted(wanted)
    assert sorted(grant.sub_prefix for grant in Grant.objects.active()) == sorted(wanted)


def test_24_killed_in_the_middle_of_a_call(world: World, state: Any, settings: Any) -> None:
    """A real process, a real SIGKILL, while AWS takes its time to answer."""
    world.goes_wrong("CreateAccessGrant", "timeout", when="after", seconds=30)
    grant, operation = world.wish()
    program = f"""
        import django
        django.setup()
        from grants.aws.factory import connect
        from grants.services import operations
        operations.execute(operation_id="{operation.pk}", aws=connect())
    """
    name = connections["default"].settings_dict["NAME"]
    url = os.environ["CELLENIUM_DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    environment = {
        **os.environ,
        "CELLENIUM_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "cellenium_admin.settings.testing",
        "CELLENIUM_DEPLOYMENT": settings.DEPLOYMENT,
    }
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 60
    while not world.in_aws() and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    assert (state(grant), state(operation), world.in_aws()) == ("pending_create", "running", ["data/*"])
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("active", ["data/*"])


def forget(*models: type[Any]) -> None:
    """Empty tables as a restored copy would have them: history is protected from the application's role."""
    names = ", ".join(model._meta.db_table for model in models)
    superuser(connections["default"].settings_dict["NAME"]).execute(f"TRUNCATE {names} CASCADE")


def test_every_point_has_a_test() -> None:
    names = {*globals(), *vars(test_failure_points)}
    numbers = {name.split("_")[1] for name in names if name.startswith("test_") and name[5:7].isdigit()}
    assert numbers == {f"{number:02}" for number in range(1, 25)}
