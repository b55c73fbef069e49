"""The same through the front, with boto3 as people use it: requests signed and parsed, answers in IAM's XML."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, refusal, trusting

LIST_PAGES = {"ListUsers": "Users", "ListRoles": "Roles", "ListGroups": "Groups"}


def test_a_user_is_made_furnished_listed_and_deleted(aws: Aws) -> None:
    iam, name, group = aws("iam"), aws.name("person"), aws.name("group")
    made = iam.create_user(UserName=name, Path="/cellenium/", Tags=[{"Key": "a", "Value": "b c"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{aws.account}:user/cellenium/{name}"
    assert abs(made["CreateDate"] - datetime.now(UTC)) < timedelta(minutes=1)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    policy = allow("s3:GetObject", "arn:aws:s3:::b/é +%*")
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    assert iam.get_user_policy(UserName=name, PolicyName="p")["PolicyDocument"] == policy
    assert iam.get_user(UserName=name)["User"]["Tags"] == [{"Key": "a", "Value": "b c"}]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    assert refusal(iam.delete_user, UserName=name) == "DeleteConflict"
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.remove_user_from_group(GroupName=group, UserName=name)
    iam.delete_user(UserName=name)
    iam.delete_group(GroupName=group)
    assert refusal(iam.get_user, UserName=name) == "NoSuchEntity"


def test_errors_are_the_exceptions_boto3_knows_with_awss_status(aws: Aws) -> None:
    iam, name = aws("iam"), aws.name("person")
    iam.create_user(UserName=name)
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException) as taken:
        iam.create_user(UserName=name.upper())
    assert taken.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    with pytest.raises(iam.exceptions.NoSuchEntityException) as missing:
        iam.get_user(UserName=aws.name("nobody"))
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument="{}")
    with pytest.raises(ClientError, match="ValidationError"):
        iam.create_user(UserName="has space")


def test_two_keys_and_no_third(aws: Aws) -> None:
    iam, user = aws("iam"), aws.make_user()
    iam.create_access_key(UserName=user["UserName"])
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_access_key(UserName=user["UserName"])
    assert len(iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]) == 2


def test_an_inactive_key_opens_nothing(aws: Aws) -> None:
    user = aws.make_user(allow(["iam:GetUser", "s3:ListAllMyBuckets"]))
    key = {"UserName": user["UserName"], "AccessKeyId": user["AccessKeyId"]}
    assert aws("iam", user).get_user()["User"]["UserName"] == user["UserName"]
    aws("iam").update_access_key(**key, Status="Inactive")
    assert refusal(aws("iam", user).get_user) == "InvalidClientTokenId"
    assert refusal(aws("s3", user).list_buckets) == "InvalidAccessKeyId"
    aws("iam").update_access_key(**key, Status="Active")
    assert refusal(aws("iam", user).get_user) is None
    assert refusal(aws("s3", user).list_buckets) is None


def test_the_use_of_a_key_is_told(aws: Aws) -> None:
    user = aws.make_user(allow("iam:GetUser"))
    aws("iam", user).get_user()
    told = aws("iam").get_access_key_last_used(AccessKeyId=user["AccessKeyId"])
    assert told["UserName"] == user["UserName"]
    assert told["AccessKeyLastUsed"]["ServiceName"] == "iam"
    assert abs(told["AccessKeyLastUsed"]["LastUsedDate"] - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize("operation", LIST_PAGES)
def test_boto3s_paginators_see_everything(aws: Aws, operation: str) -> None:
    iam, path = aws("iam"), f"/{aws.name('path')}/"
    kind = operation.removeprefix("List").removesuffix("s")
    more = {"AssumeRolePolicyDocument": json.dumps(trusting(aws.account))} if kind == "Role" else {}
    names = sorted(aws.name("one") for _ in range(5))
    for name in names:
        getattr(iam, f"create_{kind.lower()}")(**{f"{kind}Name": name}, Path=path, **more)
    pages = iam.get_paginator(f"list_{kind.lower()}s").paginate(PathPrefix=path, PaginationConfig={"PageSize": 2})
    sizes = [[shown[f"{kind}Name"] for shown in page[LIST_PAGES[operation]]] for page in pages]
    assert [len(page) for page in sizes] == [2, 2, 1]
    assert [name for page in sizes for name in page] == names


def test_rights_reach_s3_by_every_route_and_leave_it_again(aws: Aws) -> None:
    iam, bucket, user = aws("iam"), aws.make_bucket(), aws.make_user()
    aws("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    name, group = user["UserName"], aws.name("group")
    text = json.dumps(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=name)
    arn = iam.create_policy(PolicyName=aws.name("policy"), PolicyDocument=text)["Policy"]["Arn"]
    routes: list[tuple[Any, Any, dict[str, str]]] = [
        (iam.put_user_policy, iam.delete_user_policy, {"UserName": name, "PolicyName": "p"}),
        (iam.attach_user_policy, iam.detach_user_policy, {"UserName": name, "PolicyArn": arn}),
        (iam.put_group_policy, iam.delete_group_policy, {"GroupName": group, "PolicyName": "p"}),
        (iam.attach_group_policy, iam.detach_group_policy, {"GroupName": group, "PolicyArn": arn}),
    ]
    s3 = aws("s3", user)
    assert refusal(s3.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    for give, take, parameters in routes:
        give(**parameters, **({} if "PolicyArn" in parameters else {"PolicyDocument": text}))
        assert refusal(s3.get_object, Bucket=bucket, Key="k") is None, parameters
        take(**parameters)
        assert refusal(s3.get_object, Bucket=bucket, Key="k") == "AccessDenied", parameters


def test_a_deleted_user_takes_nothing_back_by_being_made_again(aws: Aws) -> None:
    bucket = aws.make_bucket()
    old = aws.make_user(allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    iam, name = aws("iam"), old["UserName"]
    iam.delete_user_policy(UserName=name, PolicyName="policy0")
    iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
    iam.delete_user(UserName=name)
    new = aws.make_user(name=name)
    assert refusal(aws("s3", old).list_objects_v2, Bucket=bucket) == "InvalidAccessKeyId"
    assert refusal(aws("s3", new).list_objects_v2, Bucket=bucket) == "AccessDenied"


def test_a_role_comes_back_as_it_was_made(aws: Aws) -> None:
    iam, trust = aws("iam"), trusting(f"arn:aws:iam::{aws.account}:root")
    arn = aws.make_role(trust, allow("s3:GetObject"), MaxSessionDuration=7_200, Description="for a location")
    name = arn.rpartition("/")[2]
    role = iam.get_role(RoleName=name)["Role"]
    assert role["AssumeRolePolicyDocument"] == trust
    assert (role["MaxSessionDuration"], role["Description"]) == (7_200, "for a location")
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["policy0"]
    assert refusal(iam.delete_role, RoleName=name) == "DeleteConflict"


def test_a_seed_of_an_mfa_device_is_readable_and_what_is_left_out_says_so(aws: Aws) -> None:
    iam = aws("iam")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=aws.name("phone"))["VirtualMFADevice"]
    assert len(made["Base32StringSeed"]) == 64
    iam.delete_virtual_mfa_device(SerialNumber=made["SerialNumber"])
    with pytest.raises(ClientError, match=r"NotImplemented.*sandbox does not do iam:ListSAMLProviders"):
        iam.list_saml_providers()
