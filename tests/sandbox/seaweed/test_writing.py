"""What becomes of policies on their way to SeaweedFS: an Allow may widen, a Deny may go, never the reverse."""

from typing import Any

import pytest

from grants.sandbox.seaweed_bucket_policies import BucketPolicyWriter
from grants.sandbox.seaweed_policies import identity_document, session_document
from tests.support.seaweed import ACCOUNT, BUCKET, BUCKET_ARN, OBJECTS, allow, deny, document

NOTHING = "sandbox:Nothing"


def written(*statements: dict[str, Any], user: str | None = None) -> list[dict[str, Any]]:
    """Write one policy of a user or role and give the statements that are left."""
    found = identity_document([document(*statements)], user=user)["Statement"]
    return [statement for statement in found if statement["Action"] != [NOTHING]]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        ("s3:GetObject", ["s3:GetObject"]),
        ("S3:getobject", ["s3:GetObject"]),
        ("*", ["s3:*"]),
        ("S3:*", ["s3:*"]),
        ("s3:Get*", ["s3:Get*"]),
        (["s3:GetObject", "iam:*", "sts:AssumeRole"], ["s3:GetObject"]),
        ("s3:GetBucketCORS", ["s3:GetBucketCORS", "s3:GetBucketCors"]),
        ("s3:NotYetInvented", ["s3:NotYetInvented"]),
    ],
)
def test_actions_are_spelt_as_s3_spells_them(actions: str | list[str], expected: list[str]) -> None:
    (statement,) = written(allow(actions))
    assert statement["Action"] == expected


def test_a_pattern_in_another_case_names_what_it_covers() -> None:
    (statement,) = written(allow("s3:getobject*"))
    assert {"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging"} <= set(statement["Action"])


@pytest.mark.parametrize("actions", ["sts:AssumeRole", ["iam:*", "ec2:Describe*"]])
def test_statements_that_are_not_about_s3_are_left_out(actions: str | list[str]) -> None:
    assert written(allow(actions), deny(actions)) == []


def test_users_without_policies_may_nothing() -> None:
    (statement,) = identity_document([])["Statement"]
    assert statement["Action"] == [NOTHING]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a/${aws:username}/*", "a/uploader/*"),
        ("a/${AWS:UserName}/*", "a/uploader/*"),
        ("a/${aws:userid}/*", "a/*/*"),
        ("a/${aws:PrincipalTag/team, 'none'}/*", "a/*/*"),
        ("a/${*}", "a/*"),
        ("a/${$}{x", "a/*{x"),
        ("a\\b", "a?b"),
        ("a[1]/*", "a[1]/*"),
    ],
)
def test_what_seaweedfs_does_not_know_matches_anything_in_an_allow(pattern: str, expected: str) -> None:
    (statement,) = written(allow("s3:GetObject", f"{BUCKET_ARN}/{pattern}"), user="uploader")
    assert statement["Resource"] == [f"{BUCKET_ARN}/{expected}"]


def test_documents_of_the_old_version_have_no_variables() -> None:
    old = {"Version": "2008-10-17", "Statement": allow("s3:GetObject", f"{BUCKET_ARN}/${{aws:username}}/*")}
    (statement,) = identity_document([old], user="uploader")["Statement"]
    assert statement["Resource"] == [f"{BUCKET_ARN}/*/*"]


@pytest.mark.parametrize(
    "left_out",
    [
        deny("s3:GetObject", f"{BUCKET_ARN}/secret/*"),  # keys differ by case in S3 alone
        deny("s3:GetObject", f"{BUCKET_ARN}/${{aws:userid}}"),
        deny("s3:GetObject", f"{BUCKET_ARN}/1\\2"),
        deny("s3:PutObject", "*"),  # would deny aborting uploads too
        deny("s3:GetObject", "*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        deny("s3:GetObject", "*", Condition={"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}),
        deny("s3:ListBucket", "*", Condition={"StringLike": {"s3:prefix": "*"}}),
        {"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "NotResource": OBJECTS},
    ],
)
def test_a_deny_that_would_deny_more_is_left_out(left_out: dict[str, Any]) -> None:
    assert written(left_out) == []


