"""The same files imported by a real worker: it survives them all, and nothing half done is left."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job, User
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.embedded import EmbeddedValkey
from imports.models import ImportRun
from imports.services import uploads
from studies.models import AnnotationGroup, Feature, Layer, Projection, Study, StudyVersion
from studies.store.reader import CellsReader, MatrixReader
from tests.builders.h5ad import study_file
from tests.imports.broken.cases import CASES, fault, spoilt, tell
from tests.support.worker import eventually, make_beat, make_worker, running

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
EMAIL = "uploader@example.org"


@pytest.fixture
def redis(settings: Any, tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    settings.REDIS_URL = server.url
    yield server
    server.stop()


@pytest.fixture
def found(settings: Any, tmp_path: Path, redis: EmbeddedValkey) -> int:
    """Put all of them under a user's prefix and have them found; gives their number."""
    User.objects.create(username=EMAIL, email=EMAIL, upload_prefix=prefix_for(EMAIL))
    settings.SCAN_SETTLE_SECONDS = 0
    folder = Path(settings.H5AD_STORE) / prefix_for(EMAIL)
    folder.mkdir(parents=True)
    valid = study_file(tmp_path / "valid.h5ad")
    for number, case in enumerate(CASES):
        spoilt(valid, case, folder / f"{number:04}.h5ad")
    time.sleep(0.1)
    return uploads.scan(actor=Actor.system("test")).new


def test_a_worker_imports_hundreds_of_broken_files(found: int, settings: Any, tmp_path: Path) -> None:
    assert found == len(CASES)
    limits = {"CELLENIUM_READER_CPU_SECONDS": "20", "CELLENIUM_READER_MEMORY_BYTES": str(1 << 30)}
    # Beat's sweep sends the jobs: when they were found the broker of this test was not known.
    with running(make_beat(tmp_path), make_worker(tmp_path, **limits)):
        unfinished = Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])
        eventually(lambda: not unfinished.exists(), within=600, every=0.5)
        eventually(lambda: not list(Path(settings.SCRATCH_DIR).iterdir()), within=20)
    outcomes, faults = {}, []
    for run in ImportRun.objects.select_related("upload", "job").prefetch_related("findings"):
        case = CASES[int(Path(run.upload.uri).stem)]
        findings = list(run.findings.all())
        errors = [finding.code for finding in findings if finding.severity == "error"]
        outcomes[case.name] = [f"{finding.severity} {finding.code}" for finding in findings]
        faults.append(fault(case, errors, [finding.code for finding in findings]))
        assert run.state == (ImportRun.State.REJECTED if errors else ImportRun.State.PUBLISHED), case.name
    tell(outcomes)
    assert [line for line in faults if line] == []
    assert_nothing_is_half_done(settings)
    assert_the_worker_lived(tmp_path / "worker.log")


def assert_nothing_is_half_done(settings: Any) -> None:
    published = ImportRun.objects.filter(state=ImportRun.State.PUBLISHED).count()
    versions = list(StudyVersion.objects.all())
    assert Study.objects.count() == len(versions) == published > 0
    for version in versions:
        assert version.features.count() == version.gene_count
        MatrixReader(Path(settings.STORE_DIR) / version.layers.earliest("pk").store_path).verify()
        CellsReader(Path(settings.STORE_DIR) / str(version.pk) / "cells").verify()
    for model in (AnnotationGroup, Projection, Layer, Feature):
        assert not model.objects.exclude(version__in=versions).exists()
    assert sorted(path.name for path in Path(settings.STORE_DIR).iterdir()) == sorted(str(row.pk) for row in versions)


def assert_the_worker_lived(log: Path) -> None:
    jobs = list(Job.objects.filter(name="imports.run_import"))
    slowest = max((job.finished_at - job.started_at).total_seconds() for job in jobs)
    print(f"  {len({job.worker for job in jobs})} worker process; the longest import took {slowest:.1f} s")
    assert {job.attempts for job in jobs} == {1}
    assert len({job.worker for job in jobs}) == 1
    assert "WorkerLostError" not in log.read_text()
