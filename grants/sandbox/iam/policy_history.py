"""What bound each user and role a while ago: the knob `policy_lag`."""

from collections import deque
from datetime import UTC, datetime

from grants.sandbox.iam.account import Account
from grants.sandbox.iam.effective import Documents, Rights

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_KEPT = 100


class PolicyHistory:
    """Notes each change of a principal's documents; kept in memory, so that a restart ends every lag."""

    def __init__(self, account: Account, rights: Rights) -> None:
        """Begin with what binds everybody now, as if it always had."""
        self._changes: dict[str, deque[tuple[datetime, Documents]]] = {}
        self.note(account, rights, _ALWAYS)

    def note(self, account: Account, rights: Rights, now: datetime) -> None:
        """Note what changed by `now`."""
        bound = {user.id: rights.users[user.name] for user in account.users.values()}
        bound |= {role.id: rights.roles[role.name] for role in account.roles.values()}
        for principal, documents in bound.items():
            changes = self._changes.setdefault(principal, deque(maxlen=_KEPT))
            if not changes or changes[-1][1] != documents:
                changes.append((now, documents))
        for principal in self._changes.keys() - bound.keys():
            del self._changes[principal]

    def of(self, principal: str, moment: datetime) -> Documents:
        """Give what bound a user or role, by its unique id, at a moment; nothing when it was not there yet."""
        past = [documents for since, documents in self._changes.get(principal, ()) if since <= moment]
        return past[-1] if past else ()

    def at(self, account: Account, moment: datetime) -> Rights:
        """Give what bound the users and roles of now at a moment before."""
        return Rights(
            {user.name: self.of(user.id, moment) for user in account.users.values()},
            {role.name: self.of(role.id, moment) for role in account.roles.values()},
        )
