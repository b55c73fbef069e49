"""Explanations as they are asked for: rows, the account in the sandbox, people, and what the database is asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError
from grants import scopes
from grants.aws.errors import AwsRefusedError
from grants.aws.gateway import Aws
from grants.models import Grant
from grants.reach import Reach, Way
from grants.services import explain, explain_facts
from tests.builders import grants as rows
from tests.builders.people import person
from tests.grants.services.conftest import Stack, stack
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow

__all__ = ["stack"]
pytestmark = pytest.mark.django_db


class Scene:
    """A stack with a location and an uploader, both also as rows."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.aws, self.gateway = stack, stack.aws, stack.gateway
        made, _ = self.gateway.access_grants.create_location(stack.scope, stack.role_arn, {})
        self.location = rows.location(stack.scope, aws_id=made.id, role_arn=stack.role_arn)
        self.made = self.aws.make_user(allow("s3:GetDataAccess", self.gateway.instance_arn))
        self.principal = rows.principal(self.made["UserName"], arn=self.made["Arn"])

    def grant(self, sub_prefix: str = "a/*", permission: str = "READ", **fields: Any) -> Grant:
        """Make a grant, in rows alone: explanations are made of rows."""
        fields = {"location": self.location, "principal": self.principal, **fields}
        return rows.grant(sub_prefix=sub_prefix, permission=permission, **fields)

    def who(self, key: str) -> list[Reach]:
        """Ask who reaches a key, by grants."""
        answers = explain.who_can_reach(key_uri=f"{self.stack.scope}{key}", aws=self.gateway)
        return [answer for answer in answers if answer.grant_id]


@pytest.fixture
def scene(stack: Stack) -> Scene:
    return Scene(stack)


def test_a_grant_is_told_with_the_person_behind_its_principal(scene: Scene) -> None:
    uploader = person("uploader")
    scene.principal.user = uploader
    scene.principal.save()
    made = scene.grant()
    [answer] = scene.who("a/x")
    assert (answer.grant_id, answer.linked_user) == (made.aws_id, uploader.label)
    assert (answer.principal_arn, answer.expires_at) == (scene.principal.arn, made.expires_at)
    assert answer.reaches
    assert scene.who("b/x") == []


@pytest.mark.parametrize("origin", ["foreign", "adopted"])
def test_grants_that_are_not_ours_are_told(scene: Scene, origin: str) -> None:
    scene.grant("a*", origin=origin)
    [answer] = scene.who("ab/x")
    assert (answer.origin, answer.reaches) == (origin, True)


def test_a_grant_past_its_expiry_is_told_as_long_as_it_is_there(scene: Scene) -> None:
    over = scene.grant(expires_at=timezone.now() - timedelta(days=1))
    [answer] = scene.who("a/x")
    assert answer.reaches
    assert "past its expiry" in answer.notes[0]
    over.state, over.deleted_at = "deleted", timezone.now()
    over.save()
    assert scene.who("a/x") == []


@pytest.mark.parametrize("scope", ["s3://{}", "s3://{}/", "s3://{}/*", "s3://{}/a*", "s3://{}/a/x"])
def test_every_spelling_of_a_scope_is_found(scene: Scene, scope: str) -> None:
    scene.grant(scope=scope.format(scene.stack.bucket), origin="adopted")
    assert len(scene.who("a/x")) == 1


def test_what_a_principal_a_person_or_an_identity_without_a_row_reaches(scene: Scene) -> None:
    scene.grant()
    scene.principal.user = person("uploader")
    scene.principal.save()
    by_row = explain.reach_of(principal=scene.principal, aws=scene.gateway)
    assert [(answer.way, answer.scope) for answer in by_row] == [(Way.GRANT, f"{scene.stack.scope}a/*")]
    assert explain.reach_of_user(user=scene.principal.user, aws=scene.gateway) == by_row
    assert explain.reach_of_user(user=person("stranger"), aws=scene.gateway) == []
    other = scene.aws.make_user(allow("s3:GetObject", f"arn:aws:s3:::{scene.stack.bucket}/b/*"))
    for name in (other["UserName"], other["Arn"]):
        [answer] = explain.reach_of(principal=name, aws=scene.gateway)
        assert (answer.way, answer.scope, answer.actions) == (
            Way.IDENTITY,
            f"{scene.stack.scope}b/*",
            ("s3:GetObject",),
        )
    with pytest.raises(NotFoundError, match="called nobody"):
        explain.reach_of(principal="nobody", aws=scene.gateway)


