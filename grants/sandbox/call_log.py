"""What was asked of the sandbox lately, without secrets."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 10_000
_DOCUMENTS = {"Policy", "Policies"}
_SECRET = ("PolicyDocument", "PolicyInputList", "Password", "Secret", "Token", "PublicKeyBody", "AuthenticationCode")


@dataclass(slots=True, kw_only=True)
class LoggedCall:
    """One request and what became of it; `outcome` is OK or an error's code, `status` None when nothing was sent."""

    time: str
    service: str
    operation: str
    caller: str = ""
    access_key_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = "OK"
    status: int | None = None
    fault: str | None = None
    milliseconds: float = 0.0
    request_id: str = ""


class CallLog:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        """Begin empty."""
        self._calls: deque[LoggedCall] = deque(maxlen=KEPT)

    def add(self, call: LoggedCall) -> None:
        """Keep a call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()

    def listed(self, service: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Give the calls of a service or an operation."""
        return [
            asdict(call)
            for call in self._calls
            if service in {None, call.service} and operation in {None, call.operation}
        ]


def without_secrets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of a call's parameters may be kept: no documents, passwords or tokens."""
    return {
        name: value if isinstance(value, str | int | bool) else str(value)
        for name, value in parameters.items()
        if name not in _DOCUMENTS and not any(part in name for part in _SECRET)
    }
