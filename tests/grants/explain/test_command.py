"""`access explain` on the sandbox, as it is typed."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.builders.people import person
from tests.grants.explain.test_service import Scene, scene
from tests.grants.services.conftest import stack

__all__ = ["scene", "stack"]
pytestmark = pytest.mark.django_db


def said(*words: str) -> str:
    out = StringIO()
    call_command("access", "explain", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def found(*words: str) -> Any:
    return json.loads(said(*words, "--output", "json"))


def test_who_reaches_a_key_as_a_table_and_as_json(scene: Scene) -> None:
    grant = scene.grant()
    table = said(f"{scene.stack.scope}a/x")
    [heading] = [line for line in table.splitlines() if line.startswith("WHO")]
    assert heading.split() == ["WHO", "WAY", "SCOPE", "MAY", "BECAUSE", "EXPIRES", "BUT"]
    [line] = [line for line in table.splitlines() if line.startswith(scene.principal.arn)]
    assert f"grant {grant.aws_id}: READ on {grant.scope}" in line
    assert "GetObject, GetObjectVersion, ListBucket (prefix a/)" in line
    assert f"{grant.expires_at:%Y-%m-%d}" in line
    by_grant, *others = found(f"{scene.stack.scope}a/x")
    assert (by_grant["grant_id"], by_grant["way"], by_grant["reaches"]) == (grant.aws_id, "grant", True)
    assert by_grant["actions"] == ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]
    assert by_grant["expires_at"] == grant.expires_at.isoformat()
    assert [one["principal_arn"] for one in others if ":root" in one["principal_arn"]] == [
        f"arn:aws:iam::{scene.gateway.account}:root"
    ]


def test_what_somebody_reaches_by_name_by_arn_and_by_the_account_behind(scene: Scene) -> None:
    scene.grant()
    scene.principal.user = person("uploader")
    scene.principal.save()
    expected = found("--principal", scene.principal.name)
    assert [one["scope"] for one in expected] == [f"{scene.stack.scope}a/*"]
    assert found("--principal", scene.principal.arn) == expected
    assert found("--user", scene.principal.user.email) == expected
    assert f"({scene.principal.user.label})" in said("--principal", scene.principal.name)


def test_an_identity_that_only_aws_knows_is_found(scene: Scene) -> None:
    made = scene.aws.make_user(name=scene.aws.name("unregistered"))
    assert found("--principal", made["UserName"]) == found("--principal", made["Arn"]) == []


def test_what_a_grant_would_add_is_told(scene: Scene) -> None:
    scene.grant("*", "READWRITE")
    asked = ("--what-if", scene.principal.name, scene.stack.scope, "a/*", "--permission", "READ")
    table = said(*asked)
    assert "adds         nothing" in table
    assert "will give a session for" in table
    answer = found(*asked)
    assert (answer["adds"], len(answer["overlaps"]), len(answer["rules"])) == ([], 1, 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Ask one question"),
        (("s3://bucket/x", "--user", "uploader@example.org"), "Ask one question"),
        (("bucket/x",), "begin it with s3://"),
        (("--user", "stranger@example.org"), "no account stranger@example.org"),
        (("--principal", "nobody"), "called nobody"),
    ],
)
def test_what_cannot_be_answered_says_why(scene: Scene, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        said(*words)
