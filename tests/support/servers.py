"""Pytest plugin, loaded before Django's settings: starts PostgreSQL and Valkey and says where they are.

Whoever sets CELLENIUM_DATABASE_URL, CELLENIUM_DATABASE_OWNER_URL, CELLENIUM_TEST_SUPERUSER_URL and
CELLENIUM_REDIS_URL runs the suite against their own servers.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / ".test"


class Servers:
    """The private servers of one run, and the directory they live in."""

    def __init__(self) -> None:
        RUNS.mkdir(exist_ok=True)
        discard_dead_runs()
        self.directory = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=RUNS))
        self.postgres = EmbeddedPostgres(self.directory / "postgres", durable=False)
        self.valkey = EmbeddedValkey(self.directory / "valkey", durable=False)

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        urls = self.postgres.bootstrap("cellenium")
        os.environ["CELLENIUM_DATABASE_URL"] = urls.app
        os.environ["CELLENIUM_DATABASE_OWNER_URL"] = urls.owner
        os.environ["CELLENIUM_TEST_SUPERUSER_URL"] = urls.superuser
        os.environ["CELLENIUM_REDIS_URL"] = self.valkey.url

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        self.postgres.destroy()
        shutil.rmtree(self.directory, ignore_errors=True)


def discard_dead_runs() -> None:
    """Remove what a killed run left behind."""
    for directory in RUNS.glob("run-*"):
        if not Path(f"/proc/{directory.name.split('-')[1]}").exists():
            EmbeddedPostgres(directory / "postgres", durable=False).destroy()
            shutil.rmtree(directory, ignore_errors=True)


_servers: list[Servers] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; children would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["CELLENIUM_ENVIRONMENT"] = "testing"
    os.environ["CELLENIUM_SECRET_KEY"] = "only-for-tests-" + "x" * 50
    if "CELLENIUM_DATABASE_URL" not in os.environ:
        servers = Servers()
        _servers.append(servers)
        servers.start()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["CELLENIUM_REDIS_URL"] = os.environ["CELLENIUM_REDIS_URL"].rpartition("/")[0] + f"/{worker}"
    # Every test gets directories of its own; these only satisfy the settings until then.
    for name in ("H5AD_STORE", "STORE_DIR", "SCRATCH_DIR"):
        os.environ.setdefault(f"CELLENIUM_{name}", str(RUNS / "unused" / name.lower()))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    while _servers:
        _servers.pop().stop()
