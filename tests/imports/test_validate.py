"""Checking a file that is in the store, without importing it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import jobs
from imports.models import ImportRun
from imports.tasks import validate
from studies.models import Study
from tests.builders.h5ad import remove, study_file

pytestmark = pytest.mark.django_db(transaction=True)
Check = Callable[[Path], Job]


@pytest.fixture
def check(folder: Path) -> Check:
    """Have a file of the store checked, as a worker does."""

    def check(path: Path) -> Job:
        status = path.stat()
        revision = f"{status.st_size}-{status.st_mtime_ns}"
        with transaction.atomic():
            job = jobs.enqueue("imports.validate", owner=None, args={"uri": path.as_uri(), "revision": revision})
        validate(str(job.pk))
        return Job.objects.get(pk=job.pk)

    return check


def test_a_file_that_would_be_imported(check: Check, folder: Path, everything_on_disk: Any) -> None:
    job = check(study_file(folder / "a.h5ad"))
    assert (job.state, job.error_detail) == (Job.State.SUCCEEDED, "")
    assert job.report == {"findings": [], "finding_count": 0, "would_be_imported": True}
    assert not Study.objects.exists()
    assert not ImportRun.objects.exists()
    assert everything_on_disk() == {"STORE_DIR": [], "SCRATCH_DIR": []}


def test_a_file_that_would_be_refused(check: Check, folder: Path, everything_on_disk: Any) -> None:
    job = check(remove(study_file(folder / "a.h5ad"), "uns/cellenium/title"))
    assert job.state == Job.State.SUCCEEDED
    assert job.report["would_be_imported"] is False
    assert [finding["code"] for finding in job.report["findings"]] == ["key_missing"]
    assert everything_on_disk() == {"STORE_DIR": [], "SCRATCH_DIR": []}


def test_a_file_that_is_none(check: Check, folder: Path) -> None:
    (folder / "a.h5ad").write_bytes(b"cell,gene\n")
    job = check(folder / "a.h5ad")
    assert [finding["code"] for finding in job.report["findings"]] == ["not_hdf5"]
