"""Lists in pages: NextToken and MaxResults of S3 Access Grants.

AWS's default page size is not documented; 100 is taken, and for MaxResults=0, which the model allows, the same. A small
page makes a client that forgets NextToken fail early.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grants.sandbox.access_grants.refusals import invalid_request
from grants.sandbox.state import State

SCHEMA = "CREATE TABLE IF NOT EXISTS access_grants_secret (only INTEGER PRIMARY KEY CHECK (only = 1), secret BLOB);"
DEFAULT_RESULTS = 100
_SEAL_BYTES = 16


class Pages:
    """Cuts queries into pages by the number of the row, so that what is made or deleted meanwhile shifts nothing."""

    def __init__(self, state: State) -> None:
        """Keep the secret that seals tokens, so that one that was given out is still good after a restart."""
        self._state = state
        state.run("INSERT OR IGNORE INTO access_grants_secret VALUES (1, ?)", (secrets.token_bytes(32),))
        self._secret: bytes = state.all("SELECT secret FROM access_grants_secret")[0]["secret"]

    def page(
        self,
        member: str,
        call: Mapping[str, Any],
        query: tuple[str, Sequence[Any]],
        shape: Callable[[sqlite3.Row], Mapping[str, Any]],
    ) -> dict[str, Any]:
        """Give one page as the list `member` of an answer, and NextToken when there is more.

        `query` is SQL up to its conditions, with their values, over a table with a column `number`. A token is good for
        the list and the filters it was given for alone; raises InvalidRequest otherwise.
        """
        wish = {name: value for name, value in call.items() if name not in {"NextToken", "MaxResults"}}
        about = json.dumps([member, wish], sort_keys=True).encode()
        after = self._read(call["NextToken"], about) if call.get("NextToken") else 0
        limit = call.get("MaxResults") or DEFAULT_RESULTS
        sql, values = query
        rows = self._state.all(f"{sql} AND number > ? ORDER BY number LIMIT ?", (*values, after, limit + 1))
        answer: dict[str, Any] = {member: [shape(row) for row in rows[:limit]]}
        if len(rows) > limit:
            answer["NextToken"] = self._token(rows[limit - 1]["number"], about)
        return answer

    def _token(self, number: int, about: bytes) -> str:
        place = number.to_bytes(8, "big")
        return base64.urlsafe_b64encode(place + self._seal(place, about)).decode()

    def _read(self, token: str, about: bytes) -> int:
        try:
            raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise _refused() from error
        if not hmac.compare_digest(raw[8:], self._seal(raw[:8], about)):
            raise _refused()
        return int.from_bytes(raw[:8], "big")

    def _seal(self, place: bytes, about: bytes) -> bytes:
        return hmac.digest(self._secret, place + about, hashlib.sha256)[:_SEAL_BYTES]


def _refused() -> Exception:
    return invalid_request("The NextToken is not valid here: send the one of the page before, with the same filters")
