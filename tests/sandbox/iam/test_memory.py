"""What was answered survives the end of the process; what was refused leaves no trace."""

import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from grants.sandbox.errors import AwsError
from grants.sandbox.iam.operations import ALL
from grants.sandbox.iam.snapshots import SnapshotError
from tests.sandbox.iam.test_authorization import TRUST, parameters
from tests.support.iam import MODEL, Driver, allow, trusting

NAME = "uploader@example.org"


def everything(iam: Driver) -> dict[str, Any]:
    """Give all that can be read of an account with a user, a group and a role."""
    who = {"UserName": NAME}
    return {
        "users": iam("ListUsers"),
        "user": iam("GetUser", **who),
        "keys": iam("ListAccessKeys", **who),
        "inline": iam("GetUserPolicy", **who, PolicyName="p0"),
        "attached": iam("ListAttachedUserPolicies", **who),
        "groups": iam("ListGroupsForUser", **who),
        "members": iam("GetGroup", GroupName="g"),
        "roles": iam("GetRole", RoleName="r"),
        "policies": iam("ListPolicies", Scope="Local"),
        "aliases": iam("ListAccountAliases"),
    }


def furnish(iam: Driver) -> str:
    caller = iam.user(NAME, allow("s3:*"), Path="/p/", Tags=[{"Key": "a", "Value": "b"}])
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=NAME)
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(trusting({"AWS": caller.arn})))
    arn = iam("CreatePolicy", PolicyName="m", PolicyDocument=json.dumps(allow("s3:*")))["Policy"]["Arn"]
    iam("AttachUserPolicy", UserName=NAME, PolicyArn=arn)
    iam("CreateAccountAlias", AccountAlias="cellenium")
    return caller.access_key_id


def test_a_restart_changes_nothing(iam: Driver) -> None:
    key = furnish(iam)
    before, view, caller = everything(iam), iam.iam.key(key), iam.caller(key)
    iam.open()
    assert everything(iam) == before
    assert iam.iam.key(key) == view
    assert iam.caller(key) == caller
    iam("RemoveUserFromGroup", GroupName="g", UserName=NAME)
    assert iam("GetGroup", GroupName="g")["Users"] == []


@pytest.mark.parametrize("operation", sorted(name for name in ALL if not name.startswith(("Get", "List", "Simulate"))))
def test_a_refused_call_leaves_no_trace(iam: Driver, operation: str) -> None:
    """Each changing operation twice over what is there already, until it is refused: nothing is half done."""
    furnish(iam)
    members = MODEL.operation_model(operation).input_shape.members
    named = {"UserName": NAME, "GroupName": "g"}
    given = parameters(operation) | {name: value for name, value in named.items() if name in members}
    for _ in range(12):
        before = pickle.dumps(iam.iam._account)
        if not done(iam, operation, given):
            assert pickle.dumps(iam.iam._account) == before
            break


def done(iam: Driver, operation: str, given: dict[str, Any]) -> bool:
    try:
        iam(operation, **given)
    except AwsError:
        return False
    return True


def test_a_call_that_seaweedfs_refuses_is_not_done(iam: Driver) -> None:
    furnish(iam)
    before = everything(iam)
    iam.seaweed.broken = True
    iam.refused("CreateUser", "InternalFailure", UserName="curator@example.org")
    iam.refused("DeleteUserPolicy", "InternalFailure", UserName=NAME, PolicyName="p0")
    assert everything(iam) == before
    iam.seaweed.broken = False
    iam.open()
    assert everything(iam) == before


def test_a_state_of_another_version_is_refused_with_what_to_do(iam: Driver) -> None:
    furnish(iam)
    iam.world.state.run("UPDATE iam_snapshot SET moto = '4.0.0'")
    with pytest.raises(SnapshotError, match=r"kept by moto 4\.0\.0 .* Start with an empty state directory"):
        iam.open()


def test_reset_empties_all(iam: Driver) -> None:
    key = furnish(iam)
    iam.iam.touch_key(key, "s3", "eu-central-1")
    iam.iam.reset()
    assert iam.iam.key(key) is None
    assert iam.iam.role("r") is None
    iam.open()
    for operation, member in (("ListUsers", "Users"), ("ListRoles", "Roles"), ("ListGroups", "Groups")):
        assert iam(operation)[member] == []
    assert iam("ListPolicies", Scope="Local")["Policies"] == []
    assert (iam.seaweed.users, iam.seaweed.keys, iam.seaweed.roles) == ({}, {}, {})
    assert iam.world.state.all("SELECT * FROM iam_key_usage") == []


def test_what_a_crash_left_in_seaweedfs_alone_is_deleted_at_the_next_start(iam: Driver) -> None:
    """SeaweedFS is told first: here the process ended before SQLite heard of it."""
    furnish(iam)
    kept = iam.world.state.one("SELECT * FROM iam_snapshot")
    assert kept is not None
    iam.user("stranger@example.org", allow("s3:*"))
    iam("CreateRole", RoleName="left", AssumeRolePolicyDocument=TRUST)
    iam.world.state.run("UPDATE iam_snapshot SET entities = ?", (kept["entities"],))
    iam.open()
    assert set(iam.seaweed.users) == {NAME}
    assert {owner for owner, _, _ in iam.seaweed.keys.values()} == {NAME}
    assert set(iam.seaweed.roles) == {"r"}


@pytest.mark.slow
def test_what_was_answered_survives_kill_minus_9(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from tests.support.iam import Driver
        iam = Driver(Path(sys.argv[1]))
        for number in range(100_000):
            iam("CreateUser", UserName=f"u{number}")
            print(number, flush=True)
        """
    )
    root = Path(__file__).resolve().parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert child.stdout is not None
    answered = [int(child.stdout.readline()) for _ in range(50)]
    os.kill(child.pid, signal.SIGKILL)
    answered += [int(line) for line in child.stdout.read().split()]
    child.stdout.close()
    child.wait()
    found = {user["UserName"] for user in Driver(tmp_path)("ListUsers", MaxItems=1_000)["Users"]}
    assert {f"u{number}" for number in answered} <= found
    assert len(found) <= len(answered) + 1
