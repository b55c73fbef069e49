"""Keeps SeaweedFS, the second judge, at the same users, keys and rights as the account.

What was put there is noted in SQLite before it is put, so that after a crash whatever the account no longer has is
found and deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from grants.sandbox.iam import documents
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.effective import Documents, Rights
from grants.sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS iam_rendered (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'key', 'role')),
    name TEXT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (kind, name, owner)
);
"""


@dataclass(frozen=True, slots=True)
class _Key:
    owner: str
    secret: str
    active: bool


class Rendering:
    """Compares what SeaweedFS was given with what the account is now, and passes the differences on."""

    def __init__(self, world: World) -> None:
        """Begin knowing of nothing given since SeaweedFS was started."""
        self._world = world
        self._users: dict[str, Documents] = {}
        self._keys: dict[str, _Key] = {}
        self._roles: dict[str, Documents] = {}

    def everything(self, account: Account, rights: Rights) -> None:
        """Give SeaweedFS everything again, after it was started, and delete there what is left from before."""
        self._users, self._keys, self._roles = {}, {}, {}
        for row in self._world.state.all("SELECT kind, name, owner FROM iam_rendered ORDER BY kind"):
            match row["kind"]:
                case "key" if not self._holds_key(account, row["owner"], row["name"]):
                    self._drop_key(row["name"], row["owner"])
                case "user" if row["name"] not in account.users:
                    self._drop_user(row["name"])
                case "role" if account.role_or_none(row["name"]) is None:
                    self._drop_role(row["name"])
        self.differences(account, rights)

    def differences(self, account: Account, rights: Rights) -> None:
        """Give SeaweedFS what changed since the last time; what is gone goes first, as names may be taken again."""
        keys = {
            key.access_key_id: _Key(user.name, key.secret_access_key, key.status == "Active")
            for user in account.users.values()
            for key in user.access_keys
        }
        for access_key_id, key in list(self._keys.items()):
            if access_key_id not in keys or keys[access_key_id].owner != key.owner:
                self._drop_key(access_key_id, key.owner)
        for name in self._users.keys() - rights.users.keys():
            self._drop_user(name)
        for name in self._roles.keys() - rights.roles.keys():
            self._drop_role(name)
        self._put(rights, keys)

    def user(self, name: str, granted: Documents) -> None:
        """Give a user the rights of these documents, unless the user has exactly them."""
        if self._users.get(name) != granted:
            self._note("user", name)
            self._world.seaweed.put_user(name, [documents.loaded(text) for text in granted])
            self._users[name] = granted

    def role(self, name: str, granted: Documents) -> None:
        """Give a role the rights of these documents, unless the role has exactly them."""
        if self._roles.get(name) != granted:
            self._note("role", name)
            self._world.seaweed.put_role(name, [documents.loaded(text) for text in granted])
            self._roles[name] = granted

    def _put(self, rights: Rights, keys: Mapping[str, _Key]) -> None:
        for name, granted in rights.users.items():
            self.user(name, granted)
        for access_key_id, key in keys.items():
            if self._keys.get(access_key_id) != key:
                self._note("key", access_key_id, key.owner)
                self._world.seaweed.put_key(key.owner, access_key_id, key.secret, active=key.active)
                self._keys[access_key_id] = key
        for name, granted in rights.roles.items():
            self.role(name, granted)

    def _drop_user(self, name: str) -> None:
        self._world.seaweed.delete_user(name)
        self._users.pop(name, None)
        self._unnote("user", name)

    def _drop_key(self, access_key_id: str, owner: str) -> None:
        self._world.seaweed.delete_key(owner, access_key_id)
        self._keys.pop(access_key_id, None)
        self._unnote("key", access_key_id, owner)

    def _drop_role(self, name: str) -> None:
        self._world.seaweed.delete_role(name)
        self._roles.pop(name, None)
        self._unnote("role", name)

    def _note(self, kind: str, name: str, owner: str = "") -> None:
        self._world.state.run("INSERT OR IGNORE INTO iam_rendered VALUES (?, ?, ?)", (kind, name, owner))

    def _unnote(self, kind: str, name: str, owner: str = "") -> None:
        values = (kind, name, owner)
        self._world.state.run("DELETE FROM iam_rendered WHERE kind = ? AND name = ? AND owner = ?", values)

    @staticmethod
    def _holds_key(account: Account, owner: str, access_key_id: str) -> bool:
        key = account.access_keys.get(access_key_id)
        return key is not None and key.user_name == owner