def test_what_a_grant_would_add(scene: Scene) -> None:
    scene.grant("*", "READ")
    asked = {"location": scene.location, "principal": scene.principal, "aws": scene.gateway}
    found = explain.what_if(**asked, sub_prefix="a/*", permission="READWRITE")
    assert found.adds == ("s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", "s3:DeleteObjectVersion")
    assert found.already == ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")
    assert [overlap.relation for overlap in found.overlaps] == ["wider"]
    assert len(found.rules) == 1
    with pytest.raises(InvalidInputError) as caught:
        explain.what_if(**asked, sub_prefix="a*", permission="READ")
    assert caught.value.errors[0].pointer == "/sub_prefix"


@pytest.mark.parametrize("uri", ["a/x", "https://bucket/x", "s3://", "s3://B/x"])
def test_what_names_no_key_is_refused_with_its_field(uri: str, gateway: Aws) -> None:
    with pytest.raises(InvalidInputError) as caught:
        explain.who_can_reach(key_uri=uri, aws=gateway)
    assert caught.value.errors[0].pointer == "/key_uri"


def test_a_bucket_policy_that_cannot_be_read_leaves_answers_uncertain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: str) -> None:
        raise AwsRefusedError("GetBucketPolicy", "AccessDenied", "no")

    scene.grant()
    monkeypatch.setattr(scene.gateway.buckets, "policy", refused)
    [answer] = scene.who("a/x")
    assert answer.doubts == (f"the policy of bucket {scene.stack.bucket} could not be read (AccessDenied)",)


def test_a_page_that_fails_is_never_taken_for_an_empty_account(scene: Scene) -> None:
    fault = {"service": "iam", "operation": "GetAccountAuthorizationDetails", "kind": "error", "code": "AccessDenied"}
    scene.aws.sandbox.control.faults([{**fault, "status": 403}])
    with pytest.raises(AwsRefusedError):
        scene.who("a/x")


def test_the_database_is_asked_the_same_however_many_grants_there_are(aws: Sandbox, gateway: Aws) -> None:
    scene = Scene(Stack(aws, gateway, aws.name("group")))
    scene.grant()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert len(scene.who("a/b/c/x")) >= 1
        return len(asked)

    before = queries()
    for number in range(30):
        scene.grant(f"a/{'b/' * (number % 2)}*", ("READ", "WRITE", "READWRITE")[number % 3], principal=rows.principal())
    assert queries() == before <= 3


@pytest.mark.slow
def test_a_hundred_thousand_grants_are_not_looked_through(gateway: Aws) -> None:
    location, principals = rows.location("s3://many/"), [rows.principal() for _ in range(100)]
    Grant.objects.bulk_create(
        (
            Grant(
                location=location,
                principal=principals[number % 100],
                permission="READ",
                sub_prefix=f"{number // 100}/*",
                scope=f"s3://many/{number // 100}/*",
                state="active",
                aws_id=f"id-{number}",
                expires_at=timezone.now() + timedelta(days=30),
            )
            for number in range(100_000)
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE grants_grant")
    target = scopes.parse(f"s3://many/777/{'x' * 1000}")
    with CaptureQueriesContext(connection) as asked:
        found = explain_facts.covering(target)
        people = explain_facts.linked_users(grant.principal.arn for grant in found)
    assert (len(found), people) == (100, {})
    assert len(asked) == 3
    seconds = sum(float(query["time"]) for query in asked)
    print(f"{seconds:.3f} seconds in the database")
    assert seconds < 1
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "grant_scope" in plan
    assert "Seq Scan" not in plan
