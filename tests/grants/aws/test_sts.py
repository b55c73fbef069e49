"""Who we are, and whom we become."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grants.aws.calls import Caller
from grants.aws.errors import AwsInvalidError, AwsRefusedError
from grants.aws.gateway import Aws
from grants.aws.sts import Boto3Sts, credentials_of
from grants.sandbox.embedded import EmbeddedSandbox
from tests.grants.aws.conftest import Place
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow, document


@pytest.fixture
def importer(aws: Sandbox) -> dict[str, str]:
    """Make a user that may assume roles; gives its keys."""
    return aws.make_user(allow(["sts:AssumeRole", "sts:SetSourceIdentity"]))


@pytest.fixture
def theirs(gateway: Aws, importer: dict[str, str]) -> Boto3Sts:
    """Speak to STS as that user."""
    keys = {"aws_access_key_id": importer["AccessKeyId"], "aws_secret_access_key": importer["SecretAccessKey"]}
    return Boto3Sts(Caller("sts", region=gateway.region, credentials=keys), gateway.region)


def test_the_caller_is_root(gateway: Aws) -> None:
    us = gateway.sts.caller()
    assert (us.account, us.arn) == (gateway.account, f"arn:aws:iam::{gateway.account}:root")
    assert us.arn == gateway.caller_arn


def test_a_role_is_assumed_for_a_while(gateway: Aws, aws: Sandbox, theirs: Boto3Sts, importer: dict[str, str]) -> None:
    role = aws.make_role(importer["Arn"], allow("s3:*"))
    session = theirs.assume_role(role, session_name="u-1.i-1", duration_seconds=900, source_identity="u-1")
    assert timedelta(minutes=14) < session.expires_at - datetime.now(UTC) < timedelta(minutes=16)
    them = gateway.sts.caller_of(session)
    assert them.account == gateway.account
    assert them.arn.endswith("/u-1.i-1")
    assert them.user_id.endswith(":u-1.i-1")
    assert session.secret_access_key.reveal() not in f"{session!r}"
    with pytest.raises(AwsInvalidError):
        theirs.assume_role(role, session_name="u", duration_seconds=899)


def test_a_session_policy_narrows_the_role(aws: Sandbox, theirs: Boto3Sts, importer: dict[str, str]) -> None:
    bucket = aws.make_bucket()
    role = aws.make_role(importer["Arn"], allow("s3:*"))
    policy = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/mine/*")
    session = theirs.assume_role(role, session_name="narrow", duration_seconds=900, policy=policy)
    names = {
        "aws_access_key_id": "AccessKeyId",
        "aws_secret_access_key": "SecretAccessKey",
        "aws_session_token": "SessionToken",
    }
    s3: Any = aws("s3", {names[name]: value for name, value in credentials_of(session).items()})
    s3.put_object(Bucket=bucket, Key="mine/a", Body=b"x")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket, Key="theirs/a", Body=b"x")


def test_a_role_that_does_not_trust_us_is_refused(aws: Sandbox, theirs: Boto3Sts) -> None:
    role = aws.make_role(aws.make_user()["Arn"])
    with pytest.raises(AwsRefusedError) as refused:
        theirs.assume_role(role, session_name="nobody", duration_seconds=900)
    assert refused.value.code == "AccessDenied"


def test_a_role_has_data_access_by_its_own_grant(
    place: Place, aws: Sandbox, theirs: Boto3Sts, importer: dict[str, str]
) -> None:
    role = aws.make_role(importer["Arn"], allow("s3:GetDataAccess"))
    place.grant(role, "a/*")
    session = theirs.assume_role(role, session_name="reader", duration_seconds=900)
    data = place.gateway.with_session(session).data_access(
        target=f"s3://{place.bucket}/a/*", permission="READ", duration_seconds=900
    )
    assert data.matched_scope == f"s3://{place.bucket}/a/*"


def test_a_session_that_is_over_is_refused(
    gateway: Aws, aws: Sandbox, theirs: Boto3Sts, importer: dict[str, str], sandbox: EmbeddedSandbox
) -> None:
    role = aws.make_role(importer["Arn"], allow("*"))
    session = theirs.assume_role(role, session_name="late", duration_seconds=900)
    sandbox.control.move_clock(1000)
    with pytest.raises(AwsRefusedError) as refused:
        gateway.sts.caller_of(session)
    assert "Expired" in refused.value.code
    assert session.session_token.reveal() not in str(refused.value)


def test_a_policy_that_is_too_long_is_invalid(aws: Sandbox, theirs: Boto3Sts, importer: dict[str, str]) -> None:
    role = aws.make_role(importer["Arn"])
    many = document(
        *[{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Sid": f"n{i}"} for i in range(99)]
    )
    with pytest.raises(AwsInvalidError):
        theirs.assume_role(role, session_name="long", duration_seconds=900, policy=many)
