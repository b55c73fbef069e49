"""When, and for which service, each access key was last used."""

from datetime import datetime, timedelta
from sqlite3 import Row

from grants.sandbox.state import State

_RESOLUTION = timedelta(minutes=1)

SCHEMA = """
CREATE TABLE IF NOT EXISTS iam_key_usage (
    access_key_id TEXT PRIMARY KEY,
    used TEXT NOT NULL,
    service TEXT NOT NULL,
    region TEXT NOT NULL
);
"""


class KeyUsage:
    """Writes a use at most once a minute for each key, as AWS keeps it to the minute or coarser."""

    def __init__(self, state: State) -> None:
        """Keep it in the sandbox's file."""
        self._state = state
        self._written: dict[str, datetime] = {}

    def note(self, access_key_id: str, service: str, region: str, now: datetime) -> None:
        """Note a use of the key at `now`."""
        written = self._written.get(access_key_id)
        if written is not None and abs(now - written) < _RESOLUTION:
            return
        self._state.run(
            "INSERT INTO iam_key_usage VALUES (?, ?, ?, ?) ON CONFLICT (access_key_id) DO UPDATE"
            " SET used = excluded.used, service = excluded.service, region = excluded.region",
            (access_key_id, now.isoformat(), service, region),
        )
        self._written[access_key_id] = now

    def last(self, access_key_id: str) -> Row | None:
        """Give `used` (ISO 8601), `service` and `region` of the last use; None when it was never used."""
        return self._state.one("SELECT * FROM iam_key_usage WHERE access_key_id = ?", (access_key_id,))

    def forget(self) -> None:
        """Forget every use."""
        self._state.run("DELETE FROM iam_key_usage")
        self._written.clear()
