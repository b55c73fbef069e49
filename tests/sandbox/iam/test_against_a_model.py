"""Random sequences of changes, against a few dictionaries that say what an account would be."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.iam import Driver, allow

USERS = st.sampled_from(["curator", "uploader", "neighbour"])
GROUPS = st.sampled_from(["g1", "g2"])
POLICIES = st.sampled_from(["p1", "p2"])
ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:*"])


class Account(RuleBasedStateMachine):
    """Users with keys and inline policies, in groups with inline policies."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.iam = Driver(Path(self.directory.name))
        self.users: dict[str, dict[str, str]] = {}
        self.keys: dict[str, dict[str, bool]] = {}
        self.deleted: set[str] = set()
        self.groups: dict[str, dict[str, str]] = {}
        self.members: dict[str, set[str]] = {}

    def teardown(self) -> None:
        self.iam.world.state.close()
        self.directory.cleanup()

    def expect(self, code: str | None, operation: str, **parameters: Any) -> dict[str, Any]:
        """Do it and expect this error code, or success."""
        if code is None:
            return self.iam(operation, **parameters)
        self.iam.refused(operation, code, **parameters)
        return {}

    @initialize()
    def begin(self) -> None:
        """Begin with something to delete, which chance alone would seldom make."""
        for user in ("curator", "uploader"):
            self.create_user(user)
            self.create_key(user)
        self.create_group("g1")
        self.join("g1", "uploader")

    @rule(user=USERS)
    def create_user(self, user: str) -> None:
        self.expect("EntityAlreadyExists" if user in self.users else None, "CreateUser", UserName=user)
        if user not in self.users:
            self.users[user], self.keys[user] = {}, {}

    @rule(user=USERS)
    def delete_user(self, user: str) -> None:
        code = None if user in self.users else "NoSuchEntity"
        if user in self.users and (self.users[user] or self.keys[user] or self.groups_of(user)):
            code = "DeleteConflict"
        self.expect(code, "DeleteUser", UserName=user)
        if code is None:
            del self.users[user], self.keys[user]

    @rule(user=USERS)
    def create_key(self, user: str) -> None:
        code = "NoSuchEntity" if user not in self.users else "LimitExceeded" if len(self.keys[user]) == 2 else None
        made = self.expect(code, "CreateAccessKey", UserName=user)
        if made:
            self.keys[user][made["AccessKey"]["AccessKeyId"]] = True

    @rule(user=USERS, active=st.booleans(), data=st.data())
    def change_key(self, user: str, active: bool, data: st.DataObject) -> None:
        if self.keys.get(user):
            key = data.draw(st.sampled_from(sorted(self.keys[user])))
            status = "Active" if active else "Inactive"
            self.expect(None, "UpdateAccessKey", UserName=user, AccessKeyId=key, Status=status)
            self.keys[user][key] = active

    @rule(user=USERS, data=st.data())
    def delete_key(self, user: str, data: st.DataObject) -> None:
        if self.keys.get(user):
            key = data.draw(st.sampled_from(sorted(self.keys[user])))
            self.expect(None, "DeleteAccessKey", UserName=user, AccessKeyId=key)
            del self.keys[user][key]
            self.deleted.add(key)

    @rule(user=USERS, policy=POLICIES, action=ACTIONS)
    def put_user_policy(self, user: str, policy: str, action: str) -> None:
        code = None if user in self.users else "NoSuchEntity"
        text = json.dumps(allow(action))
        self.expect(code, "PutUserPolicy", UserName=user, PolicyName=policy, PolicyDocument=text)
        if code is None:
            self.users[user][policy] = action

    @rule(user=USERS, policy=POLICIES)
    def delete_user_policy(self, user: str, policy: str) -> None:
        code = None if policy in self.users.get(user, {}) else "NoSuchEntity"
        self.expect(code, "DeleteUserPolicy", UserName=user, PolicyName=policy)
        if code is None:
            del self.users[user][policy]

    @rule(group=GROUPS)
    def create_group(self, group: str) -> None:
        self.expect("EntityAlreadyExists" if group in self.groups else None, "CreateGroup", GroupName=group)
        self.groups.setdefault(group, {})
        self.members.setdefault(group, set())

    @rule(group=GROUPS)
    def delete_group(self, group: str) -> None:
        code = None if group in self.groups else "NoSuchEntity"
        if self.members.get(group) or self.groups.get(group):
            code = "DeleteConflict"
        self.expect(code, "DeleteGroup", GroupName=group)
        if code is None:
            del self.groups[group], self.members[group]

    @rule(group=GROUPS, policy=POLICIES, action=ACTIONS)
    def put_group_policy(self, group: str, policy: str, action: str) -> None:
        code = None if group in self.groups else "NoSuchEntity"
        text = json.dumps(allow(action))
        self.expect(code, "PutGroupPolicy", GroupName=group, PolicyName=policy, PolicyDocument=text)
        if code is None:
            self.groups[group][policy] = action

    @rule(group=GROUPS, policy=POLICIES)
    def delete_group_policy(self, group: str, policy: str) -> None:
        code = None if policy in self.groups.get(group, {}) else "NoSuchEntity"
        self.expect(code, "DeleteGroupPolicy", GroupName=group, PolicyName=policy)
        if code is None:
            del self.groups[group][policy]

    @rule(group=GROUPS, user=USERS)
    def join(self, group: str, user: str) -> None:
        code = None if group in self.groups and user in self.users else "NoSuchEntity"
        self.expect(code, "AddUserToGroup", GroupName=group, UserName=user)
        if code is None:
            self.members[group].add(user)

    @rule(group=GROUPS, user=USERS)
    def leave(self, group: str, user: str) -> None:
        code = None if user in self.members.get(group, set()) else "NoSuchEntity"
        self.expect(code, "RemoveUserFromGroup", GroupName=group, UserName=user)
        if code is None:
            self.members[group].discard(user)

    @rule()
    def restart(self) -> None:
        self.iam.world.state.close()
        self.iam.open()

    def groups_of(self, user: str) -> set[str]:
        return {group for group, members in self.members.items() if user in members}

    @invariant()
    def the_account_is_as_it_should_be(self) -> None:
        assert {user["UserName"] for user in self.iam("ListUsers")["Users"]} == set(self.users)
        assert {group["GroupName"] for group in self.iam("ListGroups")["Groups"]} == set(self.groups)
        for user in self.users:
            listed = self.iam("ListGroupsForUser", UserName=user)["Groups"]
            assert {group["GroupName"] for group in listed} == self.groups_of(user)

    @invariant()
    def deleted_keys_belong_to_nobody(self) -> None:
        assert not [key for key in self.deleted if self.iam.iam.key(key)]

    @invariant()
    def seaweedfs_was_told(self) -> None:
        seaweed = self.iam.seaweed
        assert set(seaweed.users) == set(self.users)
        for user, policies in self.users.items():
            actions = [*policies.values(), *(a for group in self.groups_of(user) for a in self.groups[group].values())]
            told = [text["Statement"][0]["Action"] for text in seaweed.users[user]]
            assert sorted(told) == sorted(actions)
        keys = {key: (user, active) for user, owned in self.keys.items() for key, active in owned.items()}
        assert {key: (owner, active) for key, (owner, _, active) in seaweed.keys.items()} == keys
        for key, (owner, active) in keys.items():
            view = self.iam.iam.key(key)
            assert view is not None
            assert (view.user_name, view.active) == (owner, active)
            told = [policy.document["Statement"][0]["Action"] for policy in self.iam.caller(key).identity_policies]
            assert sorted(told) == sorted(text["Statement"][0]["Action"] for text in seaweed.users[owner])


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
