"""One import of a study at a time: the second waits, and is called when the first has ended."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job, User
from cellenium_admin.core.services import jobs
from imports import tasks
from imports.models import ImportRun
from imports.services import arrivals
from studies.models import Study, StudyVersion
from tests.builders.h5ad import remove, study_file
from tests.builders.uploads import upload
from tests.imports.conftest import Deliver
from tests.support.jobs import kinds

pytestmark = pytest.mark.django_db(transaction=True)
Meanwhile = Callable[[ImportRun, Callable[[], None]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something happen while a run is about to publish."""

    def when(run: ImportRun, happens: Callable[[], None]) -> None:
        publish = tasks.Attempt._publish

        def publishing(self: tasks.Attempt, *arguments: Any) -> None:
            if self.run == run:
                happens()
            publish(self, *arguments)

        monkeypatch.setattr(tasks.Attempt, "_publish", publishing)

    return when


def queued(owner: User | None, path: Path, *, target: Study | None = None) -> ImportRun:
    """Queue an import of the file as it lies there now."""
    status = path.stat()
    revision = f"{status.st_size}-{status.st_mtime_ns}"
    file = upload(owner, uri=path.as_uri(), revision=revision, modified_at=timezone.now(), size=status.st_size)
    with transaction.atomic():
        run = arrivals.queue_import(file, target=target)
    assert run is not None
    return run


def job_of(run: ImportRun) -> Job:
    return Job.objects.get(pk=run.job_id)


def test_the_second_waits_without_losing_an_attempt_and_is_called(
    folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile
) -> None:
    study_file(folder / "a.h5ad")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "a.h5ad")
    seen: list[Job] = []
    meanwhile(first, lambda: seen.append(deliver(second)))
    assert deliver(first).state == Job.State.SUCCEEDED
    (waiting,) = seen
    assert (waiting.state, waiting.attempts, waiting.stage) == (Job.State.QUEUED, 0, "")
    assert waiting.available_at > timezone.now()
    assert kinds(waiting)[:4] == ["queued", "sent", "claimed", "postponed"]
    called = job_of(second)
    assert called.available_at <= timezone.now(), "the end of the first calls the second"
    assert called.sent_at is not None
    assert ImportRun.objects.get(pk=second.pk).state == ImportRun.State.RECEIVED
    assert deliver(second).state == Job.State.SUCCEEDED
    assert list(StudyVersion.objects.order_by("number").values_list("pk", flat=True)) == [first.pk, second.pk]


def test_however_often_it_must_wait_it_has_its_attempts(
    folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile
) -> None:
    study_file(folder / "a.h5ad")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "a.h5ad")
    meanwhile(first, lambda: [deliver(second) for _ in range(5)] and None)
    deliver(first)
    assert (job_of(second).attempts, job_of(second).lease_token) == (0, 5)
    assert deliver(second).state == Job.State.SUCCEEDED


def test_one_that_is_refused_lets_the_next_have_its_turn(
    folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(study_file(folder / "a.h5ad"), "uns/cellenium/title")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "a.h5ad")
    reject = tasks.Attempt._reject

    def rejecting(self: tasks.Attempt, *arguments: Any) -> None:
        if self.run == first:
            assert deliver(second).state == Job.State.QUEUED
        reject(self, *arguments)

    monkeypatch.setattr(tasks.Attempt, "_reject", rejecting)
    assert deliver(first).error_code == "file_rejected"
    assert job_of(second).available_at <= timezone.now()


def test_one_that_waits_can_be_cancelled(folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile) -> None:
    study_file(folder / "a.h5ad")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "a.h5ad")

    def happens() -> None:
        jobs.cancel(job=deliver(second), actor=Actor.system("test"))

    meanwhile(first, happens)
    assert deliver(first).state == Job.State.SUCCEEDED
    assert job_of(second).state == Job.State.CANCELLED
    assert ImportRun.objects.get(pk=second.pk).state == ImportRun.State.CANCELLED


def test_a_dead_worker_keeps_nobody_waiting_longer_than_its_lease(
    folder: Path, uploader: User, deliver: Deliver
) -> None:
    study_file(folder / "a.h5ad")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "a.h5ad")
    ImportRun.objects.filter(pk=first.pk).update(state=ImportRun.State.CONVERTING)
    held = Job.objects.filter(pk=first.job_id)
    held.update(state="running", lease_until=timezone.now() + timedelta(minutes=5), lease_token=1, attempts=1)
    assert deliver(second).state == Job.State.QUEUED
    held.update(lease_until=timezone.now())
    assert deliver(second).state == Job.State.SUCCEEDED


def test_other_studies_do_not_wait(folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile) -> None:
    study_file(folder / "a.h5ad")
    study_file(folder / "b.h5ad")
    first, second = queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "b.h5ad")
    states: list[str] = []
    meanwhile(first, lambda: states.append(deliver(second).state))
    assert deliver(first).state == Job.State.SUCCEEDED
    assert states == [Job.State.SUCCEEDED]


@pytest.mark.parametrize("is_first", [True, False])
def test_two_files_meant_for_one_study_wait_for_each_other(
    is_first: bool, folder: Path, uploader: User, deliver: Deliver, meanwhile: Meanwhile
) -> None:
    study_file(folder / "a.h5ad")
    study_file(folder / "b.h5ad", cells=90)
    deliver(queued(uploader, folder / "a.h5ad"))
    study = Study.objects.get()
    runs = [queued(uploader, folder / "a.h5ad"), queued(uploader, folder / "b.h5ad", target=study)]
    first, second = runs if is_first else reversed(runs)
    states: list[str] = []
    meanwhile(first, lambda: states.append(deliver(second).state))
    assert deliver(first).state == Job.State.SUCCEEDED
    assert states == [Job.State.QUEUED]
