"""The REST API as any client sees it: addresses, a bearer token and JSON."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


class DemoError(Exception):
    """The demo cannot go on; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class Client:
    """One caller of the API, known by a token."""

    base_url: str
    token: str

    def get(self, path: str) -> Any:
        """Fetch one resource under /api/v1."""
        return self._call("GET", path)

    def post(self, path: str, body: dict[str, Any], *, wait: int) -> Any:
        """Ask a heavy question and wait for the answer for so many seconds."""
        return self._call("POST", path, body, {"Prefer": f"wait={wait}"})

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        request = urllib.request.Request(  # noqa: S310 -- our own loopback address
            f"{self.base_url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise DemoError(f"{method} {path} answered {error.code}: {error.read().decode()[:800]}") from error
