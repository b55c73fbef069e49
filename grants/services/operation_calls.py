"""What an executor tells while it works: the calls AWS answered, and why it must wait or stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cellenium_admin.core.exceptions import ApplicationError
from grants.aws.gateway import Aws, Receipt
from grants.models import Operation

Facts: TypeAlias = Mapping[str, Any]
Result: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Calls:
    """The mutating calls of one attempt that AWS has answered, as `CreateAccessGrant 4442587FB7D0A2F9`."""

    made: list[str] = field(default_factory=list)

    def note(self, name: str, receipt: Receipt) -> None:
        """Keep the name of a call and AWS's id of it."""
        self.made.append(f"{name} {receipt.request_id}".strip())


@dataclass(frozen=True, slots=True)
class Change:
    """What the settling of an operation changed in its subject."""

    before: Facts = field(default_factory=dict)
    after: Facts = field(default_factory=dict)


class NotYetError(Exception):
    """Something else has to happen first; waiting is no failed attempt."""


class BlockedError(ApplicationError):
    """AWS holds something that is not ours in this place; a person has to decide."""

    code = "not_ours"


@dataclass(frozen=True, slots=True)
class Executor:
    """How one kind of operation is carried out.

    `perform` asks AWS, outside of any transaction, and may be called again after any crash. `settle` writes the
    outcome into the subject, in the transaction that ends the operation. `abandon` does so when it has failed for good,
    and `revive` when a person lets a failed one be tried again.
    """

    perform: Callable[[Aws, Operation, Calls], Result]
    settle: Callable[[Operation, Result], Change]
    abandon: Callable[[Operation], Change]
    revive: Callable[[Operation], Change]


def nothing(operation: Operation, result: Result | None = None) -> Change:
    """Leave the subject as it is."""
    del operation, result
    return Change()
