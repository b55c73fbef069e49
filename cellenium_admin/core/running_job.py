"""What a task holds of the job it runs: a way to tell how far it is, and to learn that it must stop."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases
from cellenium_admin.core.services.job_leases import Lease

logger = logging.getLogger(__name__)

_WRITE_SECONDS = 1.0


class RunningJob:
    """One attempt at a job, under one lease.

    `stage` and `report` write at once, `progress` once a second at most. They and `check` raise JobCancelledError
    or LeaseLostError when the work must stop; let those pass. Call them outside the transactions of the task:
    what they write must be seen at once, and the row must stay free for the heartbeat.
    """

    def __init__(self, job: Job, *, stages: Sequence[str] = (), units: Mapping[str, str] | None = None) -> None:
        """Take over a job that has just been claimed."""
        self.id: UUID = job.pk
        self.name = job.name
        self.owner_id: UUID | None = job.owner_id
        self.lease = Lease.of(job)
        self.attempt = job.attempts
        self.ended = False
        self._stages = tuple(stages)
        self._units = dict(units or {})
        self._report: dict[str, Any] = {}
        self._total = 0
        self._written_at = time.monotonic()
        self._interruption: type[Exception] | None = None

    @property
    def lease_token(self) -> int:
        """The number to show to `jobs.assert_lease`."""
        return self.lease.token

    def check(self) -> None:
        """Raise when the heartbeat has found that the work must stop; costs nothing, call it in every loop."""
        if self._interruption is not None:
            raise self._interruption(f"Job {self.id} must stop.")

    def stage(self, name: str, total: int = 0) -> None:
        """Begin one of the stages the task was declared with; `total` is what `progress` counts to, 0 if unknown."""
        if name not in self._stages:
            raise ValueError(f"{self.name} has no stage {name!r}; declared are: {', '.join(self._stages) or 'none'}.")
        self._total = total
        self._write(stage=name, done=0, total=total, unit=self._units.get(name, ""), stage_started_at=Now())

    def progress(self, done: int, total: int | None = None) -> None:
        """Tell how far the stage is."""
        self.check()
        self._total = self._total if total is None else total
        if time.monotonic() - self._written_at >= _WRITE_SECONDS:
            self._try_to_write(done=done, total=self._total)

    def report(self, values: dict[str, Any]) -> None:
        """Add to what the job tells of its result; JSON values, shown to whoever may see the job."""
        self._report |= values
        self._write(report=self._report)

    def finish(self) -> None:
        """End the job well: by itself at the end of the task, or inside the transaction that publishes the work."""
        renew_connection()
        job_leases.finish(self.lease, report=self._report)
        transaction.on_commit(self._note_end)

    def interrupt(self, reason: type[JobCancelledError] | type[LeaseLostError]) -> None:
        """Let the next `check` or `progress` raise; called by the heartbeat."""
        self._interruption = reason

    def _note_end(self) -> None:
        self.ended = True

    def _try_to_write(self, **fields: Any) -> None:
        try:
            self._write(**fields)
        except (InterfaceError, OperationalError) as error:
            # Hours of work need not end with a database that restarts: whether they still count, the end will show.
            logger.warning("The progress of job %s could not be written: %s", self.id, error)
            self._written_at = time.monotonic()

    def _write(self, **fields: Any) -> None:
        self.check()
        renew_connection()
        job_leases.write(self.lease, **fields)
        self._written_at = time.monotonic()


def renew_connection() -> None:
    """Replace a database connection that has died or grown old: within a long task nobody else does."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
