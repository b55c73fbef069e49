"""STS asked by boto3, and its sessions used on S3: what a real client sees, and SeaweedFS agreeing."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, deny


class Account:
    """A bucket with two people's objects, a user, and roles of one test."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self.aws, self.iam, self.bucket = aws, aws("iam"), bucket
        self.user = aws.make_user()
        self.sts = aws("sts", self.user)

    def object(self, key: str) -> str:
        return f"arn:aws:s3:::{self.bucket}/{key}"

    def role(self, *documents: Mapping[str, Any], **more: Any) -> str:
        """Make a role that the user may assume."""
        return self.aws.make_role(self.user["Arn"], *documents, **more)

    def session(self, role: str, **more: Any) -> Any:
        """Assume a role and give the S3 client of the session."""
        return self.aws("s3", self.aws.assume(role, self.user, **more))


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    name = aws.make_bucket()
    for key in ("input/uploader/a", "input/neighbour/a"):
        aws("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    return name


@pytest.fixture
def account(aws: Aws, bucket: str) -> Account:
    return Account(aws, bucket)


def code_of(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    code = caught.value.response["Error"]["Code"]
    assert isinstance(code, str)
    return code


def test_a_session_reads_and_writes_what_role_and_session_policy_both_say(account: Account) -> None:
    role = account.role(allow("s3:*", account.object("*")))
    scoped = json.dumps(allow(["s3:GetObject", "s3:PutObject"], account.object("input/uploader/*")))
    s3, bucket = account.session(role, Policy=scoped), account.bucket
    assert s3.get_object(Bucket=bucket, Key="input/uploader/a")["Body"].read() == b"input/uploader/a"
    s3.put_object(Bucket=bucket, Key="input/uploader/b", Body=b"b")
    assert code_of(s3.get_object, Bucket=bucket, Key="input/neighbour/a") == "AccessDenied"
    assert code_of(s3.put_object, Bucket=bucket, Key="input/neighbour/b", Body=b"b") == "AccessDenied"
    assert code_of(s3.delete_object, Bucket=bucket, Key="input/uploader/a") == "AccessDenied"
    assert code_of(s3.create_multipart_upload, Bucket=bucket, Key="input/neighbour/b") == "AccessDenied"


def test_a_session_policy_gives_nothing_the_role_has_not(account: Account) -> None:
    role = account.role(allow("s3:GetObject", account.object("input/uploader/*")))
    s3 = account.session(role, Policy=json.dumps(allow("*")))
    assert s3.get_object(Bucket=account.bucket, Key="input/uploader/a")
    assert code_of(s3.get_object, Bucket=account.bucket, Key="input/neighbour/a") == "AccessDenied"
    assert code_of(s3.put_object, Bucket=account.bucket, Key="input/uploader/a", Body=b"") == "AccessDenied"


def test_a_change_of_the_role_reaches_sessions_already_handed_out(account: Account) -> None:
    role = account.role(allow("s3:GetObject", account.object("*")))
    s3, place = account.session(role), {"Bucket": account.bucket, "Key": "input/uploader/a"}
    assert s3.get_object(**place)
    name = role.split("/")[-1]
    account.iam.put_role_policy(RoleName=name, PolicyName="stop", PolicyDocument=json.dumps(deny("s3:*")))
    assert code_of(s3.get_object, **place) == "AccessDenied"
    account.iam.delete_role_policy(RoleName=name, PolicyName="stop")
    assert s3.get_object(**place)


def test_a_session_of_a_deleted_role_is_refused(account: Account) -> None:
    role = account.role()
    answer = account.sts.assume_role(RoleArn=role, RoleSessionName="work")
    account.iam.delete_role(RoleName=role.split("/")[-1])
    assert code_of(account.aws("sts", answer["Credentials"]).get_caller_identity) == "InvalidClientTokenId"


def test_a_session_needs_its_own_token(account: Account) -> None:
    role = account.role(allow("s3:GetObject", account.object("*")))
    one, other = (account.sts.assume_role(RoleArn=role, RoleSessionName="work")["Credentials"] for _ in range(2))
    mixed = {**one, "SessionToken": other["SessionToken"]}
    assert code_of(account.aws("sts", mixed).get_caller_identity) == "InvalidClientTokenId"
    without = {name: one[name] for name in ("AccessKeyId", "SecretAccessKey")}
    assert code_of(account.aws("sts", without).get_caller_identity) == "InvalidClientTokenId"


def test_an_answer_of_assume_role_has_all_its_members(account: Account) -> None:
    role = account.role()
    answer = account.sts.assume_role(
        RoleArn=role,
        RoleSessionName="work",
        SourceIdentity="u-1",
        Policy=json.dumps(allow("s3:*")),
        Tags=[{"Key": "project", "Value": "cpg0012"}],
    )
    assert set(answer) - {"ResponseMetadata"} == {
        "Credentials",
        "AssumedRoleUser",
        "PackedPolicySize",
        "SourceIdentity",
    }
    assert answer["Credentials"]["Expiration"].tzinfo is not None
    identity = account.aws("sts", answer["Credentials"]).get_caller_identity()
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"RoleSessionName": "bad name"}, "ValidationError"),
        ({"DurationSeconds": 3601}, "ValidationError"),
        ({"DurationSeconds": 99_999}, "ValidationError"),
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "AccessDenied"),
        ({"SerialNumber": "arn:aws:iam::123456789012:mfa/uploader", "TokenCode": "123456"}, "NotImplemented"),
    ],
)
def test_boto3_sees_the_codes_of_aws(account: Account, parameters: dict[str, Any], code: str) -> None:
    wish = {"RoleArn": account.role(), "RoleSessionName": "work", **parameters}
    assert code_of(account.sts.assume_role, **wish) == code


def test_root_of_the_account_assumes_no_role(account: Account) -> None:
    sts = account.aws("sts")
    assert code_of(sts.assume_role, RoleArn=account.role(), RoleSessionName="work") == "AccessDenied"


def test_what_sts_leaves_out_says_so_to_boto3(account: Account) -> None:
    assert code_of(account.sts.get_session_token) == "NotImplemented"
    assert code_of(account.sts.get_federation_token, Name="uploader") == "NotImplemented"


def test_a_session_ends_by_the_sandboxs_clock(account: Account) -> None:
    role = account.role(allow("s3:GetObject", account.object("*")))
    answer = account.sts.assume_role(RoleArn=role, RoleSessionName="work", DurationSeconds=900)
    session, place = account.aws("s3", answer["Credentials"]), {"Bucket": account.bucket, "Key": "input/uploader/a"}
    assert session.get_object(**place)
    account.aws.sandbox.control.move_clock(901)
    assert code_of(session.get_object, **place) == "ExpiredToken"
    assert code_of(account.aws("sts", answer["Credentials"]).get_caller_identity) == "ExpiredToken"
    account.aws.sandbox.control.move_clock(0)
    assert session.get_object(**place)
