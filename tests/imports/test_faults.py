"""An import that breaks, or whose worker dies, between any two of its steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core import storage
from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.core.running_job import RunningJob
from imports import tasks
from imports.models import ImportRun
from imports.reader_process import client, fork_server
from imports.services import imports, workplaces
from imports.services.workplaces import Workplace, clear_leftovers
from studies.models import Study, StudyVersion
from studies.store.reader import CellsReader, MatrixReader
from tests.builders.h5ad import study_file

pytestmark = pytest.mark.django_db(transaction=True)

Deliver = Callable[[ImportRun], Job]
Newest = Callable[[], ImportRun]
OnDisk = Callable[[], dict[str, list[str]]]

STEPS: dict[str, tuple[Any, str]] = {
    "start": (imports, "start"),
    "workplace": (Workplace, "make"),
    "download": (storage, "download"),
    "prepare": (client, "prepare"),
    "read": (client, "read_file"),
    "fork": (fork_server.ForkServer, "begin"),
    "tell": (tasks.Attempt, "_tell"),
    "advance": (imports, "advance"),
    "answer": (client, "_answer"),
    "end": (fork_server.Reader, "ending"),
    "move": (Workplace, "put_in_place"),
    "rename": (workplaces, "_to_disk"),
    "publish": (imports, "publish_version"),
    "report": (RunningJob, "report"),
    "finish job": (RunningJob, "finish"),
}


class Killed(BaseException):
    """What no handler takes for an error: the process is gone."""


class UnforeseenError(Exception):
    """Something unforeseen."""


def break_at(patch: pytest.MonkeyPatch, step: str, error: type[BaseException], *, after: bool) -> None:
    owner, name = STEPS[step]
    original = getattr(owner, name)

    def broken(*args: Any, **kwargs: Any) -> Any:
        if after:
            original(*args, **kwargs)
        raise error

    patch.setattr(owner, name, broken)


@pytest.fixture
def run(folder: Path, scan: Any, newest_run: Newest) -> ImportRun:
    study_file(folder / "a.h5ad")
    scan()
    return newest_run()


def assert_nothing_visible(run: ImportRun) -> None:
    assert not Study.objects.exists()
    assert not StudyVersion.objects.exists()
    run.refresh_from_db()
    assert run.state in {*ImportRun.UNFINISHED}
    assert not AuditEvent.objects.filter(action__in=[Action.IMPORT_PUBLISHED, Action.STUDY_CREATED]).exists()


def assert_published_once(run: ImportRun, settings: Any, on_disk: dict[str, list[str]]) -> None:
    version = StudyVersion.objects.get()
    assert version.pk == run.pk
    assert Study.objects.get().current_version == version
    run.refresh_from_db()
    assert run.state == ImportRun.State.PUBLISHED
    assert AuditEvent.objects.filter(action=Action.IMPORT_PUBLISHED).count() == 1
    directory = Path(settings.STORE_DIR) / str(run.pk)
    MatrixReader(directory / "rna-X").verify()
    CellsReader(directory / "cells").verify()
    assert on_disk == {"STORE_DIR": [str(run.pk)], "SCRATCH_DIR": []}


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_breaks_is_repeated(
    step: str, after: bool, run: ImportRun, deliver: Deliver, settings: Any, everything_on_disk: OnDisk
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, step, UnforeseenError, after=after)
        job = deliver(run)
    assert (job.state, job.attempts) == (Job.State.QUEUED, 1)
    assert_nothing_visible(run)
    assert deliver(run).state == Job.State.SUCCEEDED
    assert_published_once(run, settings, everything_on_disk())


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_is_followed_by_another(
    step: str,
    after: bool,
    run: ImportRun,
    deliver: Deliver,
    lose_worker: Callable[[ImportRun], None],
    settings: Any,
    everything_on_disk: OnDisk,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, step, Killed, after=after)
        patch.setattr(Workplace, "clear", lambda self: None)  # the dead tidy nothing up
        with pytest.raises(Killed):
            deliver(run)
    assert Job.objects.get(pk=run.job_id).state == Job.State.RUNNING
    assert_nothing_visible(run)
    lose_worker(run)
    assert deliver(run).state == Job.State.SUCCEEDED
    assert_published_once(run, settings, everything_on_disk())


@pytest.mark.parametrize("step", ["download", "read", "rename", "publish", "report"])
def test_a_worker_that_dies_every_time_leaves_no_study_and_no_rubbish(
    step: str,
    run: ImportRun,
    deliver: Deliver,
    lose_worker: Callable[[ImportRun], None],
    everything_on_disk: OnDisk,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, step, Killed, after=True)
        patch.setattr(Workplace, "clear", lambda self: None)
        for _ in range(3):
            with pytest.raises(Killed):
                deliver(run)
            lose_worker(run)
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.error_code) == (Job.State.FAILED, "worker_lost")
    run.refresh_from_db()
    assert run.state == ImportRun.State.FAILED
    assert AuditEvent.objects.get(action=Action.IMPORT_FAILED).details["code"] == "worker_lost"
    assert not Study.objects.exists()
    assert everything_on_disk() != {"STORE_DIR": [], "SCRATCH_DIR": []}
    clear_leftovers()
    assert everything_on_disk() == {"STORE_DIR": [], "SCRATCH_DIR": []}


def test_a_delivery_more_makes_no_version_more(
    run: ImportRun, deliver: Deliver, settings: Any, everything_on_disk: OnDisk
) -> None:
    for _ in range(3):
        assert deliver(run).state == Job.State.SUCCEEDED
    assert_published_once(run, settings, everything_on_disk())
    assert AuditEvent.objects.filter(action=Action.IMPORT_STARTED).count() == 1


@pytest.mark.parametrize("step", ["_publish", "_read"])
def test_a_worker_that_was_given_up_too_early_changes_nothing(
    step: str,
    run: ImportRun,
    deliver: Deliver,
    lose_worker: Callable[[ImportRun], None],
    settings: Any,
    everything_on_disk: OnDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = getattr(tasks.Attempt, step)
    overtaken: list[ImportRun] = []

    def slow(self: tasks.Attempt, *args: Any) -> Any:
        if not overtaken:
            overtaken.append(run)
            lose_worker(run)
            deliver(run)
        return original(self, *args)

    monkeypatch.setattr(tasks.Attempt, step, slow)
    job = deliver(run)
    assert overtaken
    assert (job.state, job.attempts) == (Job.State.SUCCEEDED, 2)
    assert_published_once(run, settings, everything_on_disk())


def test_an_end_that_could_not_be_told_is_told_by_the_next_attempt(
    folder: Path, run: ImportRun, deliver: Deliver, lose_worker: Callable[[ImportRun], None]
) -> None:
    (folder / "a.h5ad").write_bytes(b"no study")
    run.upload.revision = f"8-{(folder / 'a.h5ad').stat().st_mtime_ns}"
    run.upload.save(update_fields=["revision"])
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, "report", Killed, after=False)
        with pytest.raises(Killed):
            deliver(run)
    run.refresh_from_db()
    assert run.state == ImportRun.State.REJECTED
    lose_worker(run)
    job = deliver(run)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "file_rejected", 2)
    assert [finding["code"] for finding in job.report["findings"]] == ["not_hdf5"]
    assert AuditEvent.objects.filter(action=Action.IMPORT_REJECTED).count() == 1


def test_only_what_is_surely_ours_and_dead_is_removed(
    run: ImportRun, deliver: Deliver, settings: Any, everything_on_disk: OnDisk
) -> None:
    store, scratch = Path(settings.STORE_DIR), Path(settings.SCRATCH_DIR)
    kept = [
        store / "00000000-0000-4000-8000-000000000000",
        store / ".building-00000000-0000-4000-8000-000000000000-1",
        store / "something else",
        scratch / f"{run.pk}-0",
        scratch / f"{run.pk}-notanumber",
        scratch / ("f" * 36 + "-1"),
    ]
    gone = [scratch / f"{run.pk}-7", store / f".building-{run.pk}-7", store / f".building-{run.pk}-7-earlier"]
    for path in kept + gone:
        path.mkdir()
    assert sorted(clear_leftovers()) == sorted(gone)
    assert all(path.exists() for path in kept)
    deliver(run)
    clear_leftovers()
    assert (store / str(run.pk)).exists()
    assert not (scratch / f"{run.pk}-0").exists()


def test_leftovers_are_no_concern_where_there_are_no_directories(db: None, settings: Any, tmp_path: Path) -> None:
    settings.STORE_DIR = settings.SCRATCH_DIR = tmp_path / "nowhere"
    assert clear_leftovers() == []
