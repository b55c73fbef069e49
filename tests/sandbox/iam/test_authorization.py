"""Every call is asked for, with the resource and the condition keys AWS has for it.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from grants.sandbox.calls import CallerKind
from grants.sandbox.iam.operations import ALL
from tests.support.iam import ACCOUNT, MODEL, Driver, allow, document, trusting

ADMIN = "administrator@example.org"
ARN = f"arn:aws:iam::{ACCOUNT}"
POLICY = json.dumps(allow("s3:*"))
TRUST = json.dumps(trusting("*"))

VALUES: dict[str, Any] = {
    "UserName": "u",
    "NewUserName": "u2",
    "GroupName": "g",
    "RoleName": "r",
    "PolicyName": "p",
    "PolicyArn": f"{ARN}:policy/m",
    "PolicySourceArn": f"{ARN}:user/u",
    "PolicyDocument": POLICY,
    "AssumeRolePolicyDocument": TRUST,
    "AccessKeyId": "AKIAXXXXXXXXXXXXXXXX",
    "Status": "Active",
    "Tags": [{"Key": "k", "Value": "v"}],
    "TagKeys": ["k"],
    "VersionId": "v1",
    "SerialNumber": f"{ARN}:mfa/phone",
    "VirtualMFADeviceName": "phone",
    "AuthenticationCode1": "000000",
    "AuthenticationCode2": "000000",
    "CertificateId": "A" * 24,
    "CertificateBody": "certificate",
    "SSHPublicKeyId": "APKA" + "A" * 16,
    "SSHPublicKeyBody": "ssh-rsa",
    "Encoding": "SSH",
    "ServiceName": "codecommit.amazonaws.com",
    "ServiceSpecificCredentialId": "ACCA" + "A" * 17,
    "AccountAlias": "an-alias",
    "ActionNames": ["s3:GetObject"],
    "PolicyInputList": [POLICY],
    "Description": "",
}
BY_NAME = {"UpdateAccessKey", "DeleteAccessKey", "DeleteSigningCertificate", "UpdateSigningCertificate"}


def parameters(operation: str) -> dict[str, Any]:
    shape = MODEL.operation_model(operation).input_shape
    if shape is None:
        return {}
    named = {"UserName"} & set(shape.members)
    return {name: VALUES[name] for name in {*shape.required_members, *named}}


@pytest.fixture
def furnished(iam: Driver) -> Driver:
    iam("CreateUser", UserName="u")
    iam("CreateGroup", GroupName="g")
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam("CreatePolicy", PolicyName="m", PolicyDocument=POLICY)
    return iam


@pytest.mark.parametrize("operation", sorted(ALL))
def test_no_operation_can_be_done_without_a_right_to_it(furnished: Driver, operation: str) -> None:
    everything_else = document(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": f"iam:{operation}", "Resource": "*"},
    )
    for number, rights in enumerate([[], [everything_else]]):
        caller = furnished.user(f"caller{number}", *rights)
        before = furnished("ListUsers"), furnished("ListRoles"), furnished("ListGroups"), furnished("ListPolicies")
        message = furnished.refused(operation, "AccessDenied", by=caller, **parameters(operation))
        assert f"{caller.arn} is not authorized to perform: iam:{operation} on resource: " in message
        after = furnished("ListUsers"), furnished("ListRoles"), furnished("ListGroups"), furnished("ListPolicies")
        assert before == after


RESOURCES = {
    "CreateUser": f"{ARN}:user/people/new",
    "GetUser": f"{ARN}:user/u",
    "ListUsers": f"{ARN}:user/",
    "DeleteUser": f"{ARN}:user/u",
    "PutUserPolicy": f"{ARN}:user/u",
    "CreateAccessKey": f"{ARN}:user/u",
    "CreateGroup": f"{ARN}:group/people/new",
    "AddUserToGroup": f"{ARN}:group/g",
    "RemoveUserFromGroup": f"{ARN}:group/g",
    "CreateRole": f"{ARN}:role/people/new",
    "GetRole": f"{ARN}:role/r",
    "UpdateAssumeRolePolicy": f"{ARN}:role/r",
    "CreatePolicy": f"{ARN}:policy/people/new",
    "GetPolicy": f"{ARN}:policy/m",
    "CreateVirtualMFADevice": f"{ARN}:mfa/people/new",
    "DeleteVirtualMFADevice": f"{ARN}:mfa/phone",
    "SimulatePrincipalPolicy": f"{ARN}:user/u",
}


@pytest.mark.parametrize("operation", RESOURCES)
def test_the_right_is_asked_for_on_this_resource(furnished: Driver, operation: str) -> None:
    given = parameters(operation)
    if RESOURCES[operation].endswith("/people/new"):
        given = {name: "new" if name.endswith("Name") else value for name, value in given.items()}
        given["Path"] = "/people/"
    caller = furnished.user(ADMIN)
    message = furnished.refused(operation, "AccessDenied", by=caller, **given)
    assert f" on resource: {RESOURCES[operation]} because " in message


def test_the_path_of_a_user_is_part_of_what_is_asked_for(iam: Driver) -> None:
    iam("CreateUser", UserName="inside", Path="/cellenium/")
    iam("CreateUser", UserName="outside")
    caller = iam.user(ADMIN, allow(["iam:DeleteUser", "iam:CreateUser"], f"{ARN}:user/cellenium/*"))
    iam.refused("DeleteUser", "AccessDenied", by=caller, UserName="outside")
    iam("DeleteUser", by=caller, UserName="inside")
    iam("CreateUser", by=caller, UserName="another", Path="/cellenium/sub/")
    iam.refused("CreateUser", "AccessDenied", by=caller, UserName="stray")


def test_whether_a_user_exists_is_not_told_to_whom_may_not_know(iam: Driver) -> None:
    caller = iam.user(ADMIN, allow("iam:GetUser", f"{ARN}:user/other"))
    iam("CreateUser", UserName="there")
    refusals = {iam.refused("GetUser", "AccessDenied", by=caller, UserName=name)[-30:] for name in ("there", "never")}
    assert len(refusals) == 1


def test_attaching_can_be_bounded_by_policy(furnished: Driver) -> None:
    allowed = f"{ARN}:policy/m"
    condition = {"ArnEquals": {"iam:PolicyARN": allowed}}
    caller = furnished.user(ADMIN, allow("iam:AttachUserPolicy", f"{ARN}:user/*", Condition=condition))
    furnished("AttachUserPolicy", by=caller, UserName="u", PolicyArn=allowed)
    furnished.refused(
        "AttachUserPolicy", "AccessDenied", by=caller, UserName="u", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )


def test_making_can_be_bounded_by_the_tags_of_the_request(iam: Driver) -> None:
    condition = {
        "StringEquals": {"aws:RequestTag/managed-by": "cellenium"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["managed-by"]},
    }
    caller = iam.user(ADMIN, allow("iam:CreateUser", "*", Condition=condition))
    tag = {"Key": "managed-by", "Value": "cellenium"}
    iam("CreateUser", by=caller, UserName="one", Tags=[tag])
    iam.refused("CreateUser", "AccessDenied", by=caller, UserName="two")
    iam.refused("CreateUser", "AccessDenied", by=caller, UserName="two", Tags=[tag, {"Key": "more", "Value": ""}])


@pytest.mark.parametrize("key", ["aws:ResourceTag/managed-by", "iam:ResourceTag/managed-by"])
def test_changing_can_be_bounded_by_the_tags_of_the_user(iam: Driver, key: str) -> None:
    caller = iam.user(ADMIN, allow("iam:DeleteUser", "*", Condition={"StringEquals": {key: "cellenium"}}))
    iam("CreateUser", UserName="ours", Tags=[{"Key": "managed-by", "Value": "cellenium"}])
    iam("CreateUser", UserName="theirs")
    iam("DeleteUser", by=caller, UserName="ours")
    iam.refused("DeleteUser", "AccessDenied", by=caller, UserName="theirs")


def test_an_anonymous_caller_may_do_nothing(iam: Driver) -> None:
    anonymous = replace(iam.root, kind=CallerKind.ANONYMOUS, arn="anonymous", principal_arn="", account="")
    iam.refused("ListUsers", "AccessDenied", by=anonymous)


def test_a_session_must_name_the_user_it_means(iam: Driver) -> None:
    session = replace(iam.user(ADMIN, allow("*")), kind=CallerKind.ROLE, name="")
    for operation in ("GetUser", "ListAccessKeys", "CreateAccessKey", "GetLoginProfile", "ListMFADevices"):
        message = iam.refused(operation, "ValidationError", by=session)
        assert message == "Must specify userName when calling with non-User credentials"
