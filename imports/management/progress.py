"""How far a job is, for people at a terminal: a bar, or a line now and then where nobody sees a bar move."""

import contextlib
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from django.core.management.base import OutputWrapper
from django.db import DatabaseError, InterfaceError, connection

from cellenium_admin.core.models import Job

WIDTH = 30
LOOK_SECONDS = 0.25
LINE_SECONDS = 15.0
# Back to the beginning of the line, and everything behind it away.
CLEARED = "\r\x1b[K"


class JobProgress:
    """Use it in a `with` statement around the work, or around waiting for whoever does it."""

    def __init__(self, job_id: UUID, output: OutputWrapper) -> None:
        """Follow a job by its row, with a connection of its own."""
        self._job_id = job_id
        self._output = output
        self._has_bar = output.isatty()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"progress-{job_id}", daemon=True)
        self._stage = ""
        self._told_at = 0.0

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and leave the line to what comes next."""
        self._stopped.set()
        self._thread.join()
        if self._has_bar:
            self._write(CLEARED)

    def _run(self) -> None:
        try:
            while not self._stopped.wait(LOOK_SECONDS):
                self._look()
        finally:
            connection.close()

    def _look(self) -> None:
        try:
            job = Job.objects.filter(pk=self._job_id).first()
        except (DatabaseError, InterfaceError):
            # The work itself will tell whether the database is gone.
            connection.close()
            return
        if job is None or job.is_finished:
            return
        if self._has_bar:
            self._write(f"{CLEARED}{bar(job.done, job.total)} {described(job)}")
        elif job.stage != self._stage or time.monotonic() - self._told_at > LINE_SECONDS:
            self._stage, self._told_at = job.stage, time.monotonic()
            self._write(f"{described(job)}\n")

    def _write(self, text: str) -> None:
        self._output.write(text, style_func=str, ending="")
        self._output.flush()


class CopyProgress:
    """Use it in a `with` statement around copying a file; called with the bytes that are there."""

    def __init__(self, path: str, output: OutputWrapper) -> None:
        """Say nothing before the first byte: most files lie in the store already."""
        self._name, self._total = Path(path).name, 0
        with contextlib.suppress(OSError):
            self._total = Path(path).stat().st_size
        self._output = output
        self._has_bar = output.isatty()
        self._told_at = -LINE_SECONDS

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the line to what comes next."""
        if self._has_bar:
            self._output.write(CLEARED, style_func=str, ending="")

    def __call__(self, done: int) -> None:
        """Tell how far it is, now and then."""
        if time.monotonic() - self._told_at < (LOOK_SECONDS if self._has_bar else LINE_SECONDS):
            return
        self._told_at = time.monotonic()
        told = f"copying {self._name} into the h5ad store: {done:,} of {self._total:,} bytes"
        text = f"{CLEARED}{bar(done, self._total)} {told}" if self._has_bar else f"{told}\n"
        self._output.write(text, style_func=str, ending="")
        self._output.flush()


def described(job: Job) -> str:
    """Say where a job stands, with the time left where one can tell."""
    if job.state == Job.State.QUEUED:
        return "waiting for another import of this study, or for the next attempt"
    if not job.total:
        return job.stage or "beginning"
    left = job.seconds_left
    rest = "" if left is None else f", {duration(left)} left"
    return f"{job.stage}: {job.done:,} of {job.total:,} {job.unit}".rstrip() + rest


def bar(done: int, total: int) -> str:
    """Draw a bar, an empty one where nothing is counted."""
    full = WIDTH * done // total if total else 0
    return f"[{'#' * full}{'.' * (WIDTH - full)}]"


def duration(seconds: int) -> str:
    """Write seconds as people do."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
