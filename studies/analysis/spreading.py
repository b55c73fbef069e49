"""Sharing the work on one question among threads; the compiled loops hold no lock while they run."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Progress = Callable[[int, int], None]
Part = TypeVar("Part")
Sums = TypeVar("Sums")

# How often a caller is told, and may object.
TELL_SECONDS = 0.2
MOST_THREADS = 8


def usual_threads() -> int:
    """Give the number of processors this process may use, up to MOST_THREADS."""
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0))))


def spread(
    parts: Sequence[Part],
    work: Callable[[Part, Sums], None],
    sums: Callable[[], Sums],
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[Sums]:
    """Work off parts, each thread adding into sums of its own, and give the sums of all threads.

    `progress(parts done, parts)` is called now and then by the calling thread; what it raises ends the work.
    """
    line = _Line(parts)
    count = min(len(parts), threads or usual_threads())
    if count <= 1:
        held = sums()
        for part in line:
            work(part, held)  # type: ignore[arg-type]
            if progress:
                progress(line.done + 1, len(parts))
        return [held]
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(_work_off, line, work, sums) for _ in range(count)]
        try:
            while wait(futures, timeout=TELL_SECONDS).not_done:
                if progress:
                    progress(line.done, len(parts))
        finally:
            line.stop()
    if progress:
        progress(len(parts), len(parts))
    return [future.result() for future in futures]


class _Line:
    """The parts still to do, handed out one by one to whichever thread is free."""

    def __init__(self, parts: Sequence[object]) -> None:
        self._parts = iter(parts)
        self._lock = threading.Lock()
        self.done = -1

    def __iter__(self) -> "_Line":
        return self

    def __next__(self) -> object:
        with self._lock:
            self.done += 1
            return next(self._parts)

    def stop(self) -> None:
        with self._lock:
            self._parts = iter(())


def _work_off(line: "_Line", work: Callable[[Part, Sums], None], sums: Callable[[], Sums]) -> Sums:
    held = sums()
    for part in line:
        work(part, held)  # type: ignore[arg-type]
    return held
