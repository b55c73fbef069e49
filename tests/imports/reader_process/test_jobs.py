"""An import whose reader dies: the run ends with a Finding or is tried again; the worker goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.exceptions import JobCancelledError
from cellenium_admin.core.models import Job
from cellenium_admin.core.running_job import RunningJob
from imports import tasks
from imports.models import ImportRun
from imports.reader_process import fork_server
from studies.models import Study

pytestmark = pytest.mark.django_db(transaction=True)

Deliver = Callable[[ImportRun], Job]
NOTHING = {"STORE_DIR": [], "SCRATCH_DIR": []}


@pytest.fixture
def run(
    faulty_readers: None, folder: Path, scan: Any, newest_run: Callable[[], ImportRun]
) -> Callable[[str], ImportRun]:
    """Have a file found whose reader does something."""

    def run(deed: str) -> ImportRun:
        (folder / "a.h5ad").write_text(deed)
        scan()
        return newest_run()

    return run


@pytest.mark.parametrize(("deed", "code"), [("die SIGSEGV", "reader_crashed"), ("take 400000000", "reader_memory")])
def test_a_reader_that_dies_of_the_file(
    deed: str, code: str, run: Callable[[str], ImportRun], deliver: Deliver, settings: Any, everything_on_disk: Any
) -> None:
    settings.READER_MEMORY_BYTES = 200 << 20
    found = run(deed)
    job = deliver(found)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "file_rejected", 1)
    found.refresh_from_db()
    assert found.state == ImportRun.State.REJECTED
    assert [row.code for row in found.findings.all()] == [code]
    assert [finding["code"] for finding in job.report["findings"]] == [code]
    assert everything_on_disk() == NOTHING
    assert not Study.objects.exists()


def test_a_reader_that_is_killed_again_and_again(run: Callable[[str], ImportRun], deliver: Deliver) -> None:
    found = run("die SIGKILL")
    assert [deliver(found).state for _ in range(2)] == [Job.State.QUEUED, Job.State.QUEUED]
    job = deliver(found)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "file_rejected", 3)
    assert [row.code for row in found.findings.all()] == ["reader_killed"]


def test_an_error_of_ours_is_not_the_files(run: Callable[[str], ImportRun], deliver: Deliver) -> None:
    found = run("break")
    assert [deliver(found).state for _ in range(3)] == [Job.State.QUEUED, Job.State.QUEUED, Job.State.FAILED]
    found.refresh_from_db()
    assert found.state == ImportRun.State.FAILED
    assert not found.findings.exists()


def test_cancelling_ends_a_silent_reader(
    run: Callable[[str], ImportRun], deliver: Deliver, monkeypatch: pytest.MonkeyPatch, everything_on_disk: Any
) -> None:
    tell = tasks.Attempt._tell

    def cancelled(attempt: tasks.Attempt, *progress: Any) -> None:
        attempt.job.interrupt(JobCancelledError)
        tell(attempt, *progress)

    monkeypatch.setattr(tasks.Attempt, "_tell", cancelled)
    found = run("silent 600")
    assert deliver(found).state == Job.State.CANCELLED
    found.refresh_from_db()
    assert found.state == ImportRun.State.CANCELLED
    assert everything_on_disk() == NOTHING
    assert len(fork_server._idle) == 1


def test_states_advance_as_the_reader_tells(
    run: Callable[[str], ImportRun], deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    stage = RunningJob.stage

    def watched(job: RunningJob, name: str, total: int = 0) -> None:
        stage(job, name, total)
        seen.append((name, ImportRun.objects.get().state))

    monkeypatch.setattr(RunningJob, "stage", watched)
    deliver(run("stages"))
    assert seen == [
        ("download", "validating"),
        ("validate", "validating"),
        ("convert", "converting"),
        ("write", "writing"),
    ]
