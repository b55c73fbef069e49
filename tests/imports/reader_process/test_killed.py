"""The reader of an import is killed at each of its stages: the next attempt publishes the study, once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.models import Job
from imports import tasks
from imports.models import ImportRun
from imports.reader_process import fork_server
from studies.models import StudyVersion
from tests.builders.h5ad import generated_study

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("stage", ["validate", "convert", "write"])
def test_a_reader_killed_in_a_stage(
    stage: str,
    folder: Path,
    scan: Any,
    newest_run: Callable[[], ImportRun],
    deliver: Callable[[ImportRun], Job],
    everything_on_disk: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generated_study(folder / "a.h5ad", cells=20_000, genes=1_000)
    scan()
    run = newest_run()
    tell, begin = tasks.Attempt._tell, fork_server.ForkServer.begin
    readers: list[int] = []

    def begun(*arguments: Any) -> int:
        readers.append(begin(*arguments))
        return readers[-1]

    def killing(attempt: tasks.Attempt, told: str, done: int, total: int) -> None:
        tell(attempt, told, done, total)
        if told == stage and len(readers) == 1:
            os.kill(readers[0], signal.SIGKILL)

    monkeypatch.setattr(fork_server.ForkServer, "begin", begun)
    monkeypatch.setattr(tasks.Attempt, "_tell", killing)
    job = deliver(run)
    assert (job.state, job.attempts) == (Job.State.QUEUED, 1)
    assert everything_on_disk() == {"STORE_DIR": [], "SCRATCH_DIR": []}
    assert not StudyVersion.objects.exists()
    assert deliver(run).state == Job.State.SUCCEEDED
    assert StudyVersion.objects.get().cell_count == 20_000
    assert everything_on_disk() == {"STORE_DIR": [str(run.pk)], "SCRATCH_DIR": []}
