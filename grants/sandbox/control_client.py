"""Turns a running sandbox from a test or a command; standard library only."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

TIMEOUT_SECONDS = 60


class SandboxControlError(Exception):
    """The sandbox refused or does not run; the message says what to do."""


class SandboxControl:
    """The control interface of a sandbox."""

    def __init__(self, url: str, token: str) -> None:
        """Speak to the sandbox at `url`."""
        self._url, self._token = url, token
        # Whatever proxy the environment names, the sandbox is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def of(cls, state: Path) -> Self:
        """Find the sandbox that runs on a state directory; raises SandboxControlError when there is none."""
        try:
            found = json.loads((state / "control.json").read_text())
        except FileNotFoundError as error:
            message = f"There is no sandbox at {state}. Start one: python -m grants.sandbox --state {state}"
            raise SandboxControlError(message) from error
        return cls(found["url"], found["token"])

    def health(self) -> dict[str, Any]:
        """Tell account, Region and whether SeaweedFS runs."""
        return dict(self._ask("GET", "health"))

    def clock(self) -> dict[str, Any]:
        """Tell the sandbox's time and how many seconds it is away from the machine's."""
        return dict(self._ask("GET", "clock"))

    def move_clock(self, seconds: float) -> dict[str, Any]:
        """Set how many seconds AWS's time is ahead of the machine's; 0 puts it right."""
        return dict(self._ask("PUT", "clock", {"offset_seconds": seconds}))

    def knobs(self) -> dict[str, Any]:
        """Give the knobs, lags in seconds."""
        return dict(self._ask("GET", "knobs"))

    def set_knobs(self, **values: float | bool) -> dict[str, Any]:
        """Turn knobs, lags in seconds."""
        return dict(self._ask("PUT", "knobs", values))

    def faults(self, faults: Iterable[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Add faults to the plan and give all of them."""
        written = list(faults)
        return list(self._ask("POST", "faults", written) if written else self._ask("GET", "faults"))

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("DELETE", "faults")

    def calls(self, service: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Give the last calls, oldest first."""
        chosen = {name: value for name, value in (("service", service), ("operation", operation)) if value}
        return list(self._ask("GET", f"calls?{urllib.parse.urlencode(chosen)}"))

    def clear_calls(self) -> None:
        """Forget the calls so far."""
        self._ask("DELETE", "calls")

    def run_lifecycle(self) -> list[dict[str, Any]]:
        """Abort the multipart uploads that lifecycle rules say are overdue, by the sandbox's clock, and give them."""
        return list(self._ask("POST", "lifecycle"))

    def reset(self) -> None:
        """Empty the account: users, roles, grants, buckets and objects, queues, clock, knobs, faults and log."""
        self._ask("POST", "reset")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self._url}/_sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Sandbox-Token": self._token, "Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise SandboxControlError(json.loads(error.read())["error"]) from error
        except OSError as error:
            message = f"The sandbox at {self._url} does not answer ({error}). Start it: python -m grants.sandbox"
            raise SandboxControlError(message) from error
