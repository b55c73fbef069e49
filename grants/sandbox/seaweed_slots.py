"""Which of SeaweedFS's prepared roles stands for which role of the sandbox, kept in a file of its own."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cellenium_admin.embedded import passwords
from grants.sandbox.clock import machine_time
from grants.sandbox.errors import AwsError

LONGEST_SESSION = timedelta(hours=12)


def slot_name(slot: int) -> str:
    """Name a prepared role, and the one policy attached to it."""
    return f"slot{slot}"


class RoleSlots:
    """Hands out slots to role names; what it answered once is on disk, since sessions carry their slot in them.

    A slot given back rests for as long as a session of its last role may live. When no other is left the one given
    back first is taken early: an old session then has the new role's rights in SeaweedFS alone, and the front, which
    judges first, still refuses it.
    """

    def __init__(self, path: Path, count: int) -> None:
        """Read what was handed out before."""
        self._path, self._count = path, count
        kept: Mapping[str, Mapping[str, str]] = json.loads(path.read_text()) if path.exists() else {}
        self._taken = {name: int(slot) for name, slot in kept.get("taken", {}).items()}
        self._freed = {int(slot): datetime.fromisoformat(at) for slot, at in kept.get("freed", {}).items()}

    def taken(self) -> Mapping[str, int]:
        """Give all role names with their slots."""
        return self._taken

    def find(self, role: str) -> int | None:
        """Give the slot a role has, or None."""
        return self._taken.get(role)

    def take(self, role: str) -> int:
        """Give the role's slot, its first one when it has none; AwsError LimitExceeded when all are in use."""
        if (slot := self._taken.get(role)) is None:
            slot = self._unused()
            self._freed.pop(slot, None)
            self._taken[role] = slot
            self._keep()
        return slot

    def give_back(self, role: str) -> int | None:
        """Take the slot from a deleted role and give its number; None when it had none."""
        if (slot := self._taken.pop(role, None)) is not None:
            self._freed[slot] = machine_time()
            self._keep()
        return slot

    def _unused(self) -> int:
        busy = {*self._taken.values(), *self._freed}
        if (slot := next((number for number in range(self._count) if number not in busy), None)) is not None:
            return slot
        rested = [number for number, at in self._freed.items() if machine_time() - at > LONGEST_SESSION]
        if rested or self._freed:
            return min(
                rested or self._freed, key=lambda number: self._freed.get(number, datetime.max.replace(tzinfo=UTC))
            )
        raise AwsError(
            "LimitExceeded",
            f"The sandbox keeps at most {self._count} roles at a time. Delete roles that are no longer needed.",
            409,
        )

    def _keep(self) -> None:
        freed = {str(slot): at.isoformat() for slot, at in self._freed.items()}
        passwords.write_private(self._path, json.dumps({"taken": self._taken, "freed": freed}) + "\n")
