"""What moto's STS lets pass, and this one does not: one test for each finding."""

import json

import pytest

from tests.support.sts import ACCOUNT, StsLab, allow, may, refused, trusts

INPUT = "arn:aws:s3:::gallery/input"
SCOPED = json.dumps(allow(["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], f"{INPUT}/uploader/*"))


def test_session_policies_are_evaluated(lab: StsLab) -> None:
    user = lab.user()
    session = lab.session(user, lab.role(user, allow("s3:*")), Policy=SCOPED)
    assert may(session, "s3:GetObject", f"{INPUT}/uploader/x")
    assert not may(session, "s3:GetObject", f"{INPUT}/neighbour/y")


def test_conditions_of_a_roles_policy_are_evaluated(lab: StsLab) -> None:
    user = lab.user()
    listing = allow(
        "s3:ListBucket", "arn:aws:s3:::gallery", Condition={"StringLike": {"s3:prefix": "input/uploader/*"}}
    )
    session = lab.session(user, lab.role(user, listing))
    assert may(session, "s3:ListBucket", "arn:aws:s3:::gallery", **{"s3:prefix": "input/uploader/"})
    assert not may(session, "s3:ListBucket", "arn:aws:s3:::gallery", **{"s3:prefix": "input/neighbour/"})
    assert not may(session, "s3:ListBucket", "arn:aws:s3:::gallery")


def test_a_session_policy_that_is_not_json_is_refused(lab: StsLab) -> None:
    user = lab.user()
    with refused("MalformedPolicyDocument"):
        lab.assume(user, lab.role(user), Policy="{not json")


def test_a_session_policy_longer_than_2048_characters_is_refused(lab: StsLab) -> None:
    user = lab.user()
    with refused("ValidationError", "2048"):
        lab.assume(user, lab.role(user), Policy=SCOPED.ljust(2049))


def test_the_packed_size_is_not_a_constant(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user)
    policies = [SCOPED, json.dumps(allow("*"))]
    assert len({lab.assume(user, role, Policy=policy)["PackedPolicySize"] for policy in policies}) == 2


def test_a_session_that_is_over_is_refused(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user), DurationSeconds=900)
    lab.later(seconds=901)
    with refused("ExpiredToken"):
        lab.caller(answer)


def test_a_role_that_does_not_exist_is_not_assumed(lab: StsLab) -> None:
    with refused("AccessDenied"):
        lab.assume(lab.user(allow("*")), f"arn:aws:iam::{ACCOUNT}:role/nobody")


@pytest.mark.parametrize("name", ["bad name", "pat*"])
def test_session_names_have_a_pattern(lab: StsLab, name: str) -> None:
    with refused("ValidationError", "roleSessionName"):
        lab.assume(lab.user(), lab.role("*"), RoleSessionName=name)


def test_a_role_sets_how_long_its_sessions_last(lab: StsLab) -> None:
    user = lab.user()
    with refused("ValidationError", "MaxSessionDuration"):
        lab.assume(user, lab.role(user), DurationSeconds=3601)


def test_no_session_lasts_99999_seconds(lab: StsLab) -> None:
    with refused("ValidationError", "durationSeconds"):
        lab.assume(lab.user(), lab.role("*", MaxSessionDuration=43_200), DurationSeconds=99_999)


def test_a_chained_session_lasts_an_hour_at_most(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    with refused("ValidationError", "role chaining"):
        lab.assume(lab.session(user, first), lab.role(first, MaxSessionDuration=43_200), DurationSeconds=3601)


def test_conditions_of_a_trust_policy_are_evaluated_and_not_the_external_id_alone(lab: StsLab) -> None:
    condition = {"StringLike": {"sts:RoleSessionName": "u-*"}, "Bool": {"aws:SecureTransport": "true"}}
    role = lab.role([trusts({"AWS": "*"}, Condition=condition)])
    assert lab.assume(lab.user(), role, RoleSessionName="u-1")
    with refused("AccessDenied"):
        lab.assume(lab.user(), role, RoleSessionName="v-1")


def test_a_trust_policy_names_whom_it_trusts(lab: StsLab) -> None:
    trusted, stranger = lab.user(), lab.user(allow("*"))
    role = lab.role(trusted)
    assert lab.assume(trusted, role)
    with refused("AccessDenied"):
        lab.assume(stranger, role)
