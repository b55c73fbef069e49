"""The thread that keeps a lease alive beside a task, and brings news of cancellation and loss to it."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_leases

logger = logging.getLogger(__name__)

# However long the lease: a cancellation should be noticed within this.
_LONGEST_PAUSE = 5.0


class Heartbeat:
    """Use it in a `with` statement around the work.

    It extends the lease with a database connection of its own. It also ends a job that is past its deadline as
    failed: a task that sits in C code cannot hear the soft time limit, and is killed by the hard one.
    """

    def __init__(self, running: RunningJob, *, deadline_seconds: float, deadline_detail: str) -> None:
        self._running = running
        self._deadline = time.monotonic() + deadline_seconds
        self._deadline_detail = deadline_detail
        self._pause = min(settings.LEASE_SECONDS / 3, _LONGEST_PAUSE)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{running.id}", daemon=True)

    def __enter__(self) -> Self:
        """Start beating."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating; the lease is good for the little that is left to write."""
        self._stopped.set()
        self._thread.join(timeout=self._pause)

    def _run(self) -> None:
        try:
            while not self._stopped.wait(self._pause):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            self._extend()
        except LeaseLostError as error:
            logger.warning("%s", error)
            self._running.interrupt(LeaseLostError)
            self._stopped.set()
        except (DatabaseError, InterfaceError) as error:
            # The next beat tries again with a new connection; the lease outlasts two lost beats.
            logger.warning("No heartbeat for job %s: %s", self._running.id, error)
            connection.close()

    def _extend(self) -> None:
        lease = self._running.lease
        if time.monotonic() > self._deadline:
            job_leases.fail(lease, code="time_limit", detail=self._deadline_detail)
            raise LeaseLostError(f"Job {self._running.id} has run past its time limit.")
        if job_leases.extend(lease):
            self._running.interrupt(JobCancelledError)
