"""13: a worker killed at any stage: the import is repeated or failed, never under way for ever, and nothing half shows.

Every step of an import is killed in `tests/imports/test_faults.py`, a real worker at thirty points in
`tests/imports/test_kill_points.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_sweep
from imports.models import ImportRun
from imports.services.workplaces import Workplace
from studies.models import Feature, Study, StudyVersion
from tests.builders.h5ad import study_file
from tests.imports.test_faults import Killed, break_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("step", ["download", "read", "advance", "move", "publish"])
def test_it_ends_as_failed_when_every_worker_dies(
    step: str,
    folder: Path,
    scan: Any,
    newest_run: Callable[[], ImportRun],
    deliver: Callable[[ImportRun], Job],
    lose_worker: Callable[[ImportRun], None],
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    run = newest_run()
    with pytest.MonkeyPatch.context() as patch:
        break_at(patch, step, Killed, after=False)
        patch.setattr(Workplace, "clear", lambda self: None)  # the dead tidy nothing up
        for attempt in range(1, run.job.max_attempts + 1):
            with pytest.raises(Killed):
                deliver(run)
            assert Job.objects.get(pk=run.job_id).attempts == attempt
            lose_worker(run)
    job = Job.objects.get(pk=run.job_id)
    run.refresh_from_db()
    assert (job.state, job.error_code, run.state) == (Job.State.FAILED, "worker_lost", ImportRun.State.FAILED)
    assert not any(model.objects.exists() for model in (Study, StudyVersion, Feature))
    assert list(job_sweep.silent_jobs()) == []
