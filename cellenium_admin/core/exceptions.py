"""Errors a service raises: a stable code, a sentence for people, and where the mistake lies. No HTTP in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one input field; `pointer` is a JSON pointer such as `/group1/value_ids`."""

    pointer: str
    code: str
    detail: str


class ApplicationError(Exception):
    """Base of all errors a caller may see."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        """Keep the sentence for people, the code for programs and the fields to mend."""
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.errors = tuple(errors)


class InvalidInputError(ApplicationError):
    """The input cannot be taken as it is."""

    code = "invalid"


class NotFoundError(ApplicationError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"


class ConflictError(ApplicationError):
    """The thing is not in a state that allows this."""

    code = "conflict"


class StaleVersionError(ConflictError):
    """The thing has changed since the caller saw it; they must look at it again before they change it."""

    code = "stale_version"


class TooManyError(ApplicationError):
    """The caller has had as many as anybody gets in that time."""

    code = "too_many"

    def __init__(self, detail: str, *, retry_seconds: int, code: str | None = None) -> None:
        """Say in how many seconds it may be tried again."""
        super().__init__(detail, code=code)
        self.retry_seconds = retry_seconds


class UnavailableError(ApplicationError):
    """A part this needs does not answer; trying again later may help."""

    code = "unavailable"


@dataclass(frozen=True, slots=True)
class RefusedAttempt:
    """What the trail should say of a refused attempt, recorded by the edge once the transaction has ended."""

    action: str
    object_type: str = ""
    object_id: str = ""
    object_label: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class RefusedError(ApplicationError):
    """The caller is known and may not do this; the attempt goes into the trail."""

    code = "forbidden"

    def __init__(self, detail: str, *, attempt: RefusedAttempt, code: str | None = None) -> None:
        """Carry the attempt to the edge that records it."""
        super().__init__(detail, code=code)
        self.attempt = attempt


class JobInterruptedError(Exception):
    """Work must stop where it is; not an ApplicationError, so nobody takes it for a failure of the job."""


class JobCancelledError(JobInterruptedError):
    """Somebody asked the running job to stop."""


class JobPostponedError(JobInterruptedError):
    """The work cannot begin now, for a reason that passes by itself; the attempt does not count."""


class LeaseLostError(JobInterruptedError):
    """The job is not this worker's any more: whatever it would still write must not be written."""
