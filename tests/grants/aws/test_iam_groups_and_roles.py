"""IAM groups and roles, and the account as a whole."""

from typing import Any

import pytest

from grants.aws.errors import AwsExistsError, AwsInvalidError, AwsNotFoundError, AwsNotSettledError
from grants.aws.gateway import Aws
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import allow, trusting

PATH = "/cellenium-admin/"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def test_a_group_comes_and_goes(gateway: Aws, aws: Sandbox) -> None:
    group, user, iam = aws.name("group"), aws.make_user()["UserName"], gateway.iam
    assert iam.group_path(group) is None
    assert not iam.group_exists(group)
    with pytest.raises(AwsNotFoundError):
        list(iam.group_members(group))
    assert iam.create_group(group, PATH).request_id
    assert iam.group_path(group) == PATH
    assert list(iam.group_members(group)) == []
    with pytest.raises(AwsExistsError):
        iam.create_group(group, PATH)
    assert iam.add_to_group(user, group).request_id
    assert list(iam.group_members(group)) == [iam.user(user)]
    assert iam.groups_of(user) == [group]
    with pytest.raises(AwsNotSettledError):
        iam.delete_group(group)
    iam.remove_from_group(user, group)
    assert iam.groups_of(user) == []
    assert iam.delete_group(group).request_id
    for change in (iam.add_to_group, iam.remove_from_group):
        with pytest.raises(AwsNotFoundError):
            change(user, group)


def test_policies_of_a_group(gateway: Aws, aws: Sandbox) -> None:
    group, iam = aws.name("group"), gateway.iam
    iam.create_group(group, PATH)
    wish: dict[str, Any] = allow("s3:GetDataAccess", "arn:aws:s3:::gallery/a*b?ü")
    assert iam.group_policy(group, "own") is None
    assert iam.put_group_policy(group, "own", wish).request_id
    assert iam.group_policies(group) == ["own"]
    assert iam.group_policy(group, "own") == wish
    with pytest.raises(AwsInvalidError):
        iam.put_group_policy(group, "own", {"Statement": "nonsense"})
    iam.delete_group_policy(group, "own")
    assert iam.group_policies(group) == []
    with pytest.raises(AwsNotFoundError):
        iam.delete_group_policy(group, "own")
    aws("iam").attach_group_policy(GroupName=group, PolicyArn=READ_ONLY)
    assert iam.attached_group_policies(group) == [READ_ONLY]
    assert iam.detach_group_policy(group, READ_ONLY).request_id
    assert iam.attached_group_policies(group) == []


def test_a_role_comes_changes_and_goes(gateway: Aws, aws: Sandbox) -> None:
    name, iam = aws.name("role"), gateway.iam
    root, user = f"arn:aws:iam::{gateway.account}:root", aws.make_user()["Arn"]
    assert iam.role(name) is None
    wish = {"path": PATH, "max_session_seconds": 43_200, "description": "for a test", "tags": {"opkey": "1"}}
    made, receipt = iam.create_role(name, trust=trusting(root), **wish)  # type: ignore[arg-type]
    assert receipt.request_id
    assert (made.name, made.path, made.max_session_seconds) == (name, PATH, 43_200)
    assert made.trust == trusting(root)
    assert made.unique_id.startswith("AROA")
    assert iam.role(name) == made
    listed = {role.name: role for role in iam.roles(PATH)}
    assert (listed[name].arn, listed[name].trust) == (made.arn, made.trust)
    assert iam.role_tags(name) == {"opkey": "1"}
    with pytest.raises(AwsExistsError):
        iam.create_role(name, trust=trusting(root), **wish)  # type: ignore[arg-type]
    assert iam.update_role_trust(name, trusting(user)).request_id
    assert iam.update_role_max_session(name, 3600).request_id
    changed = iam.role(name)
    assert changed is not None
    assert (changed.trust, changed.max_session_seconds) == (trusting(user), 3600)
    with pytest.raises(AwsInvalidError):
        iam.update_role_max_session(name, 43_201)
    assert iam.delete_role(name).request_id
    assert iam.role(name) is None
    with pytest.raises(AwsNotFoundError):
        iam.delete_role(name)


def test_policies_of_a_role(gateway: Aws, aws: Sandbox) -> None:
    iam = gateway.iam
    name = aws.make_role(f"arn:aws:iam::{gateway.account}:root").rpartition("/")[2]
    wish: dict[str, Any] = allow("s3:GetObject", "arn:aws:s3:::gallery/*")
    assert iam.role_policy(name, "data") is None
    assert iam.put_role_policy(name, "data", wish).request_id
    assert iam.role_policies(name) == ["data"]
    assert iam.role_policy(name, "data") == wish
    with pytest.raises(AwsNotSettledError):
        iam.delete_role(name)
    iam.delete_role_policy(name, "data")
    with pytest.raises(AwsNotFoundError):
        iam.delete_role_policy(name, "data")
    aws("iam").attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)
    assert iam.attached_role_policies(name) == [READ_ONLY]
    assert iam.detach_role_policy(name, READ_ONLY).request_id
    iam.delete_role(name)


def test_the_account_in_one_listing(gateway: Aws, aws: Sandbox) -> None:
    user = aws.make_user(allow("s3:ListBucket"))
    role = aws.make_role(user["Arn"], allow("s3:GetObject"))
    group = aws.name("group")
    gateway.iam.create_group(group, PATH)
    gateway.iam.add_to_group(user["UserName"], group)
    pages = list(gateway.iam.account_details())
    users = {found["UserName"]: found for page in pages for found in page["UserDetailList"]}
    roles = {found["Arn"]: found for page in pages for found in page["RoleDetailList"]}
    groups = {found["GroupName"] for page in pages for found in page["GroupDetailList"]}
    assert users[user["UserName"]]["GroupList"] == [group]
    assert users[user["UserName"]]["UserPolicyList"][0]["PolicyDocument"] == allow("s3:ListBucket")
    assert roles[role]["AssumeRolePolicyDocument"] == trusting(user["Arn"])
    assert group in groups
    assert all("Policies" in page for page in pages)
