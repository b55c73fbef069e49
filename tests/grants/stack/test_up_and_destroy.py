"""`access up`, `plan` and `destroy` on the sandbox: idempotent, judged by what its roles really allow, and modest."""

from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws
from grants.models import Location
from grants.services import grants, operations, principals, stack, stack_destroy
from grants.services.stack_desired import Stack, desired
from grants.services.stack_steps import Step
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import refusal

pytestmark = pytest.mark.django_db(transaction=True)


def quiet(step: Step) -> None:
    del step


@pytest.fixture
def wanted(aws: Sandbox, gateway: Aws, settings: Any) -> Stack:
    settings.UPLOADER_GROUP = aws.name("group")
    return desired(gateway, bucket=aws.name("data"))


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
