"""SeaweedFS judges what is written for it as AWS does, or more widely: tried on the server itself."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.seaweed import (
    ACCOUNT,
    ANYTHING,
    BUCKET,
    BUCKET_ARN,
    KEYS,
    OBJECTS,
    Stage,
    allow,
    deny,
    document,
    refusal,
    unique,
)

Statement = dict[str, Any]


def readable(client: Any, *keys: str) -> set[str]:
    """Give the keys that may be read."""
    return {key for key in keys if refusal(client.head_object, Bucket=BUCKET, Key=key) is None}


def listable(client: Any, *prefixes: str | None) -> set[str | None]:
    """Give the prefixes that may be listed; None stands for no prefix at all."""
    return {
        prefix
        for prefix in prefixes
        if refusal(client.list_objects_v2, Bucket=BUCKET, **({} if prefix is None else {"Prefix": prefix})) is None
    }


def as_user(stage: Stage, *statements: Statement) -> Any:
    return stage.user(unique("user"), document(*statements))


def as_role(stage: Stage, *statements: Statement) -> Any:
    role = unique("role")
    stage.server.put_role(role, [document(*statements)])
    return stage.session(role)


def as_bounded_session(stage: Stage, *statements: Statement) -> Any:
    role = unique("role")
    stage.server.put_role(role, [document(ANYTHING)])
    return stage.session(role, document(*statements))


# The three are judged by the same code of SeaweedFS as far as seen, so that one of them is tried each time.
EVERY_KIND = pytest.mark.parametrize(
    "kind", [as_user, *(pytest.param(kind, marks=pytest.mark.slow) for kind in (as_role, as_bounded_session))]
)
Kind = Callable[..., Any]


@EVERY_KIND
@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("a[1]/*", {"a[1]/x"}),
        ("a+b/*", {"a+b/x"}),
        ("a.b/*", {"a.b/x"}),
        ("a b/*", {"a b/x"}),
        ("é/*", {"é/x"}),
        ("a/?/x", {"a/b/x"}),
        ("b/${aws:userid}", {"b/x"}),
        ("a\\b", {"a\\b", "a*b", "a?b", "a$b"}),
        ("a${*}b", {"a\\b", "a*b", "a?b", "a$b", "a+b/x", "a.b/x", "aXb/x", "a b/x"} & {"a\\b", "a*b", "a?b", "a$b"}),
    ],
)
def test_allowed_keys(stage: Stage, kind: Kind, pattern: str, read: set[str]) -> None:
    assert read <= readable(kind(stage, allow("s3:GetObject", f"{BUCKET_ARN}/{pattern}")), *KEYS)
    if not set(pattern) & {"$", "\\"}:
        assert readable(kind(stage, allow("s3:GetObject", f"{BUCKET_ARN}/{pattern}")), *KEYS) == read


def test_the_name_of_a_user_stands_for_itself(stage: Stage) -> None:
    name = unique("home")
    stage.root.put_object(Bucket=BUCKET, Key=f"{name}/x", Body=b"x")
    client = stage.user(name, document(allow("s3:GetObject", f"{BUCKET_ARN}/${{aws:username}}/*")))
    assert readable(client, f"{name}/x", "a/x", "${aws:username}/x") == {f"{name}/x"}


@EVERY_KIND
@pytest.mark.parametrize(
    ("condition", "listed"),
    [
        ({"StringLike": {"s3:prefix": "a/*"}}, {"a/", "a/b"}),
        ({"StringLike": {"s3:prefix": ["", "a/*"]}}, {"", None, "a/", "a/b"}),
        ({"StringEquals": {"s3:prefix": "a/"}}, {"a/"}),
        ({"StringEquals": {"s3:prefix": "a*"}}, {"a*"}),
        ({"StringNotLike": {"s3:prefix": "a*"}}, {"", None, "b/"}),
        ({"StringNotEquals": {"s3:prefix": ["a/", "b/"]}}, {"", None, "a/b", "a*"}),
        ({"StringLike": {"s3:prefix": "a[1]/*"}}, set()),
    ],
)
def test_listings_by_prefix(stage: Stage, kind: Kind, condition: Statement, listed: set[str | None]) -> None:
    client = kind(stage, allow("s3:ListBucket", BUCKET_ARN, Condition=condition))
    assert listable(client, "a/", "a/b", "b/", "a*", "", None) == listed


@EVERY_KIND
def test_a_deny_by_prefix(stage: Stage, kind: Kind) -> None:
    by_prefix = deny("s3:*", "*", Condition={"StringLike": {"s3:prefix": "a/*"}})
    client = kind(stage, ANYTHING, by_prefix)
    assert listable(client, "a/", "b/", "", None) == {"b/", "", None}
    assert readable(client, "a/x", "b/x") == {"a/x", "b/x"}


@EVERY_KIND
def test_a_deny_of_everything(stage: Stage, kind: Kind) -> None:
    client = kind(stage, ANYTHING, deny("s3:GetObject", OBJECTS))
    assert readable(client, "a/x") == set()
    assert listable(client, "a/") == {"a/"}


@EVERY_KIND
def test_a_deny_left_out_does_not_refuse_keys_in_another_case(stage: Stage, kind: Kind) -> None:
    assert "A/x" in readable(kind(stage, ANYTHING, deny("s3:GetObject", f"{BUCKET_ARN}/a/*")), "A/x")


@EVERY_KIND
def test_nothing_allowed_is_everything_refused(stage: Stage, kind: Kind) -> None:
    client = kind(stage, allow("sts:GetCallerIdentity", "*"))
    assert readable(client, "a/x") == set()
    assert listable(client, None) == set()


def test_a_session_is_bounded_by_its_role_as_well(stage: Stage) -> None:
    role = unique("role")
    stage.server.put_role(role, [document(allow("s3:GetObject", f"{BUCKET_ARN}/a/*"))])
    client = stage.session(role, document(allow("s3:GetObject", f"{BUCKET_ARN}/b/*", f"{BUCKET_ARN}/a/b/*")))
    assert readable(client, "a/x", "b/x", "a/b/x") == {"a/b/x"}


@pytest.mark.slow
class TestBucketPolicies:
    """In one class on one bucket, which has one policy at a time."""

    def test_users_roles_and_sessions_get_what_they_are_named_for(self, stage: Stage) -> None:
        name, role, other = unique("user"), unique("role"), unique("role")
        for one in (role, other):
            stage.server.put_role(one, [])
        user, named, unnamed = stage.user(name), stage.session(role), stage.session(other, name="named")
        principals = [
            f"arn:aws:iam::{ACCOUNT}:user/path/{name}",
            f"arn:aws:iam::{ACCOUNT}:role/{role}",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/{other}/named",
        ]
        policy = document(allow("s3:GetObject", f"{BUCKET_ARN}/a/*", Principal={"AWS": principals}))
        with bucket_policy(stage, policy):
            assert [readable(client, "a/x", "b/x") for client in (user, named, unnamed)] == [{"a/x"}] * 3
            assert readable(stage.user(unique("stranger")), "a/x") == set()
            assert readable(stage.session(other, name="stranger"), "a/x") == set()

    def test_a_deny_of_everyone_locks_nobody_out_of_the_policy(self, stage: Stage) -> None:
        user, session = as_user(stage, ANYTHING), as_role(stage, ANYTHING)
        with bucket_policy(stage, document(deny("s3:*", BUCKET_ARN, OBJECTS, Principal="*"))):
            assert readable(user, "a/x") == readable(session, "a/x") == set()
            assert readable(stage.root, "a/x") == {"a/x"}
        assert readable(user, "a/x") == {"a/x"}

    def test_a_deny_of_keys_keeps_to_their_case(self, stage: Stage) -> None:
        user, session = as_user(stage, ANYTHING), as_role(stage, ANYTHING)
        with bucket_policy(stage, document(deny("s3:GetObject", f"{BUCKET_ARN}/a/*", Principal="*"))):
            assert readable(user, "a/x", "A/x") == readable(session, "a/x", "A/x") == {"A/x"}

    @pytest.mark.parametrize(
        ("condition", "listed"),
        [
            ({"StringLike": {"s3:prefix": "a/*"}}, {"a/", "a/b"}),
            ({"StringLike": {"s3:prefix": ["", "a/*"]}}, {"", None, "a/", "a/b", "b/"}),
            ({"StringNotEquals": {"s3:prefix": "a/"}}, {"", None, "a/b", "b/"}),
        ],
    )
    def test_listings_by_prefix(self, stage: Stage, condition: Statement, listed: set[str | None]) -> None:
        user, session = as_user(stage), as_role(stage)
        policy = document(allow("s3:ListBucket", BUCKET_ARN, Principal="*", Condition=condition))
        with bucket_policy(stage, policy):
            for client in (user, session):
                assert listable(client, "a/", "a/b", "b/", "", None) == listed


class bucket_policy:  # noqa: N801 - read as a statement
    """Give the bucket a policy for some time."""

    def __init__(self, stage: Stage, policy: Statement) -> None:
        self.stage, self.policy = stage, policy

    def __enter__(self) -> None:
        self.stage.server.put_bucket_policy(BUCKET, self.policy)

    def __exit__(self, *_: object) -> None:
        self.stage.server.put_bucket_policy(BUCKET, None)
