"""What a check of the installation found: fine, to be looked at, or wrong, and then what to do."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer; whatever is not ok says how to mend it."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def good(name: str, detail: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(name, State.OK, detail)


def doubtful(name: str, detail: str, remedy: str) -> Finding:
    """Say that something should be looked at, though the installation works."""
    return Finding(name, State.WARNING, detail, remedy)


def wrong(name: str, detail: str, remedy: str) -> Finding:
    """Say that something must be mended."""
    return Finding(name, State.FAILED, detail, remedy)
