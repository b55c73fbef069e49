"""Tags of users, roles and policies.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
"""

import json
from typing import Any

import pytest

from tests.support.iam import Driver, allow, trusting

OWNERS: dict[str, dict[str, Any]] = {
    "User": {"UserName": "one"},
    "Role": {"RoleName": "one"},
    "Policy": {"PolicyArn": "arn:aws:iam::123456789012:policy/one"},
}


@pytest.fixture(params=OWNERS)
def kind(request: pytest.FixtureRequest, iam: Driver) -> str:
    name: str = request.param
    more = {
        "User": {},
        "Role": {"AssumeRolePolicyDocument": json.dumps(trusting("*"))},
        "Policy": {"PolicyDocument": json.dumps(allow("s3:*"))},
    }[name]
    iam(f"Create{name}", **{f"{name}Name": "one"}, **more)
    return name


def tags(**values: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in values.items()]


def shown(iam: Driver, kind: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam(f"List{kind}Tags", **OWNERS[kind])["Tags"]}


def test_tags_are_added_replaced_and_removed(iam: Driver, kind: str) -> None:
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(a="1", b="2"))
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(b="3", c=""))
    assert shown(iam, kind) == {"a": "1", "b": "3", "c": ""}
    iam(f"Untag{kind}", **OWNERS[kind], TagKeys=["a", "nothing"])
    assert shown(iam, kind) == {"b": "3", "c": ""}
    iam.open()
    assert shown(iam, kind) == {"b": "3", "c": ""}


def test_a_key_in_another_case_is_the_same_key(iam: Driver, kind: str) -> None:
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(Team="1"))
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(team="2"))
    assert shown(iam, kind) == {"team": "2"}
    message = iam.refused(f"Tag{kind}", "InvalidInput", **OWNERS[kind], Tags=tags(x="1", X="2"))
    assert message.startswith("Duplicate tag keys found.")


def test_there_are_fifty_tags_at_most(iam: Driver, kind: str) -> None:
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(**{f"k{number}": "v" for number in range(50)}))
    iam.refused(f"Tag{kind}", "LimitExceeded", **OWNERS[kind], Tags=tags(another="v"))
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(k7="w"))
    many = tags(**{f"k{number}": "v" for number in range(51)})
    iam.refused(f"Tag{kind}", "ValidationError", **OWNERS[kind], Tags=many)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("k" * 129, "", "ValidationError"),
        ("", "", "ValidationError"),
        ("key", "v" * 257, "ValidationError"),
        ("a*b", "", "ValidationError"),
        ("key", "semi;colon", "ValidationError"),
        ("aws:cellenium", "", "InvalidInput"),
        ("AWS:cellenium", "", "InvalidInput"),
    ],
)
def test_a_tag_that_iam_does_not_take_is_refused(iam: Driver, kind: str, key: str, value: str, code: str) -> None:
    iam.refused(f"Tag{kind}", code, **OWNERS[kind], Tags=[{"Key": key, "Value": value}])
    assert shown(iam, kind) == {}


def test_letters_of_any_script_spaces_and_some_signs_are_taken(iam: Driver, kind: str) -> None:
    given = {"Größe 大小": "ж ё_.:/=+-@"}
    iam(f"Tag{kind}", **OWNERS[kind], Tags=tags(**given))
    assert shown(iam, kind) == given


def test_awss_own_policies_cannot_be_tagged(iam: Driver) -> None:
    arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.refused("TagPolicy", "NoSuchEntity", PolicyArn=arn, Tags=tags(a="b"))
