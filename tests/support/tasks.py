"""Tasks for the tests, loaded into the worker by `--include`."""

import time
from pathlib import Path

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from cellenium_admin.core.exceptions import InvalidInputError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import jobs
from cellenium_admin.core.tasks import job_task


@job_task(name="tests.write", soft=30, hard=60, stages=("writing",))
def write(job: RunningJob, *, path: str, until: str = "") -> None:
    """Note the beginning, work until a file appears, note the end."""
    note(path, f"begin {job.attempt}")
    job.stage("writing", total=100)
    step = 0
    while until and not Path(until).exists():
        step += 1
        job.progress(step)
        time.sleep(0.02)
    note(path, f"end {job.attempt}")
    job.report({"steps": step})


@job_task(name="tests.publish", soft=30, hard=60)
def publish(job: RunningJob, *, path: str, until: str) -> None:
    """Work without ever asking whether it may, then publish under the lease."""
    note(path, f"begin {job.attempt}")
    while not Path(until).exists():
        time.sleep(0.02)
    with transaction.atomic():
        jobs.assert_lease(job_id=job.id, lease_token=job.lease_token)
        note(path, f"published {job.attempt}")


@job_task(name="tests.reject", soft=30, hard=60)
def reject(job: RunningJob) -> None:
    raise InvalidInputError("The file has no genes.", code="no_genes")


@job_task(name="tests.refuse", soft=30, hard=60)
def refuse(job: RunningJob) -> None:
    raise RefusedError("You may not do this.", attempt=RefusedAttempt(Action.JOB_CANCELLED, "job", str(job.id), "x"))


@job_task(name="tests.crash", soft=30, hard=60)
def crash(job: RunningJob, *, path: str, attempts: int) -> None:
    """Break in the first attempts, succeed afterwards."""
    note(path, f"begin {job.attempt}")
    if job.attempt <= attempts:
        raise ZeroDivisionError("secret internals")


@job_task(name="tests.sleep", soft=1, hard=60)
def sleep(job: RunningJob) -> None:
    """Sleep where the soft limit can be heard."""
    time.sleep(30)


@job_task(name="tests.deaf", soft=1, hard=3)
def deaf(job: RunningJob) -> None:
    """Swallow the soft limit, as C code would."""
    while True:
        try:
            time.sleep(30)
        except SoftTimeLimitExceeded:
            continue


def note(path: str, line: str) -> None:
    with Path(path).open("a") as stream:
        stream.write(f"{line}\n")
