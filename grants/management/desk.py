"""What every `access` command has at hand: AWS, the actor, and ways to print and to ask."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError
from grants.aws.gateway import Aws
from grants.management.tables import Row, as_json, table
from grants.models import Operation
from grants.services import operations

FAILED = 1


class NotConfirmedError(ApplicationError):
    """Nobody said yes."""

    code = "not_confirmed"


@dataclass(frozen=True, slots=True)
class Desk:
    """One run of a command."""

    stdout: TextIO
    stderr: TextIO
    output: str
    yes: bool
    connection: Aws | None

    @property
    def aws(self) -> Aws:
        """Give AWS; only commands declared with `needs_aws` may ask."""
        if self.connection is None:
            raise RuntimeError("This command was declared without AWS.")
        return self.connection

    @property
    def actor(self) -> Actor:
        """Whoever AWS takes the operator for is whom the trail names."""
        label = f"command as {self.connection.caller_arn}" if self.connection else "command"
        return Actor(type="system", id="command", label=label)

    def show(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Print rows, as a table or as JSON."""
        self.stdout.write(as_json(list(rows)) if self.output == "json" else table(rows, columns))

    def show_one(self, values: Mapping[str, Any]) -> None:
        """Print one thing."""
        if self.output == "json":
            self.stdout.write(as_json(values))
        else:
            self.show([{"field": name, "value": value} for name, value in values.items()], ("field", "value"))

    def note(self, text: str) -> None:
        """Tell a person something beside the output."""
        self.stderr.write(text)

    def confirm(self, question: str, calls: Sequence[str]) -> None:
        """Show the calls and ask, unless `--yes` was given.

        Raises NotConfirmedError, also when there is nobody to ask.
        """
        self.note("\n".join([question, *(f"  {call}" for call in calls)]))
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise NotConfirmedError("Nothing was done: there is nobody to ask, say --yes.")
        if input("Do it? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise NotConfirmedError("Nothing was done.")

    def carry_out(self, intended: Sequence[Operation]) -> int:
        """Carry operations out, tell what became of each, and give the exit code."""
        done = operations.execute_all(operation_ids=[operation.pk for operation in intended], aws=self.aws)
        for operation in done:
            self.note(_told(operation))
        return 0 if all(operation.state == Operation.State.SUCCEEDED for operation in done) else FAILED


def _told(operation: Operation) -> str:
    text = f"{operation.kind} {operation.subject_label}: {operation.state}"
    if operation.state == Operation.State.SUCCEEDED:
        return text
    more = "a worker goes on with it" if operation.state == Operation.State.PENDING else "see `access list operation`"
    return f"{text} ({operation.error_code}: {operation.error_detail}); {more}"
