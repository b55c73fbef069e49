"""A plan of what shall go wrong: which call of which operation, and how."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any

from grants.sandbox.errors import AwsError

KINDS = ("error", "throttle", "status", "timeout", "reset", "partial_page")
MOMENTS = ("before", "after")
SERVICES = ("*", "iam", "sts", "sqs", "s3", "s3control")
_TEXT, _WHOLE, _NUMBER = (str,), (int,), (int, float)
_SAID: dict[tuple[type, ...], str] = {_TEXT: "a text", _WHOLE: "a whole number", _NUMBER: "a number"}
_TYPES = {
    **dict.fromkeys(("service", "operation", "when", "kind", "code", "message"), _TEXT),
    **dict.fromkeys(("nth", "times", "status", "page_size"), _WHOLE),
    "seconds": _NUMBER,
}
_BEYOND_STATUSES = 600
_PAGE_SIZES = {"iam": "MaxItems", "s3control": "MaxResults"}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong; `*` stands for every service or operation.

    It strikes the `nth` matching call and the `times - 1` after it, before or after the call was carried out.
    """

    service: str = "*"
    operation: str = "*"
    nth: int = 1
    times: int = 1
    when: str = "before"
    kind: str = "error"
    code: str = "InternalError"
    message: str = "We encountered an internal error. Please try again."
    status: int = 500
    seconds: float = 30.0
    page_size: int = 1
    seen: int = 0

    def __post_init__(self) -> None:
        """Refuse what would never strike."""
        for name, kinds in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise AwsError("ValidationError", f"{name} is {value!r}; it is {_SAID[kinds]}")
        if self.service not in SERVICES:
            raise AwsError("ValidationError", f"service is {self.service!r}; use one of {', '.join(SERVICES)}")
        if self.kind not in KINDS:
            raise AwsError("ValidationError", f"kind is {self.kind!r}; use one of {', '.join(KINDS)}")
        if self.when not in MOMENTS:
            raise AwsError("ValidationError", f"when is {self.when!r}; use before or after")
        if self.kind == "partial_page" and self.service not in _PAGE_SIZES:
            raise AwsError("ValidationError", "partial_page is for the lists of iam and s3control")
        if self.nth < 1 or self.times < 1 or self.page_size < 1:
            raise AwsError("ValidationError", "nth, times and page_size are whole numbers from 1")
        if not HTTPStatus.BAD_REQUEST <= self.status < _BEYOND_STATUSES or self.seconds < 0:
            raise AwsError("ValidationError", "status is 400 to 599, seconds 0 or more")

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "Fault":
        """Read a fault; raises AwsError naming what it does not know."""
        if not isinstance(written, Mapping):
            raise AwsError("ValidationError", f'A fault is an object as {{"service": "iam"}}, not {written!r}')
        known = {field.name for field in fields(cls)} - {"seen"}
        unknown = sorted(set(written) - known)
        if unknown:
            raise AwsError("ValidationError", f"A fault has no {unknown[0]}; it has {', '.join(sorted(known))}")
        return cls(**written)

    def strikes(self, service: str, operation: str) -> bool:
        """Count a call, and tell whether it is one of those that go wrong."""
        if self.service not in {"*", service} or self.operation not in {"*", operation}:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    def error(self, service: str) -> AwsError:
        """Give the error the client sees; throttling has a code of its own in each service."""
        if self.kind == "throttle":
            if service == "s3":
                return AwsError("SlowDown", "Please reduce your request rate.", HTTPStatus.SERVICE_UNAVAILABLE)
            return AwsError("Throttling", "Rate exceeded")
        return AwsError(self.code, self.message, self.status)

    def shortened(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask for a smaller page than the client did."""
        return {**parameters, _PAGE_SIZES[self.service]: self.page_size}


class FaultPlan:
    """The faults in force."""

    def __init__(self) -> None:
        """Begin with none."""
        self._faults: list[Fault] = []

    def add(self, written: Iterable[Mapping[str, Any]]) -> None:
        """Add faults, all of them or none."""
        self._faults.extend([Fault.of(fault) for fault in written])

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def next(self, service: str, operation: str) -> Fault | None:
        """Count a call with every fault that fits and give the first that strikes."""
        striking = [fault for fault in self._faults if fault.strikes(service, operation)]
        return striking[0] if striking else None

    def listed(self) -> list[dict[str, Any]]:
        """Give the faults with how many calls each has seen."""
        return [{field.name: getattr(fault, field.name) for field in fields(Fault)} for fault in self._faults]
