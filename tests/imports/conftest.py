"""A store to put files into, and a worker at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job, User
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.core.services import job_leases
from imports.models import ImportRun
from imports.services import uploads
from imports.services.uploads import ScanResult
from imports.tasks import run_import
from tests.support.jobs import make_user

EMAIL = "uploader@example.org"
Deliver = Callable[[ImportRun], Job]


@pytest.fixture
def root(settings: Any) -> Path:
    settings.SCAN_SETTLE_SECONDS = 0
    return Path(settings.H5AD_STORE)


@pytest.fixture
def uploader(db: None) -> User:
    return make_user(EMAIL, upload_prefix=prefix_for(EMAIL))


@pytest.fixture
def folder(root: Path, uploader: User) -> Path:
    """Where the uploader's files go."""
    path = root / prefix_for(EMAIL)
    path.mkdir(parents=True)
    return path


@pytest.fixture
def scan() -> Callable[[], ScanResult]:
    return lambda: uploads.scan(actor=Actor.system("test"))


@pytest.fixture
def deliver() -> Deliver:
    """Deliver the message of a run's job, as the broker would to a worker; gives the job afterwards."""

    def work(run: ImportRun) -> Job:
        Job.objects.filter(pk=run.job_id).update(available_at=run.job.created_at)
        run_import(str(run.job_id))
        return Job.objects.get(pk=run.job_id)

    return work


@pytest.fixture
def lose_worker() -> Callable[[ImportRun], None]:
    """Let the lease of a run's job run out and the sweeper notice."""

    def lose(run: ImportRun) -> None:
        Job.objects.filter(pk=run.job_id).update(lease_until=run.job.created_at)
        assert job_leases.take_back(job_id=run.job_id)

    return lose


@pytest.fixture
def newest_run() -> Callable[[], ImportRun]:
    return lambda: ImportRun.objects.select_related("upload", "job").latest("created_at")


@pytest.fixture
def everything_on_disk(settings: Any) -> Callable[[], dict[str, list[str]]]:
    """Name what lies in the Stores' directory and in the scratch directory."""
    return lambda: {name: names_in(getattr(settings, name)) for name in ("STORE_DIR", "SCRATCH_DIR")}


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())
