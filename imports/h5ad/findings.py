"""What is wrong with a file, or worth knowing of it: always where, what was expected and how to mend it."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    """An error refuses the file, a warning does not, a note tells what was done with it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One message about one place in the file, written as Python code reads it: `obs['louvain']`."""

    severity: Severity
    code: str
    path: str
    found: str = ""
    expected: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Write it for people, on one line."""
        parts = [f"{self.severity} {self.code} at {self.path}"]
        parts += [f"found {self.found}"] if self.found else []
        parts += [f"expected {self.expected}"] if self.expected else []
        return "; ".join(parts) + (f". {self.remedy}" if self.remedy else "")


class Findings(list[Finding]):
    """All that was found so far, in the order of the checks."""

    def error(self, code: str, path: str, *, found: str = "", expected: str = "", remedy: str = "") -> None:
        """Add a reason to refuse the file."""
        self.append(Finding(Severity.ERROR, code, path, found, expected, remedy))

    def warning(self, code: str, path: str, *, found: str = "", expected: str = "", remedy: str = "") -> None:
        """Add a doubt."""
        self.append(Finding(Severity.WARNING, code, path, found, expected, remedy))

    def note(self, code: str, path: str, *, found: str = "", expected: str = "", remedy: str = "") -> None:
        """Add what was done with the file."""
        self.append(Finding(Severity.NOTE, code, path, found, expected, remedy))

    def extend_from(self, place: str, others: "Findings") -> None:
        """Take over what was found in a part of the file, which is called `place`."""
        self.extend(replace(finding, path=f"{place}.{finding.path}") for finding in others)

    @property
    def errors(self) -> list[Finding]:
        """The reasons to refuse the file."""
        return [finding for finding in self if finding.severity is Severity.ERROR]


class RefusedFileError(Exception):
    """The file cannot even be looked into."""

    def __init__(self, finding: Finding) -> None:
        """Carry the one reason."""
        super().__init__(str(finding))
        self.finding = finding


def refused(code: str, path: str, *, found: str = "", expected: str = "", remedy: str = "") -> RefusedFileError:
    """Make the error that refuses a file at once."""
    return RefusedFileError(Finding(Severity.ERROR, code, path, found, expected, remedy))


def some(names: list[str]) -> str:
    """Count names and show the first three."""
    shown = ", ".join(repr(name[:60]) for name in names[:3])
    return f"{len(names)}: {shown}{', ...' if len(names) > 3 else ''}"
