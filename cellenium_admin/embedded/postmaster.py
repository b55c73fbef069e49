"""What the file postmaster.pid in a data directory tells about the server that uses it."""

import os
import time
from pathlib import Path

from cellenium_admin.embedded.errors import EmbeddedServerError


class Postmaster:
    """The server on one data directory, be it ours or one left by a process that was killed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data / "postmaster.pid"

    def is_ready(self, pid: int) -> bool:
        """Tell whether the server with this process id takes connections."""
        lines = self._lines()
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def wait_for_end(self, seconds: float = 10.0) -> None:
        """Wait for a server whose parent was killed: it is shutting down by itself."""
        deadline = time.monotonic() + seconds
        while (pid := self._running()) is not None:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(f"{self._data} is in use by the server with process id {pid}: stop it first.")
            time.sleep(0.05)

    def clear(self) -> None:
        """Wait for the last server's end, and remove its file if its process id has gone to another program.

        PostgreSQL takes any process with that id for a server and refuses to start, for ever after a reboot.
        """
        self.wait_for_end()
        pid = self._pid()
        if pid is not None and _exists(pid):
            self._file.unlink(missing_ok=True)

    def _running(self) -> int | None:
        pid = self._pid()
        if pid is None or not _exists(pid):
            return None
        try:
            # A postmaster works inside its data directory.
            return pid if Path(f"/proc/{pid}/cwd").samefile(self._data) else None
        except FileNotFoundError:
            # A zombie has no directory; without /proc there is no telling, and PostgreSQL itself decides.
            return None
        except PermissionError:
            return None

    def _pid(self) -> int | None:
        lines = self._lines()
        return int(lines[0]) if lines and lines[0].strip().isdigit() else None

    def _lines(self) -> list[str]:
        try:
            return self._file.read_text().splitlines()
        except OSError:
            return []


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
