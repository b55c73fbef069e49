"""The same file again, another in its place, none at all; and people who change their mind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, Outcome, User
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import jobs
from imports.models import ImportRun
from studies.models import Study, StudyAccess, StudyVersion
from tests.builders.h5ad import remove, replace, study_file

pytestmark = pytest.mark.django_db(transaction=True)

Deliver = Callable[[ImportRun], Job]
Newest = Callable[[], ImportRun]
OnDisk = Callable[[], dict[str, list[str]]]
NOTHING = {"STORE_DIR": [], "SCRATCH_DIR": []}


def test_a_second_import_keeps_everything_people_decided(
    folder: Path, uploader: User, scan: Any, newest_run: Newest, deliver: Deliver, everything_on_disk: OnDisk
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    deliver(newest_run())
    study = Study.objects.get()
    Study.objects.filter(pk=study.pk).update(name="Renamed", description="Ours", visibility="public")
    with transaction.atomic():
        StudyAccess.objects.create(study=study, group="lab", role=StudyAccess.Role.ANALYST)
        StudyAccess.objects.filter(user=uploader).update(role=StudyAccess.Role.VIEWER, may_download=False)
    before = set(study.access.values_list("pk", "user", "group", "role", "may_download"))
    path = study_file(folder / "a.h5ad", cells=90)
    replace(path, "uns/cellenium/initial_reader_permissions", np.array(["everybody"]))
    scan()
    assert deliver(newest_run()).report["version"] == 2
    study = Study.objects.get()
    assert (study.name, study.description, study.visibility) == ("Renamed", "Ours", "public")
    assert set(study.access.values_list("pk", "user", "group", "role", "may_download")) == before
    assert study.current_version is not None
    assert (study.current_version.cell_count, study.current_version.number) == (90, 2)
    assert len(everything_on_disk()["STORE_DIR"]) == 2


def test_a_second_import_that_is_refused_leaves_the_first(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver, everything_on_disk: OnDisk
) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    deliver(newest_run())
    first = newest_run()
    remove(path, "uns/cellenium/title")
    scan()
    assert deliver(newest_run()).error_code == "file_rejected"
    assert Study.objects.get().current_version == first.version
    assert everything_on_disk() == {"STORE_DIR": [str(first.pk)], "SCRATCH_DIR": []}


def test_a_file_replaced_while_it_waited_fails_and_its_successor_is_imported(
    folder: Path, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    first = newest_run()
    study_file(folder / "a.h5ad", cells=90)
    job = deliver(first)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "file_changed", 1)
    first.refresh_from_db()
    assert first.state == ImportRun.State.FAILED
    assert first.finished_at is not None
    event = AuditEvent.objects.get(action=Action.IMPORT_FAILED)
    assert (event.outcome, event.details["code"]) == (Outcome.FAILED, "file_changed")
    scan()
    assert deliver(newest_run()).state == Job.State.SUCCEEDED
    assert StudyVersion.objects.get().cell_count == 90


def test_a_file_that_is_gone_fails(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    path.unlink()
    job = deliver(newest_run())
    assert (job.state, job.error_code) == (Job.State.FAILED, "file_gone")
    assert newest_run().state == ImportRun.State.FAILED


def test_a_store_that_is_away_is_tried_again(
    folder: Path, root: Path, scan: Any, newest_run: Newest, deliver: Deliver, everything_on_disk: OnDisk
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    root.rename(root.with_name("away"))
    job = deliver(newest_run())
    assert (job.state, job.attempts) == (Job.State.QUEUED, 1)
    assert newest_run().state == ImportRun.State.VALIDATING
    assert everything_on_disk() == NOTHING
    root.with_name("away").rename(root)
    assert deliver(newest_run()).state == Job.State.SUCCEEDED


def test_an_import_cancelled_in_the_queue_ends(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    study_file(folder / "a.h5ad")
    scan()
    jobs.cancel(job=newest_run().job, actor=Actor.system("test"))
    assert newest_run().state == ImportRun.State.CANCELLED
    deliver(newest_run())
    assert newest_run().state == ImportRun.State.CANCELLED
    assert AuditEvent.objects.filter(action=Action.IMPORT_CANCELLED).count() == 1
    assert not Study.objects.exists()


@pytest.mark.parametrize("stage", ["download", "validate", "convert", "write", "publish"])
def test_an_import_cancelled_on_its_way_leaves_nothing(
    stage: str,
    folder: Path,
    scan: Any,
    newest_run: Newest,
    deliver: Deliver,
    everything_on_disk: OnDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    begin = RunningJob.stage

    def cancelling(self: RunningJob, name: str, total: int = 0) -> None:
        begin(self, name, total)
        if name == stage:
            jobs.cancel(job=Job.objects.get(pk=self.id), actor=Actor.system("test"))

    monkeypatch.setattr(RunningJob, "stage", cancelling)
    job = deliver(newest_run())
    assert job.state == Job.State.CANCELLED
    assert newest_run().state == ImportRun.State.CANCELLED
    assert not Study.objects.exists()
    assert everything_on_disk() == NOTHING
