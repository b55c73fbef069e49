"""Users: ids, what lists show, renaming."""

import json

from tests.support.iam import ROOT_KEY, START, Driver, allow, trusting

NAME = "uploader@example.org"


def test_a_user_has_an_id_of_its_own_even_when_its_name_had_been_taken(iam: Driver) -> None:
    first = iam("CreateUser", UserName=NAME)["User"]
    iam("DeleteUser", UserName=NAME)
    second = iam("CreateUser", UserName=NAME)["User"]
    assert first["UserId"].startswith("AIDA")
    assert first["UserId"] != second["UserId"]
    assert first["Arn"] == second["Arn"]


def test_dates_follow_the_sandboxs_clock(iam: Driver) -> None:
    iam.wait(3_600)
    created = iam("CreateUser", UserName=NAME)["User"]["CreateDate"]
    assert (created - START).total_seconds() == 3_600


def test_a_list_shows_neither_tags_nor_boundaries_but_get_does(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME, Tags=[{"Key": "cellenium", "Value": "yes"}])
    assert "Tags" not in iam("ListUsers")["Users"][0]
    assert iam("GetUser", UserName=NAME)["User"]["Tags"] == [{"Key": "cellenium", "Value": "yes"}]


def test_a_list_can_be_narrowed_to_a_path(iam: Driver) -> None:
    iam("CreateUser", UserName="a", Path="/cellenium/")
    iam("CreateUser", UserName="b", Path="/other/")
    iam("CreateUser", UserName="c")
    assert [user["UserName"] for user in iam("ListUsers", PathPrefix="/cellenium/")["Users"]] == ["a"]
    assert len(iam("ListUsers")["Users"]) == 3


def test_get_user_without_a_name_is_the_caller(iam: Driver) -> None:
    caller = iam.user(NAME, allow("iam:GetUser"))
    assert iam("GetUser", by=caller)["User"]["UserName"] == NAME
    assert iam("GetUser")["User"]["Arn"] == "arn:aws:iam::123456789012:root"


def test_an_unknown_user_is_no_such_entity(iam: Driver) -> None:
    message = iam.refused("GetUser", "NoSuchEntity", UserName="stranger@example.org")
    assert message == "The user with name stranger@example.org cannot be found."


def test_renaming_keeps_the_id_the_keys_the_tags_the_groups_and_the_trust(iam: Driver) -> None:
    caller = iam.user(NAME, Tags=[{"Key": "a", "Value": "b"}])
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=NAME)
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(trusting({"AWS": caller.arn})))
    iam("UpdateUser", UserName=NAME, NewUserName="curator@example.org", NewPath="/moved/")
    renamed = iam("GetUser", UserName="curator@example.org")["User"]
    assert (renamed["UserId"], renamed["Path"]) == (caller.user_id, "/moved/")
    assert renamed["Tags"] == [{"Key": "a", "Value": "b"}]
    assert iam("ListGroupsForUser", UserName="curator@example.org")["Groups"][0]["GroupName"] == "g"
    assert iam.caller(caller.access_key_id).name == "curator@example.org"
    role = iam.iam.role("r")
    assert role is not None
    assert role.trust.document["Statement"][0]["Principal"] == {"AWS": renamed["Arn"]}
    iam.refused("GetUser", "NoSuchEntity", UserName=NAME)
    assert set(iam.seaweed.users) == {"curator@example.org"}
    assert iam.seaweed.keys[caller.access_key_id][0] == "curator@example.org"


def test_renaming_to_a_name_that_is_taken_is_refused_and_to_another_case_is_not(iam: Driver) -> None:
    iam("CreateUser", UserName="one")
    iam("CreateUser", UserName="two")
    iam.refused("UpdateUser", "EntityAlreadyExists", UserName="one", NewUserName="TWO")
    iam("UpdateUser", UserName="one", NewUserName="One")
    assert [user["UserName"] for user in iam("ListUsers")["Users"]] == ["One", "two"]


def test_the_callers_context_has_the_keys_of_the_identity(iam: Driver) -> None:
    caller = iam.user(NAME, Path="/p/", Tags=[{"Key": "team", "Value": "blue"}])
    assert dict(caller.context) == {
        "aws:username": NAME,
        "aws:userid": caller.user_id,
        "aws:PrincipalType": "User",
        "aws:PrincipalArn": f"arn:aws:iam::123456789012:user/p/{NAME}",
        "aws:PrincipalAccount": "123456789012",
        "aws:PrincipalTag/team": "blue",
    }
    assert iam.root.context["aws:userid"] == "123456789012"
    assert iam.root.context["aws:PrincipalType"] == "Account"
    assert iam.root.access_key_id == ROOT_KEY


def test_secrets_are_in_no_representation(iam: Driver) -> None:
    caller = iam.user(NAME)
    key = iam.iam.key(caller.access_key_id)
    assert key is not None
    assert key.secret_access_key not in repr(key) + str(key)
    assert key.secret_access_key not in repr(caller)
