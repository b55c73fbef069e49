"""Groups: members, what they add to a user's rights, renaming and deletion."""

import json

from grants.sandbox.authorization import decide
from tests.support.iam import Driver, allow

NAME = "uploader@example.org"


def with_group(iam: Driver) -> None:
    iam("CreateGroup", GroupName="uploaders")
    iam("PutGroupPolicy", GroupName="uploaders", PolicyName="p", PolicyDocument=json.dumps(allow("s3:GetObject")))


def allowed(iam: Driver, access_key_id: str) -> bool:
    return decide(iam.caller(access_key_id), "s3:GetObject", "arn:aws:s3:::b/k", {}).allowed


def test_a_member_has_the_rights_of_the_group_for_as_long_as_it_is_one(iam: Driver) -> None:
    with_group(iam)
    key = iam.user(NAME).access_key_id
    assert not allowed(iam, key)
    iam("AddUserToGroup", GroupName="uploaders", UserName=NAME)
    assert allowed(iam, key)
    assert iam.seaweed.users[NAME] == [allow("s3:GetObject")]
    iam("DeleteGroupPolicy", GroupName="uploaders", PolicyName="p")
    assert not allowed(iam, key)
    arn = iam("CreatePolicy", PolicyName="m", PolicyDocument=json.dumps(allow("s3:*")))["Policy"]["Arn"]
    iam("AttachGroupPolicy", GroupName="uploaders", PolicyArn=arn)
    assert allowed(iam, key)
    iam("RemoveUserFromGroup", GroupName="uploaders", UserName=NAME)
    assert not allowed(iam, key)
    assert iam.seaweed.users[NAME] == []


def test_members_are_listed_once_however_often_they_are_added(iam: Driver) -> None:
    with_group(iam)
    iam("CreateUser", UserName=NAME)
    for _ in range(2):
        iam("AddUserToGroup", GroupName="uploaders", UserName=NAME)
    shown = iam("GetGroup", GroupName="uploaders")
    assert [user["UserName"] for user in shown["Users"]] == [NAME]
    assert shown["Group"]["GroupId"].startswith("AGPA")
    assert [group["GroupName"] for group in iam("ListGroupsForUser", UserName=NAME)["Groups"]] == ["uploaders"]


def test_unknown_members_and_groups_are_no_such_entity(iam: Driver) -> None:
    with_group(iam)
    iam("CreateUser", UserName=NAME)
    iam.refused("AddUserToGroup", "NoSuchEntity", GroupName="uploaders", UserName="stranger@example.org")
    iam.refused("AddUserToGroup", "NoSuchEntity", GroupName="nobody", UserName=NAME)
    iam.refused("RemoveUserFromGroup", "NoSuchEntity", GroupName="uploaders", UserName=NAME)
    iam.refused("GetGroup", "NoSuchEntity", GroupName="nobody")


def test_a_user_is_in_ten_groups_at_most(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    for number in range(11):
        iam("CreateGroup", GroupName=f"g{number}")
    for number in range(10):
        iam("AddUserToGroup", GroupName=f"g{number}", UserName=NAME)
    message = iam.refused("AddUserToGroup", "LimitExceeded", GroupName="g10", UserName=NAME)
    assert message == "Cannot exceed quota for GroupsPerUser: 10"
    iam("AddUserToGroup", GroupName="g3", UserName=NAME)


def test_a_group_with_members_or_policies_cannot_be_deleted(iam: Driver) -> None:
    with_group(iam)
    iam("CreateUser", UserName=NAME)
    iam("AddUserToGroup", GroupName="uploaders", UserName=NAME)
    iam("AttachGroupPolicy", GroupName="uploaders", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert "remove users from group" in iam.refused("DeleteGroup", "DeleteConflict", GroupName="uploaders")
    iam("RemoveUserFromGroup", GroupName="uploaders", UserName=NAME)
    assert "detach all policies" in iam.refused("DeleteGroup", "DeleteConflict", GroupName="uploaders")
    iam("DetachGroupPolicy", GroupName="uploaders", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert "delete policies" in iam.refused("DeleteGroup", "DeleteConflict", GroupName="uploaders")
    iam("DeleteGroupPolicy", GroupName="uploaders", PolicyName="p")
    iam("DeleteGroup", GroupName="uploaders")
    iam.refused("DeleteGroup", "NoSuchEntity", GroupName="uploaders")


def test_renaming_a_group_keeps_its_members_and_rights(iam: Driver) -> None:
    with_group(iam)
    key = iam.user(NAME).access_key_id
    iam("AddUserToGroup", GroupName="uploaders", UserName=NAME)
    iam("UpdateGroup", GroupName="uploaders", NewGroupName="Uploaders", NewPath="/x/")
    assert allowed(iam, key)
    assert iam("GetGroup", GroupName="Uploaders")["Group"]["Arn"].endswith("group/x/Uploaders")
    iam("CreateGroup", GroupName="others")
    iam.refused("UpdateGroup", "EntityAlreadyExists", GroupName="others", NewGroupName="UPLOADERS")
