"""How far a file is: one line that is written over on a terminal, a line now and then elsewhere."""

import sys
import threading
import time

from cellenium_access.talk import printable


class Progress:
    """Bytes of one file on their way; may be told from several threads."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = printable(name), total
        self._done = 0
        self._counted = 0
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def already(self, some: int) -> None:
        """Count bytes that arrived in an earlier attempt."""
        with self._lock:
            self._done += some

    def add(self, some: int) -> None:
        """Count bytes that are sent now, or take them back."""
        with self._lock:
            self._done += some
            self._counted += some
            now = time.monotonic()
            if now - self._shown < (0.2 if self._terminal else 10):
                return
            self._shown = now
            self._show()

    def end(self, words: str) -> None:
        """Say how it ended."""
        start = "\r\x1b[K" if self._terminal else ""
        print(f"{start}{self._name}: {printable(words)}", file=sys.stderr, flush=True)

    def _show(self) -> None:
        seconds = max(time.monotonic() - self._started, 0.001)
        speed = max(self._counted, 0) / seconds
        left = f", {int((self._total - self._done) / speed)} s left" if speed > 0 else ""
        share = 100 * self._done // max(self._total, 1)
        line = f"{self._name}: {share} % of {size(self._total)}, {size(int(speed))}/s{left}"
        print(
            f"\r\x1b[K{line}" if self._terminal else line,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )


def size(some: int) -> str:
    """Write a number of bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if some < 1024:
            return f"{some:.0f} {unit}" if unit == "B" else f"{some:.1f} {unit}"
        some /= 1024  # type: ignore[assignment]
    return f"{some:.1f} TiB"
