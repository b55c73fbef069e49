"""The whole life of a grant, on the sandbox: wished for, made, used, revoked, gone; and what the trail tells of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError
from cellenium_admin.core.models import AuditEvent
from cellenium_admin.core.services.audit_chain import database_trail, verify
from grants.aws.gateway import Aws
from grants.models import Grant, Location, Operation, Principal, State
from grants.services import grants, keys, locations, operations, ownership, principals
from tests.grants.services.conftest import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def do(aws: Aws, *found: Operation) -> list[Operation]:
    return operations.execute_all(operation_ids=[operation.pk for operation in found], aws=aws)


@pytest.fixture
def location(stack: Stack, actor: Actor) -> Location:
    made, operation = locations.register(scope=stack.scope, role_arn=stack.role_arn, actor=actor)
    [done] = do(stack.gateway, operation)
    assert done.state == "succeeded", done.error_detail
    made.refresh_from_db()
    return made


@pytest.fixture
def principal(stack: Stack, actor: Actor) -> Principal:
    made, operation = principals.create_user(name=stack.aws.name("uploader"), actor=actor)
    [done] = do(stack.gateway, operation)
    assert done.state == "succeeded", done.error_detail
    made.refresh_from_db()
    return made


def test_a_grant_is_made_used_and_taken_away(
    stack: Stack, location: Location, principal: Principal, actor: Actor
) -> None:
    gateway = stack.gateway
    grant, operation = grants.create(
        location=location, principal=principal, sub_prefix="data/*", permission="READ", actor=actor, reason="to read"
    )
    assert grant.state == State.PENDING_CREATE
    [done] = do(gateway, operation)
    assert done.state == "succeeded", done.error_detail
    grant.refresh_from_db()
    assert (grant.state, grant.scope) == (State.ACTIVE, f"{stack.scope}data/*")
    found = gateway.access_grants.grant(grant.aws_id)
    assert found is not None
    assert (found.scope, found.permission, found.grantee) == (grant.scope, "READ", principal.arn)
    assert ownership.made_by(gateway.access_grants.tags(found.arn), operation.pk)

    key, secret = keys.create(principal=principal, actor=actor, aws=gateway)
    credentials = {"AccessKeyId": key.access_key_id, "SecretAccessKey": secret.reveal()}
    stack.aws("s3").put_object(Bucket=stack.bucket, Key="data/one", Body=b"1")
    answer = stack.aws("s3control", credentials).get_data_access(
        AccountId=gateway.account, Target=f"{stack.scope}data/*", Permission="READ"
    )
    body = stack.aws("s3", answer["Credentials"]).get_object(Bucket=stack.bucket, Key="data/one")["Body"]
    assert body.read() == b"1"

    grant, operation = grants.revoke(grant=grant, actor=actor, reason="done")
    [done] = do(gateway, operation)
    assert done.state == "succeeded", done.error_detail
    assert Grant.objects.get(pk=grant.pk).state == State.DELETED
    assert gateway.access_grants.grant(found.id) is None

    everything_ends(gateway, location, principal, actor)
    told = list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))
    assert told.count("operation.started") == told.count("operation.succeeded") == 7
    with database_trail() as trail:
        assert verify(trail).breach is None


def everything_ends(gateway: Aws, location: Location, principal: Principal, actor: Actor) -> None:
    do(gateway, *principals.remove(principal=principal, actor=actor, reason="left"))
    principal.refresh_from_db()
    assert principal.state == State.DELETED
    assert gateway.iam.user(principal.name) is None
    location, operation = locations.remove(location=location, actor=actor, reason="over")
    do(gateway, operation)
    assert Location.objects.get(pk=location.pk).state == State.DELETED


@pytest.mark.parametrize(
    ("sub_prefix", "says"),
    [("data*", "put a / before"), ("data/", "end it with /*"), ("a?/*", "holds ?"), ("../*", "dots"), ("", "/*")],
)
def test_a_sub_prefix_is_refused_and_never_rewritten(
    sub_prefix: str, says: str, location: Location, principal: Principal, actor: Actor
) -> None:
    with pytest.raises(InvalidInputError, match=says.replace("*", r"\*").replace("?", r"\?")) as caught:
        grants.create(location=location, principal=principal, sub_prefix=sub_prefix, permission="READ", actor=actor)
    assert caught.value.errors[0].pointer == "/sub_prefix"
    assert not Grant.objects.exists()


def test_the_same_grant_is_not_given_twice(location: Location, principal: Principal, actor: Actor) -> None:
    grants.create(location=location, principal=principal, sub_prefix="a/*", permission="READ", actor=actor)
    with pytest.raises(ConflictError, match="already"):
        grants.create(location=location, principal=principal, sub_prefix="a/*", permission="READ", actor=actor)


def test_a_grant_lasts_as_long_as_the_setting_allows(location: Location, principal: Principal, actor: Actor) -> None:
    for wrong in (timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(days=366)):
        with pytest.raises(InvalidInputError) as caught:
            grants.create(
                location=location,
                principal=principal,
                sub_prefix="a/*",
                permission="READ",
                expires_at=wrong,
                actor=actor,
            )
        assert caught.value.errors[0].pointer == "/expires_at"
