"""The worker's end of fork servers: started when needed, kept for the next file, replaced when they died."""

import atexit
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, ClassVar

from imports.reader_process import messages
from imports.reader_process.outcomes import Ending, ServerLostError

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
# On a busy host with a cold disk and kernels that are not compiled yet.
START_SECONDS = 300
ANSWER_SECONDS = 30
LONGEST_ERRORS = 4000
# Python ends the trace of a crash with the names of all libraries, a hundred of them.
EXTENSIONS = b"\nExtension modules:"
# Nothing else of the worker's environment is for a process that reads what strangers wrote.
KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"),
)
SET_VARIABLES = {
    # A child of a process with threads has only one of them and waits for the others for ever.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "BLOSC_NTHREADS": "1",
    "HDF5_USE_FILE_LOCKING": "FALSE",
    # HDF5 then looks for no filters beside those that are part of h5py and hdf5plugin.
    "HDF5_PLUGIN_PRELOAD": "::",
}

_idle: list["ForkServer"] = []
_lock = threading.Lock()


class ForkServer:
    """One fork server, which has one reader at a time."""

    MODULE: ClassVar = "imports.reader_process.server"

    def __init__(self) -> None:
        """Start it; it gets ready on its own."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module, or one of a test
                [sys.executable, "-m", self.MODULE],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment(),
                start_new_session=True,
            )
        self._control = ours
        self._lines = ours.makefile("rb")
        self._is_ready = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def begin(self, order: Mapping[str, Any], channel: int, errors: int) -> int:
        """Have a reader forked that writes to two descriptors; give its process id. Raises ServerLostError."""
        try:
            self._wait_until_ready()
            socket.send_fds(self._control, [messages.encode(order)], [channel, errors])
            return int(self.next("started", ANSWER_SECONDS)["started"])
        except OSError as error:
            raise self.lost(error) from error

    def next(self, key: str, seconds: float) -> dict[str, Any]:
        """Wait for a message. Raises ServerLostError when the server is dead or silent."""
        try:
            self._control.settimeout(seconds)
            message = messages.decode(self._lines.readline(messages.LONGEST_LINE))
        except (OSError, messages.MalformedAnswerError) as error:
            raise self.lost(error) from error
        if key not in message:
            raise self.lost(KeyError(key))
        return message

    def kill_reader(self) -> None:
        """Ask for the end of the reader. Raises OSError."""
        self._control.sendall(b"kill\n")

    def lost(self, reason: object) -> ServerLostError:
        """Give the server up, and make the error that says so."""
        self.stop()
        return ServerLostError(f"The process that forks readers is gone ({self._process.returncode}): {reason}")

    def stop(self) -> None:
        """End it, and with it its reader."""
        self.forget()
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Close what connects it to this process, which is how it learns that nobody needs it."""
        with suppress(OSError):
            self._lines.close()
        self._control.close()

    def _wait_until_ready(self) -> None:
        if not self._is_ready:
            message = self.next("ready", START_SECONDS)
            self._is_ready = True
            if message.get("network"):
                logger.warning("Readers of h5ad files have a network: this kernel gives processes none of their own.")


class Reader:
    """One reader at work; `channel` gives what it says."""

    def __init__(self, server: ForkServer, order: Mapping[str, Any], errors: IO[bytes]) -> None:
        """Have it forked. Raises ServerLostError."""
        self._server = server
        self._errors = errors
        self._ending: Ending | None = None
        ours, theirs = os.pipe()
        self.channel = open(ours, "rb", buffering=0)  # noqa: PTH123, SIM115 -- a descriptor; closed by `end`
        try:
            self.pid = server.begin(order, theirs, errors.fileno())
        except BaseException:
            self.channel.close()
            server.stop()
            raise
        finally:
            os.close(theirs)

    def ending(self) -> Ending:
        """Wait for its end. Raises ServerLostError."""
        if self._ending is None:
            message = self._server.next("ended", ANSWER_SECONDS)
            self._errors.seek(0)
            errors = self._errors.read(LONGEST_ERRORS).partition(EXTENSIONS)[0]
            self._ending = Ending(message["ended"], message["cpu_seconds"], message["peak_bytes"], errors)
        return self._ending

    def end(self) -> None:
        """Kill it if it still works, and keep its server for the next file."""
        self.channel.close()
        try:
            if self._ending is None:
                self._kill()
                self.ending()
        except ServerLostError:
            return
        except BaseException:
            self._server.stop()
            raise
        with _lock:
            _idle.append(self._server)

    def _kill(self) -> None:
        try:
            self._server.kill_reader()
        except OSError as error:
            raise self._server.lost(error) from error


@contextmanager
def reading(order: Mapping[str, Any], errors: IO[bytes]) -> Iterator[Reader]:
    """Have a file read; whatever ends the block ends the reader."""
    reader = _begun(order, errors)
    try:
        yield reader
    finally:
        reader.end()


def prepare() -> None:
    """Start a fork server if none is idle."""
    with _lock:
        if not _idle:
            _idle.append(ForkServer())


def stop_all() -> None:
    """End the idle fork servers."""
    with _lock:
        while _idle:
            _idle.pop().stop()


def environment() -> dict[str, str]:
    """Give the variables of a fork server: no address, no key, no password."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | SET_VARIABLES


def _begun(order: Mapping[str, Any], errors: IO[bytes]) -> Reader:
    """Use an idle server; one that died meanwhile costs nothing but the start of another."""
    while server := _idle_server():
        with suppress(ServerLostError):
            return Reader(server, order, errors)
    return Reader(ForkServer(), order, errors)


def _idle_server() -> ForkServer | None:
    with _lock:
        return _idle.pop() if _idle else None


def _forget_all() -> None:
    """In a forked copy of a worker: the servers are those of the original."""
    global _lock  # noqa: PLW0603 -- may have been held by a thread that is not copied
    _lock = threading.Lock()
    while _idle:
        _idle.pop().forget()


os.register_at_fork(after_in_child=_forget_all)
atexit.register(stop_all)
