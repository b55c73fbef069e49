"""`access up`, `plan` and `destroy` on the sandbox: idempotent, judged by what its roles really allow, and modest."""

import json
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws
from grants.models import Location
from grants.services import grants, operations, ownership, principals, stack, stack_destroy
from grants.services.stack_desired import Stack
from grants.services.stack_steps import Step
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow, refusal

pytestmark = pytest.mark.django_db(transaction=True)


def quiet(step: Step) -> None:
    del step


def test_up_makes_everything_once(gateway: Aws, wanted: Stack, actor: Actor) -> None:
    before = {step.part: step.status for step in stack.plan(gateway, wanted)}
    assert set(before.values()) <= {"missing", "ok"}
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    assert {step.status for step in stack.plan(gateway, wanted)} == {"ok"}
    found = gateway.buckets.bucket(wanted.bucket)
    assert found is not None
    assert (found.public_access_blocked, found.encryption, found.versioned) == (True, "AES256", True)
    assert Location.objects.get(scope=wanted.scope).state == "active"
    again = stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    assert all(not step.calls for step in again)


def test_what_its_roles_allow(aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    location = Location.objects.get(scope=wanted.scope)
    principal, one = principals.create_user(name=aws.name("uploader"), actor=actor)
    grant, two = grants.create(
        location=location, principal=principal, sub_prefix="data/*", permission="READWRITE", actor=actor
    )
    done = operations.execute_all(operation_ids=[one.pk, two.pk], aws=gateway)
    assert [operation.state for operation in done] == ["succeeded", "succeeded"]
    principal.refresh_from_db()
    key, _ = gateway.iam.create_key(principal.name)
    credentials = {"AccessKeyId": key.id, "SecretAccessKey": key.secret.reveal()}
    control = aws("s3control", credentials)
    assert control.list_caller_access_grants(AccountId=aws.account)["CallerAccessGrantsList"]
    session = control.get_data_access(AccountId=aws.account, Target=grant.scope, Permission="READWRITE")["Credentials"]
    s3 = aws("s3", session)
    assert refusal(s3.put_object, Bucket=wanted.bucket, Key="data/x", Body=b"1") is None
    assert refusal(s3.list_objects_v2, Bucket=wanted.bucket, Prefix="data/") is None
    assert refusal(s3.delete_object, Bucket=wanted.bucket, Key="data/x") is None
    assert refusal(s3.get_object, Bucket=wanted.bucket, Key="other/x") == "AccessDenied"


def test_destroy_takes_away_what_is_ours_and_keeps_the_bucket(gateway: Aws, wanted: Stack, actor: Actor) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    stack_destroy.destroy(aws=gateway, stack=wanted, actor=actor, report=quiet)
    assert all(gateway.iam.role(role.name) is None for role in wanted.roles)
    assert not gateway.iam.group_exists(wanted.group)
    assert gateway.buckets.bucket(wanted.bucket) is not None
    assert not Location.objects.existing().filter(scope=wanted.scope).exists()
    with pytest.raises(ConflictError, match="nothing was done"):
        stack_destroy.destroy(aws=gateway, stack=wanted, actor=actor, report=quiet, confirm_bucket="another")
    stack_destroy.destroy(aws=gateway, stack=wanted, actor=actor, report=quiet, confirm_bucket=wanted.bucket)
    assert gateway.buckets.bucket(wanted.bucket) is None


def test_a_role_of_somebody_else_is_named_and_left_alone(
    aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor
) -> None:
    name = wanted.role("importer role").name
    aws.make_role(f"arn:aws:iam::{aws.account}:root", name=name)
    before = gateway.iam.role(name)
    with pytest.raises(ConflictError, match="left alone"):
        stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    assert gateway.iam.role(name) == before


def test_a_role_on_another_path_is_not_ours_whatever_its_tag(
    aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor
) -> None:
    role = wanted.role("importer role")
    tags = [{"Key": key, "Value": value} for key, value in ownership.tags("stack").items()]
    aws.make_role(f"arn:aws:iam::{aws.account}:root", name=role.name, Path="/", Tags=tags)
    before = gateway.iam.role(role.name)
    with pytest.raises(ConflictError, match="left alone"):
        stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    stack_destroy.destroy(aws=gateway, stack=wanted, actor=actor, report=quiet)
    assert gateway.iam.role(role.name) == before


def test_what_widens_a_role_or_the_group_is_named(aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    iam, role = aws("iam"), wanted.role("importer role")
    everything = json.dumps(allow("*"))
    iam.put_role_policy(RoleName=role.name, PolicyName="wider", PolicyDocument=everything)
    policy = iam.create_policy(PolicyName=aws.name("wider"), PolicyDocument=everything)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=wanted.group, PolicyArn=policy)
    seen = {step.part: step for step in stack.plan(gateway, wanted) if step.status != "ok"}
    assert set(seen) == {"importer role", "uploader group"}
    assert "wider" in seen["importer role"].detail
    assert policy in seen["uploader group"].detail
    iam.delete_role_policy(RoleName=role.name, PolicyName="wider")
    iam.detach_group_policy(GroupName=wanted.group, PolicyArn=policy)
    assert {step.status for step in stack.plan(gateway, wanted)} == {"ok"}


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}])
def test_a_trust_in_everybody_is_put_right(everybody: Any, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    role = wanted.role("importer role")
    statement = {"Effect": "Allow", "Principal": everybody, "Action": "sts:AssumeRole"}
    gateway.iam.update_role_trust(role.name, {"Version": "2012-10-17", "Statement": [statement]})
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    found = gateway.iam.role(role.name)
    assert found is not None
    assert found.trust == role.trust
