"""GetAccountAuthorizationDetails: everything that is there, in AWS's shape, in pages, by kind.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

import json
import urllib.parse
from typing import Any

import pytest

from grants.sandbox.errors import AwsError
from tests.support.iam import ACCOUNT, Driver, allow, trusting
from tests.support.sandbox import Aws
from tests.support.sandbox import allow as permission

NAME = "uploader@example.org"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
LOCAL = f"arn:aws:iam::{ACCOUNT}:policy/managed"
READ, WRITE = json.dumps(allow("s3:GetObject")), json.dumps(allow("s3:PutObject", "arn:aws:s3:::b/é +%*"))
TRUST = json.dumps(trusting("*"))
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


@pytest.fixture
def furnished(iam: Driver) -> Driver:
    iam("CreateUser", UserName=NAME, Path="/people/", Tags=[{"Key": "team", "Value": "cells"}])
    iam("CreateUser", UserName="neighbour")
    iam("CreateGroup", GroupName="uploaders")
    iam(
        "CreateRole", RoleName="location", AssumeRolePolicyDocument=TRUST, Description="serves", MaxSessionDuration=7200
    )
    iam("CreatePolicy", PolicyName="managed", PolicyDocument=READ)
    iam("CreatePolicyVersion", PolicyArn=LOCAL, PolicyDocument=WRITE, SetAsDefault=True)
    iam("PutUserPolicy", UserName=NAME, PolicyName="own", PolicyDocument=WRITE)
    iam("PutGroupPolicy", GroupName="uploaders", PolicyName="shared", PolicyDocument=READ)
    iam("PutRolePolicy", RoleName="location", PolicyName="serving", PolicyDocument=READ)
    iam("AttachUserPolicy", UserName=NAME, PolicyArn=READ_ONLY)
    iam("AttachGroupPolicy", GroupName="uploaders", PolicyArn=LOCAL)
    iam("AddUserToGroup", GroupName="uploaders", UserName=NAME)
    return iam


def decoded(text: str) -> Any:
    return json.loads(urllib.parse.unquote(text))


def test_everything_is_shown_with_what_binds_it(furnished: Driver) -> None:
    details = furnished("GetAccountAuthorizationDetails")
    assert not details["IsTruncated"]
    neighbour, user = details["UserDetailList"]
    assert (user["UserName"], user["Arn"]) == (NAME, f"arn:aws:iam::{ACCOUNT}:user/people/{NAME}")
    assert (user["GroupList"], user["Tags"]) == (["uploaders"], [{"Key": "team", "Value": "cells"}])
    assert user["AttachedManagedPolicies"] == [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}]
    [own] = user["UserPolicyList"]
    assert (own["PolicyName"], decoded(own["PolicyDocument"])) == ("own", json.loads(WRITE))
    assert neighbour["UserPolicyList"] == neighbour["GroupList"] == neighbour["AttachedManagedPolicies"] == []
    [group] = details["GroupDetailList"]
    assert decoded(group["GroupPolicyList"][0]["PolicyDocument"]) == json.loads(READ)
    assert group["AttachedManagedPolicies"] == [{"PolicyName": "managed", "PolicyArn": LOCAL}]
    [role] = details["RoleDetailList"]
    assert decoded(role["AssumeRolePolicyDocument"]) == json.loads(TRUST)
    assert (role["RolePolicyList"][0]["PolicyName"], role["InstanceProfileList"]) == ("serving", [])
    policies = {policy["Arn"]: policy for policy in details["Policies"]}
    assert set(policies) == {LOCAL, READ_ONLY}
    versions = {version["VersionId"]: version for version in policies[LOCAL]["PolicyVersionList"]}
    assert {name: version["IsDefaultVersion"] for name, version in versions.items()} == {"v1": False, "v2": True}
    assert decoded(versions["v2"]["Document"]) == json.loads(WRITE)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_pages_together_are_the_account_without_gaps_or_repeats(furnished: Driver, size: int) -> None:
    whole = furnished("GetAccountAuthorizationDetails")
    found: dict[str, list[Any]] = {name: [] for name in LISTS}
    marker: dict[str, str] = {}
    while True:
        page = furnished("GetAccountAuthorizationDetails", MaxItems=size, **marker)
        assert sum(len(page[name]) for name in LISTS) <= size
        for name in LISTS:
            found[name] += page[name]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert found == {name: whole[name] for name in LISTS}


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("User", {"UserDetailList": 2}),
        ("Group", {"GroupDetailList": 1}),
        ("Role", {"RoleDetailList": 1}),
        ("LocalManagedPolicy", {"Policies": 1}),
        ("AWSManagedPolicy", {"Policies": 1}),
    ],
)
def test_a_filter_shows_one_kind(furnished: Driver, kind: str, shown: dict[str, int]) -> None:
    details = furnished("GetAccountAuthorizationDetails", Filter=[kind])
    assert {name: len(details[name]) for name in LISTS if details[name]} == shown


def test_an_unknown_filter_is_refused(furnished: Driver) -> None:
    with pytest.raises(AwsError, match="enum value set"):
        furnished("GetAccountAuthorizationDetails", Filter=["Device"])


def test_only_who_may_read_the_account_reads_it(aws: Aws) -> None:
    """Through the front, where botocore parses the answer and decodes the documents."""
    reader, nobody = aws.make_user(permission("iam:GetAccountAuthorizationDetails")), aws.make_user()
    pages = aws("iam", reader).get_paginator("get_account_authorization_details").paginate(Filter=["User"])
    users = {user["UserName"]: user for page in pages for user in page["UserDetailList"]}
    [policy] = users[reader["UserName"]]["UserPolicyList"]
    assert policy["PolicyDocument"] == permission("iam:GetAccountAuthorizationDetails")
    with pytest.raises(aws("iam").exceptions.ClientError, match="AccessDenied"):
        aws("iam", nobody).get_account_authorization_details()
