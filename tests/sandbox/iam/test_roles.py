"""Roles and their trust policies."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from grants.sandbox.iam import RoleView
from tests.support.iam import ACCOUNT, START, Driver, allow, document, trusting

TRUST = json.dumps(trusting({"Service": "access-grants.s3.amazonaws.com"}))
NAME = "uploader@example.org"


def create(iam: Driver, trust: Any = None, **more: Any) -> dict[str, Any]:
    text = TRUST if trust is None else json.dumps(trust)
    made: dict[str, Any] = iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=text, **more)["Role"]
    return made


def view(iam: Driver) -> RoleView:
    found = iam.iam.role("r")
    assert found is not None
    return found


def test_a_role_is_shown_with_what_it_was_made_with(iam: Driver) -> None:
    tags = [{"Key": "cellenium", "Value": "location"}]
    made = create(iam, Path="/x/", Description="for a location", MaxSessionDuration=43_200, Tags=tags)
    assert made["RoleId"].startswith("AROA")
    shown = iam("GetRole", RoleName="r")["Role"]
    assert (shown["Path"], shown["Description"], shown["MaxSessionDuration"]) == ("/x/", "for a location", 43_200)
    assert shown["Tags"] == tags
    assert unquote(shown["AssumeRolePolicyDocument"]) == TRUST
    listed = iam("ListRoles", PathPrefix="/x/")["Roles"][0]
    assert "Tags" not in listed
    assert unquote(listed["AssumeRolePolicyDocument"]) == TRUST
    found = view(iam)
    assert (found.arn, found.role_id, found.max_session_duration) == (made["Arn"], made["RoleId"], 43_200)
    assert found.tags == {"cellenium": "location"}
    assert iam.iam.role(made["Arn"]) == found
    assert iam.iam.role(f"arn:aws:iam::{ACCOUNT}:role/r") is None


def test_a_session_may_last_one_hour_unless_said_otherwise_and_twelve_at_most(iam: Driver) -> None:
    assert create(iam)["MaxSessionDuration"] == 3_600
    for seconds in (3_599, 43_201, 0):
        iam.refused("UpdateRole", "ValidationError", RoleName="r", MaxSessionDuration=seconds)
    iam("UpdateRole", RoleName="r", MaxSessionDuration=7_200)
    assert view(iam).max_session_duration == 7_200
    iam("UpdateRole", RoleName="r", Description="longer")
    assert view(iam).max_session_duration == 7_200
    shown = iam("UpdateRoleDescription", RoleName="r", Description="again")["Role"]
    assert shown["Description"] == "again"


def test_a_roles_documents_are_its_inline_and_attached_ones(iam: Driver) -> None:
    create(iam)
    iam("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=json.dumps(allow("s3:GetObject")))
    made = iam("CreatePolicy", PolicyName="m", PolicyDocument=json.dumps(allow("s3:PutObject")))
    iam("AttachRolePolicy", RoleName="r", PolicyArn=made["Policy"]["Arn"])
    assert view(iam).documents == (allow("s3:GetObject"), allow("s3:PutObject"))
    assert len(view(iam).policies) == 2
    assert iam.seaweed.roles["r"] == [allow("s3:GetObject"), allow("s3:PutObject")]


def test_a_role_with_policies_cannot_be_deleted(iam: Driver) -> None:
    create(iam)
    iam("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=json.dumps(allow("s3:GetObject")))
    iam("AttachRolePolicy", RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert "detach all policies" in iam.refused("DeleteRole", "DeleteConflict", RoleName="r")
    iam("DetachRolePolicy", RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert "delete policies" in iam.refused("DeleteRole", "DeleteConflict", RoleName="r")
    iam("DeleteRolePolicy", RoleName="r", PolicyName="p")
    iam("DeleteRole", RoleName="r")
    assert iam.iam.role("r") is None
    assert iam.seaweed.roles == {}


def test_changing_the_trust_is_dated(iam: Driver) -> None:
    create(iam)
    iam.wait(60)
    other = trusting({"AWS": ACCOUNT})
    iam("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=json.dumps(other))
    assert view(iam).created == START
    assert (view(iam).trust_changed - START).total_seconds() == 60
    assert view(iam).trust.document == other


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": ACCOUNT},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        {"AWS": [f"arn:aws:iam::{ACCOUNT}:user/{NAME}", "arn:aws:iam::999999999999:root"]},
        {"Service": ["ec2.amazonaws.com", "access-grants.s3.amazonaws.com"]},
        {"Federated": "cognito-identity.amazonaws.com"},
    ],
)
def test_a_trust_policy_may_name(iam: Driver, principal: Any) -> None:
    iam("CreateUser", UserName=NAME)
    create(iam, trusting(principal))


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/stranger@example.org"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:user/other/path/{NAME}"},
        {"AWS": f"arn:aws:iam::{ACCOUNT}:role/none"},
        {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/none/session"},
        {"Service": "s3"},
    ],
)
def test_a_trust_policy_may_not_name_whom_there_is_not(iam: Driver, principal: Any) -> None:
    iam("CreateUser", UserName=NAME)
    text = json.dumps(trusting(principal))
    message = iam.refused("CreateRole", "MalformedPolicyDocument", RoleName="r", AssumeRolePolicyDocument=text)
    kind, name = next(iter(principal.items()))
    assert message == f'Invalid principal in policy: "{kind}":"{name}"'
    assert iam("ListRoles")["Roles"] == []


@pytest.mark.parametrize(
    "trust",
    [
        "{",
        json.dumps(allow("sts:AssumeRole")),
        json.dumps(trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:group/g"})),
        json.dumps(document({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"})),
        json.dumps(document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"})),
    ],
)
def test_a_trust_policy_that_is_wrong_is_malformed(iam: Driver, trust: str) -> None:
    iam.refused("CreateRole", "MalformedPolicyDocument", RoleName="r", AssumeRolePolicyDocument=trust)
    create(iam)
    iam.refused("UpdateAssumeRolePolicy", "MalformedPolicyDocument", RoleName="r", PolicyDocument=trust)
    assert unquote(iam("GetRole", RoleName="r")["Role"]["AssumeRolePolicyDocument"]) == TRUST


def test_a_trust_policy_has_2048_characters_at_most(iam: Driver) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "x" * 2_048}}
    long = document({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Condition": condition})
    text = json.dumps(long)
    message = iam.refused("CreateRole", "LimitExceeded", RoleName="r", AssumeRolePolicyDocument=text)
    assert message == "Cannot exceed quota for ACLSizePerRole: 2048"


def test_a_deleted_principal_becomes_its_id_and_a_new_one_of_its_name_is_not_trusted(iam: Driver) -> None:
    made = iam("CreateUser", UserName=NAME)["User"]
    create(iam, trusting({"AWS": [made["Arn"], ACCOUNT]}))
    iam("DeleteUser", UserName=NAME)
    iam("CreateUser", UserName=NAME)
    shown = json.loads(unquote(iam("GetRole", RoleName="r")["Role"]["AssumeRolePolicyDocument"]))
    assert shown["Statement"][0]["Principal"]["AWS"] == [made["UserId"], ACCOUNT]
    assert view(iam).trust.document == shown
    iam("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument=json.dumps(trusting({"AWS": made["Arn"]})))
    assert view(iam).trust.document["Statement"][0]["Principal"]["AWS"] == made["Arn"]
