"""The reader itself: a process forked for one file, which it opens, checks and converts."""

import errno
import faulthandler
import os
import signal
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from imports.h5ad.findings import Finding, Severity
from imports.h5ad.work import work
from imports.reader_process import isolation, messages
from imports.reader_process.isolation import Limits
from imports.reader_process.outcomes import BROKEN, OUT_OF_MEMORY

TELL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Order:
    """What the worker asks for: the file, where its Stores shall grow (None: only check it), and the limits."""

    file: str
    building: str | None
    memory_bytes: int
    source: dict[str, Any]
    limits: Limits


class Teller:
    """Writes messages to the worker, progress not more often than it can be of use."""

    def __init__(self, channel: int) -> None:
        """Write to a descriptor."""
        self._channel = channel
        self._stage = ""
        self._told_at = 0.0

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is; its beginning and its end are always told."""
        now = time.monotonic()
        if stage == self._stage and done < total and now - self._told_at < TELL_SECONDS:
            return
        self._stage, self._told_at = stage, now
        self.send({"stage": stage, "done": int(done), "total": int(total)})

    def send(self, message: dict[str, Any]) -> None:
        """Write a whole message."""
        rest = memoryview(messages.encode(message))
        while rest:
            rest = rest[os.write(self._channel, rest) :]


def run(order: Order, *, channel: int, errors: int, parent: int) -> NoReturn:
    """Be the reader of one file, and end: with 0 when an answer was given, else with a number or a signal."""
    status = BROKEN
    try:
        _settle_in(order, errors, parent)
        _answer(order, Teller(channel))
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _settle_in(order: Order, errors: int, parent: int) -> None:
    isolation.die_with(parent)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, errors), (2, errors)):
        os.dup2(source, target)
    faulthandler.enable(file=2)
    # Also what a worker started by nohup ignores.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    isolation.be_first_to_go()
    isolation.apply(order.limits)


def _answer(order: Order, teller: Teller) -> None:
    try:
        findings, content = _worked(order, teller)
        # What cannot be sent is no answer either, and its reason is told like any other.
        teller.send(
            {
                "findings": [asdict(finding) for finding in findings],
                "content": None if content is None else asdict(content),
            }
        )
    except MemoryError:
        raise
    except Exception:
        teller.send({"broken": traceback.format_exc()[-4000:]})
        raise


def _worked(order: Order, teller: Teller) -> tuple[list[Finding], Any]:
    building = None if order.building is None else Path(order.building)
    try:
        return work(
            Path(order.file),
            building=building,
            memory_bytes=order.memory_bytes,
            source=order.source,
            tell=teller.progress,
        )
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return [_too_large(order)], None


def _too_large(order: Order) -> Finding:
    return Finding(
        Severity.ERROR,
        "reader_output",
        "file",
        found=f"an array of more than {order.limits.file_bytes / 1e9:,.1f} GB",
        expected="arrays in proportion to the file",
        remedy="Check what the matrices hold; a file of this size should not hold so many values.",
    )
