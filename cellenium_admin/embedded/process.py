"""One child process with a log, a readiness check and an end that always comes."""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cellenium_admin.embedded.errors import EmbeddedServerError, tail

logger = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec only the simplest calls are safe.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """The system account a child runs as when it may not run as root."""

    uid: int
    gid: int


def bound_to_parent(death_signal: signal.Signals, mask: set[int] | None = None) -> Callable[[], None]:
    """Return what a child does before exec to be sent a signal when this process dies, even by kill -9.

    The kernel sends it when the *thread* that forked ends, so start children from the main thread only.
    """
    parent = os.getpid()

    def prepare() -> None:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:  # it died before the call above
                os._exit(1)

    return prepare


def run(
    argv: Sequence[str | Path], *, account: Account | None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a short command as an account, from a place every account reaches."""
    return subprocess.run(  # noqa: S603 - the arguments come from the code, never from a user
        [str(argument) for argument in argv],
        cwd="/",
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=bound_to_parent(signal.SIGTERM),
    )


@contextlib.contextmanager
def _signals_held() -> Iterator[set[int]]:
    """Keep signal handlers from raising between fork and the moment the child is on record."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, held)}
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ServerProcess:
    """A child in a session of its own, so that Ctrl-C reaches its supervisor first and not the child."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account | None = None,
        ready: Callable[[], bool] = lambda: True,
        ready_timeout: float = 60.0,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_timeout: float = 20.0,
        death_signal: signal.Signals | None = None,
    ) -> None:
        self.argv = [str(argument) for argument in argv]
        self.log = log
        self._env = env
        self._cwd = cwd
        self._account = account
        self._ready = ready
        self._ready_timeout = ready_timeout
        self._stop_signal = stop_signal
        self._stop_timeout = stop_timeout
        self._death_signal = death_signal or stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def alive(self) -> bool:
        """Tell whether the child runs; a zombie does not."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """Return the child's process id, which is its process group too, or None before the start."""
        return self._child.pid if self._child else None

    @property
    def output(self) -> str:
        """Return the end of what the child has written since its last start."""
        return tail(self.log, since=self._log_start)

    def start(self) -> None:
        """Start the child and return once it is ready; on any failure nothing is left running."""
        if self.alive:
            raise EmbeddedServerError(f"{self._name} is running already.")
        self.stop()
        try:
            with _signals_held() as mask:
                self._child = self._spawn(mask)
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask the child to end, kill it when it does not, and sweep up the children it left."""
        if self._child is None:
            return
        if self.alive:
            self._child.send_signal(self._stop_signal)
        try:
            self._child.wait(self._stop_timeout)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end within %.0f s and is killed.", self._name, self._stop_timeout)
        self._kill_group(self._child)
        self._child = None

    @property
    def _name(self) -> str:
        return Path(self.argv[0]).name

    def _spawn(self, mask: set[int]) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._log_start = os.fstat(log).st_size
            return subprocess.Popen(  # noqa: S603 - the arguments come from the code, never from a user
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                preexec_fn=bound_to_parent(self._death_signal, mask),  # noqa: PLW1509 - exec follows at once
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        finally:
            os.close(log)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._ready_timeout
        while not self._ready():
            if self._child is not None and self._child.poll() is not None:
                raise self._failure(f"ended with status {self._child.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready within {self._ready_timeout:.0f} s")
            time.sleep(0.02)

    def _failure(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(f"{self._name} {what}. The end of {self.log}:\n{self.output}")

    @staticmethod
    def _kill_group(child: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