@pytest.mark.parametrize(
    "kept",
    [
        deny(["s3:GetObject"], "*"),
        deny(["s3:*"], OBJECTS),
        deny(["s3:DeleteObject", "s3:DeleteObjectVersion"], BUCKET_ARN, OBJECTS),
        deny(["s3:ListBucket"], BUCKET_ARN, Condition={"StringLike": {"s3:prefix": ["secret/*"]}}),
    ],
)
def test_a_deny_that_means_the_same_is_kept(kept: dict[str, Any]) -> None:
    assert written(kept) == [kept]


def test_a_deny_of_writing_keeps_what_does_not_touch_uploads() -> None:
    (statement,) = written(deny(["s3:Put*", "s3:DeleteObject"], "*"))
    assert "s3:PutObject" not in statement["Action"]
    assert {"s3:DeleteObject", "s3:PutObjectTagging", "s3:PutBucketPolicy"} <= set(statement["Action"])


def test_a_deny_by_prefix_is_about_listings_alone() -> None:
    (statement,) = written(deny("s3:*", "*", Condition={"StringEquals": {"S3:Prefix": "secret/"}}))
    assert statement["Action"] == ["s3:ListBucket", "s3:ListBucketVersions"]
    assert statement["Condition"] == {"StringEquals": {"s3:prefix": ["secret/"]}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringLike": {"s3:prefix": "a/*"}}, {"StringLike": {"s3:prefix": ["a/*"]}}),
        ({"stringequals": {"S3:PREFIX": ["", "a/"]}}, {"StringEquals": {"s3:prefix": ["", "a/"]}}),
        ({"StringNotLike": {"s3:prefix": "a/*"}}, {"StringNotLike": {"s3:prefix": ["a/*"]}}),
        ({"StringNotEquals": {"s3:prefix": ""}}, None),
        ({"StringLikeIfExists": {"s3:prefix": "a/*"}}, None),
        ({"ForAnyValue:StringLike": {"s3:prefix": "a/*"}}, None),
        ({"StringLike": {"s3:prefix": "${aws:userid}/*"}}, None),
        ({"StringEquals": {"s3:delimiter": "/"}}, None),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, None),
        (
            {"StringLike": {"s3:prefix": "a/*"}, "Bool": {"aws:SecureTransport": "true"}},
            {"StringLike": {"s3:prefix": ["a/*"]}},
        ),
    ],
)
def test_an_allow_keeps_the_conditions_seaweedfs_judges_alike(
    condition: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    (statement,) = written(allow("s3:ListBucket", BUCKET_ARN, Condition=condition))
    assert statement.get("Condition") == expected


def test_an_allow_of_listing_uploads_loses_a_negated_prefix() -> None:
    (statement,) = written(allow("s3:List*", BUCKET_ARN, Condition={"StringNotLike": {"s3:prefix": "a/*"}}))
    assert "Condition" not in statement


def test_not_action_and_not_resource_of_an_allow_become_everything() -> None:
    (statement,) = written({"Effect": "Allow", "NotAction": "s3:Delete*", "NotResource": OBJECTS})
    assert (statement["Action"], statement["Resource"]) == (["s3:*"], ["*"])


class TestSessionPolicies:
    def test_none_is_not_an_empty_one(self) -> None:
        assert session_document([]) is None
        assert session_document([document(deny("s3:*"))])["Statement"][0]["Action"] == [NOTHING]  # type: ignore[index]

    def test_several_are_one(self) -> None:
        exact = document(allow(["s3:GetObject"], f"{BUCKET_ARN}/a/*"), deny("s3:DeleteObject", "*"))
        other = document(allow(["s3:GetObject"], f"{BUCKET_ARN}/a/b/*"), deny("s3:GetObjectAcl", "*"))
        found = session_document([exact, other])
        assert found is not None
        assert found["Statement"] == [
            allow(["s3:GetObject"], f"{BUCKET_ARN}/a/*"),
            deny(["s3:DeleteObject"], "*"),
            allow(["s3:GetObject"], f"{BUCKET_ARN}/a/b/*"),
            deny(["s3:GetObjectAcl"], "*"),
        ]


class TestBucketPolicies:
    def test_users_roles_and_sessions_are_named_as_seaweedfs_names_them(self) -> None:
        principals = [
            f"arn:aws:iam::{ACCOUNT}:user/lab/uploader",
            f"arn:aws:iam::{ACCOUNT}:role/service/reader",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/session",
            f"arn:aws:iam::{ACCOUNT}:root",
            "arn:aws:iam::999999999999:user/stranger",
        ]
        (statement,) = self.written(allow("s3:GetObject", OBJECTS, Principal={"AWS": principals}))
        assert statement["Principal"] == {
            "AWS": [
                "arn:aws:iam::000000000000:user/user-uploader",
                f"arn:aws:sts::{ACCOUNT}:assumed-role/slot-of-reader/*",
                f"arn:aws:sts::{ACCOUNT}:assumed-role/slot-of-reader/session",
            ]
        }

    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}])
    def test_everyone_is_everyone_in_an_allow(self, principal: Any) -> None:
        (statement,) = self.written(allow("s3:GetObject", OBJECTS, Principal=principal))
        assert statement["Principal"] == "*"

    @pytest.mark.parametrize("principal", ["*", {"AWS": ["*"]}, {"AWS": ACCOUNT}])
    def test_everyone_is_not_the_root_in_a_deny(self, principal: Any) -> None:
        (statement,) = self.written(deny("s3:*", Principal=principal))
        assert statement["Principal"] == {
            "AWS": ["arn:aws:iam::000000000000:user/user-*", f"arn:aws:sts::{ACCOUNT}:assumed-role/*"]
        }

    @pytest.mark.parametrize(
        "statement",
        [
            allow("s3:GetObject", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
            allow("s3:GetObject", Principal={"Service": "logging.s3.amazonaws.com"}),
            {"Effect": "Deny", "NotPrincipal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": OBJECTS},
            deny("s3:GetObject", "arn:aws:s3:::another/*", Principal="*"),
        ],
    )
    def test_what_reaches_nobody_here_is_left_out(self, statement: dict[str, Any]) -> None:
        assert self.written(statement) == []

    def test_resources_name_the_bucket(self) -> None:
        (allowed, denied) = self.written(
            allow("s3:GetObject", "arn:aws:s3:::study-*/a", Principal="*"), deny("s3:GetObject", "*", Principal="*")
        )
        assert allowed["Resource"] == denied["Resource"] == [BUCKET_ARN, OBJECTS]

    def test_keys_keep_their_case_here_so_that_a_deny_of_them_stays(self) -> None:
        (statement,) = self.written(deny("s3:GetObject", f"{BUCKET_ARN}/secret/*", Principal="*"))
        assert statement["Resource"] == [f"{BUCKET_ARN}/secret/*"]

    def test_one_that_grew_too_large_gives_way_to_the_widest(self) -> None:
        many = [f"{BUCKET_ARN}/{number:04}/{'x' * 90}" for number in range(200)]
        (statement,) = self.written(allow("s3:GetObject", *many, Principal="*"))
        assert (statement["Action"], statement["Resource"]) == (["s3:*"], [BUCKET_ARN, OBJECTS])

    def written(self, *statements: dict[str, Any]) -> list[dict[str, Any]]:
        found = BucketPolicyWriter(ACCOUNT, lambda role: f"slot-of-{role}").write(BUCKET, document(*statements))
        return found["Statement"] if found else []
