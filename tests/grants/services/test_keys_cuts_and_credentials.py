"""Keys are shown once, sessions can be cut, credentials are recorded before and after; no secret is left anywhere."""

import io
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, RefusedError, UnavailableError
from cellenium_admin.core.models import User
from grants.aws.factory import connect
from grants.aws.gateway import Aws
from grants.models import Grant, Issuance
from grants.services import credentials, cuts, grants, keys, operations, principals
from tests.builders.people import person
from tests.grants.failures.conftest import World, stack, world
from tests.support.sandbox import allow, refusal

__all__ = ["stack", "world"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def uploader(db: None) -> User:
    return person("uploader")


@pytest.fixture
def role_grant(world: World, uploader: User) -> Grant:
    """A grant to a role that the uploader is behind."""
    everything = allow(["s3:GetDataAccess"], world.aws.instance_arn)
    arn = world.stack.aws.make_role(f"arn:aws:iam::{world.aws.account}:root", everything)
    principal = principals.register(arn=arn, actor=world.actor, aws=world.aws, user=uploader)
    grant, operation = grants.create(
        location=world.location, principal=principal, sub_prefix="data/*", permission="READ", actor=world.actor
    )
    world.done(operation)
    grant.refresh_from_db()
    return grant


@pytest.fixture
def service(world: World, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The account as an IAM user sees it: AWS lets no root assume a role."""
    user = world.stack.aws.make_user(allow("*"))
    for name, value in world.stack.aws.sandbox.environment(user).items():
        monkeypatch.setenv(name, value)
    return connect()


def broker_text() -> str:
    """Give all that Redis holds."""
    server = redis.Redis.from_url(settings.REDIS_URL)
    kinds = {b"list": lambda key: server.lrange(key, 0, -1), b"string": server.get, b"hash": server.hgetall}
    return repr([(key, kinds.get(server.type(key), server.dump)(key)) for key in server.scan_iter()])


def stored_text() -> str:
    """Give all text of all tables, as PostgreSQL would write it into a dump."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall() if name != "core_auditpending"]
        parts = []
        for table in tables:
            cursor.execute(f'SELECT to_jsonb(t)::text FROM public."{table}" t')
            parts += [text for (text,) in cursor.fetchall()]
    return "\n".join(parts)


def test_a_key_is_rotated_and_no_secret_is_left(world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    first, secret = keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    second, other, intended = keys.rotate(principal=world.principal, actor=world.actor, aws=world.aws)
    world.done(*intended)
    found = {key.id: key.status for key in world.aws.iam.keys(world.principal.name)}
    assert found == {first.access_key_id: "Inactive", second.access_key_id: "Active"}
    with pytest.raises(ConflictError, match="AWS allows 2"):
        keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    call_command("audit", "export", "--format", "ndjson", "-o", str(tmp_path / "trail"), stdout=io.StringIO())
    everything = stored_text() + caplog.text + (tmp_path / "trail").read_text() + broker_text()
    assert first.access_key_id in everything
    for one in (secret, other):
        assert one.reveal() not in everything
        assert "***" in f"{one} {one!r}"
    world.done(keys.remove(key=first, actor=world.actor, reason="rotated"))
    assert [key.id for key in world.aws.iam.keys(world.principal.name)] == [second.access_key_id]


def test_a_user_that_aws_has_no_more_gets_no_key(world: World) -> None:
    iam = world.stack.aws("iam")
    iam.remove_user_from_group(UserName=world.principal.name, GroupName=world.stack.group)
    iam.delete_user(UserName=world.principal.name)
    with pytest.raises(ConflictError, match="reconcile") as caught:
        keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    assert caught.value.code == "principal_gone"


def test_keys_of_others_are_left_alone(world: World) -> None:
    theirs = world.stack.aws.make_user()
    principal = principals.register(arn=theirs["Arn"], actor=world.actor, aws=world.aws)
    with pytest.raises(ConflictError, match="left alone"):
        keys.create(principal=principal, actor=world.actor, aws=world.aws)
    [operation] = principals.remove(principal=principal, actor=world.actor, reason="not needed")
    world.done(operation)
    assert world.aws.iam.user(theirs["UserName"]) is not None


def test_credentials_are_recorded_and_can_be_cut_alone(
    world: World, service: Aws, role_grant: Grant, uploader: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.stack.aws("s3").put_object(Bucket=world.stack.bucket, Key="data/x", Body=b"1")

    def issue() -> tuple[Issuance, Any]:
        issuance, session = credentials.issue_data_access(
            grant=role_grant, user=uploader, actor=Actor.of(uploader), aws=service
        )
        revealed = {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key.reveal(),
            "SessionToken": session.session_token.reveal(),
        }
        return issuance, revealed

    (first, one), (second, two) = issue(), issue()
    assert first.state == Issuance.State.ISSUED
    assert ":" in first.aws_user_id
    read = {"Bucket": world.stack.bucket, "Key": "data/x"}
    assert refusal(world.stack.aws("s3", one).get_object, **read) is None
    everything = stored_text() + caplog.text
    for revealed in (one, two):
        assert revealed["SecretAccessKey"] not in everything
        assert revealed["SessionToken"] not in everything
    [(_, operation)] = cuts.cut_sessions(issuances=[first], actor=world.actor, reason="a lost laptop")
    world.done(operation)
    assert refusal(world.stack.aws("s3", one).get_object, **read) == "AccessDenied"
    assert refusal(world.stack.aws("s3", two).get_object, **read) is None, "only the one that was named"
    first.refresh_from_db()
    assert first.cut_at is not None
    assert list(Issuance.objects.visible_to(uploader)) == [second, first]


def test_what_is_not_handed_out(world: World, service: Aws, role_grant: Grant, uploader: User) -> None:
    def issue(**more: Any) -> None:
        asked = {"grant": role_grant, "user": uploader, "actor": Actor.of(uploader), "aws": service} | more
        credentials.issue_data_access(**asked)

    with pytest.raises(RefusedError, match="linked"):
        issue(user=person("stranger"))
    with pytest.raises(InvalidInputError, match="outside"):
        issue(target=f"{world.stack.scope}other/*")
    with pytest.raises(InvalidInputError, match="900"):
        issue(duration=60)
    world.goes_wrong("GetDataAccess", code="AccessDenied", status=403)
    with pytest.raises(UnavailableError, match="no credentials"):
        issue()
    assert Issuance.objects.get().state == Issuance.State.REFUSED
    Grant.objects.filter(pk=role_grant.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ConflictError, match="not in force"):
        issue()


def test_too_many_sessions_for_one_policy_are_refused_with_a_way_out(world: World, role_grant: Grant) -> None:
    many = [
        Issuance.objects.create(
            method="data_access", state="issued", grant=role_grant, role_arn=world.location.role_arn,
            scope="s3://b/*", permission="READ",
            duration_seconds=3600, expires_at=timezone.now() + timedelta(hours=1), access_key_id=f"ASIA{number}",
            aws_user_id=f"AROA{number:020}:access-grants-{number:036}",
        )
        for number in range(120)
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match="cut all sessions"):
        cuts.cut_sessions(issuances=many, actor=world.actor, reason="many")
    operations.execute(
        operation_id=cuts.cut_all(role_arn=world.location.role_arn, actor=world.actor, reason="many")[1].pk,
        aws=world.aws,
    )
