"""A real Celery worker and a real beat in processes of their own, on the test database."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from cellenium_admin.embedded import ServerProcess
from cellenium_admin.embedded.roles import with_database

ROOT = Path(__file__).resolve().parents[2]
# Short times, so that a test sees in seconds what takes minutes in a served installation.
QUICK = {
    "CELLENIUM_LEASE_SECONDS": "3",
    "CELLENIUM_SWEEP_SECONDS": "1",
    "CELLENIUM_RESEND_SECONDS": "5",
    "CELLENIUM_RETRY_SECONDS": "1",
    "CELLENIUM_SCAN_SECONDS": "3600",
}


class CeleryProcess(ServerProcess):
    """`celery --app cellenium_admin ...` with the settings of the running test."""

    def __init__(self, arguments: list[str], *, log: Path, ready: str = "", **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "--app", "cellenium_admin", *arguments, "--loglevel", "INFO"]
        variables = {**os.environ, **QUICK, **settings_of_this_test(), **environment}
        super().__init__(command, log=log, env=variables, cwd=ROOT, ready=lambda: ready in self.log.read_text())

    def kill(self) -> None:
        """Kill it with all its children at once, as a power cut would."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.stop()


def settings_of_this_test() -> dict[str, str]:
    return {
        "CELLENIUM_DATABASE_URL": with_database(os.environ["CELLENIUM_DATABASE_URL"], connection.settings_dict["NAME"]),
        "CELLENIUM_REDIS_URL": settings.REDIS_URL,
        **{f"CELLENIUM_{name}": str(getattr(settings, name)) for name in ("H5AD_STORE", "STORE_DIR", "SCRATCH_DIR")},
    }


def make_worker(directory: Path, *, concurrency: int = 1, name: str = "worker", **environment: str) -> CeleryProcess:
    queues = "default,imports,compute"
    arguments = ["worker", "--concurrency", str(concurrency), "--queues", queues, "--include", "tests.support.tasks"]
    log = directory / f"{name}.log"
    return CeleryProcess([*arguments, "--hostname", f"{name}@test"], log=log, ready=" ready.", **environment)


def make_beat(directory: Path, **environment: str) -> CeleryProcess:
    arguments = ["beat", "--schedule", str(directory / "schedule"), "--pidfile", str(directory / "beat.pid")]
    return CeleryProcess(arguments, log=directory / "beat.log", **environment)


@contextmanager
def running(*processes: CeleryProcess) -> Iterator[None]:
    """Run processes for the time of a block."""
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in reversed(processes):
            process.kill()


def eventually(condition: Callable[[], object], *, within: float, every: float = 0.05) -> float:
    """Wait until a condition holds and give the seconds it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < within, f"not within {within} s"
        time.sleep(every)
    return time.monotonic() - start
