"""The knobs: lists that show late, and decisions that follow the policies of a while ago."""

import json
from datetime import timedelta

from grants.sandbox.authorization import decide
from tests.support.iam import Driver, allow, trusting

NAME = "uploader@example.org"
TRUST = json.dumps(trusting("*"))


def names(iam: Driver, kind: str) -> list[str]:
    return [shown[f"{kind}Name"] for shown in iam(f"List{kind}s")[f"{kind}s"]]


def allowed(iam: Driver, key: str) -> bool:
    return decide(iam.caller(key), "s3:GetObject", "arn:aws:s3:::b/k", {}).allowed


def test_lists_show_what_is_new_and_hide_what_is_gone_only_after_the_lag(iam: Driver) -> None:
    iam.world.knobs.list_lag = timedelta(seconds=10)
    for kind, more in (("User", {}), ("Role", {"AssumeRolePolicyDocument": TRUST})):
        iam(f"Create{kind}", **{f"{kind}Name": "one"}, **more)
        assert names(iam, kind) == []
        assert iam(f"Get{kind}", **{f"{kind}Name": "one"})
        iam.wait(10)
        assert names(iam, kind) == ["one"]
        iam(f"Delete{kind}", **{f"{kind}Name": "one"})
        assert names(iam, kind) == ["one"]
        iam.refused(f"Get{kind}", "NoSuchEntity", **{f"{kind}Name": "one"})
        iam.open()
        iam.world.knobs.list_lag = timedelta(seconds=10)
        assert names(iam, kind) == ["one"]
        iam.wait(10)
        assert names(iam, kind) == []


def test_a_user_deleted_and_made_again_is_listed_once(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    iam.wait(60)
    iam("DeleteUser", UserName=NAME)
    second = iam("CreateUser", UserName=NAME)["User"]
    iam.world.knobs.list_lag = timedelta(seconds=10)
    assert names(iam, "User") == [NAME]
    iam.wait(10)
    assert [user["UserId"] for user in iam("ListUsers")["Users"]] == [second["UserId"]]


def test_decisions_follow_the_policies_of_a_while_ago(iam: Driver) -> None:
    iam.world.knobs.policy_lag = timedelta(seconds=5)
    key = iam.user(NAME, allow("s3:*")).access_key_id
    assert not allowed(iam, key)
    iam.wait(5)
    assert allowed(iam, key)
    iam("DeleteUserPolicy", UserName=NAME, PolicyName="p0")
    assert allowed(iam, key)
    assert iam.seaweed.users[NAME] == [allow("s3:*")], "the second judge lags with the first"
    iam.wait(5)
    assert not allowed(iam, key)
    assert iam.seaweed.users[NAME] == []


def test_a_roles_rights_lag_too(iam: Driver) -> None:
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.world.knobs.policy_lag = timedelta(seconds=5)
    iam("PutRolePolicy", RoleName="r", PolicyName="p", PolicyDocument=json.dumps(allow("s3:*")))
    for documents in ((), (allow("s3:*"),)):
        role = iam.iam.role("r")
        assert role is not None
        assert role.documents == documents
        assert iam.seaweed.roles["r"] == list(documents)
        iam.wait(5)


def test_a_lag_turned_off_ends_at_once(iam: Driver) -> None:
    iam.world.knobs.policy_lag = timedelta(seconds=5)
    key = iam.user(NAME, allow("s3:*")).access_key_id
    iam.world.knobs.policy_lag = timedelta(0)
    assert allowed(iam, key)
    assert iam.seaweed.users[NAME] == [allow("s3:*")]


def test_a_refused_change_does_not_end_a_lag(iam: Driver) -> None:
    iam.world.knobs.policy_lag = timedelta(seconds=5)
    key = iam.user(NAME, allow("s3:*")).access_key_id
    iam.refused("CreateUser", "EntityAlreadyExists", UserName=NAME)
    iam.seaweed.broken = True
    iam.refused("CreateUser", "InternalFailure", UserName="curator@example.org")
    iam.seaweed.broken = False
    assert not allowed(iam, key)
