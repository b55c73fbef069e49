"""Jobs that could not begin yet, and jobs that are called before their time; what stages count."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import JobPostponedError, LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_broker, job_leases, jobs
from cellenium_admin.core.services.job_leases import Lease
from cellenium_admin.core.tasks import JobSpec, run_job
from tests.support.jobs import claimed, expire, fresh, kinds, make_due, queued

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_postponed_job_waits_and_has_all_its_attempts() -> None:
    job, lease = claimed(queued(max_attempts=1))
    job_leases.postpone(lease, reason="Another is at it.")
    waiting = fresh(job)
    assert (waiting.state, waiting.attempts, waiting.lease_until) == (Job.State.QUEUED, 0, None)
    assert waiting.available_at > timezone.now()
    assert job.events.get(kind="postponed").detail == "Another is at it."
    make_due(job)
    again, _ = claimed(job)
    assert (again.attempts, again.lease_token) == (1, 2)


def test_a_postponed_job_that_was_to_stop_has_stopped() -> None:
    job, lease = claimed()
    jobs.cancel(job=job, actor=Actor.system("test"))
    job_leases.postpone(lease, reason="Another is at it.")
    assert fresh(job).state == Job.State.CANCELLED


def test_who_has_lost_the_job_postpones_nothing() -> None:
    job, lease = claimed()
    expire(job)
    assert job_leases.take_back(job_id=job.pk)
    with pytest.raises(LeaseLostError):
        job_leases.postpone(lease, reason="Another is at it.")
    assert fresh(job).attempts == 1


def test_a_task_postpones_its_job_by_an_exception() -> None:
    def work(job: RunningJob) -> None:
        raise JobPostponedError("Another is at it.")

    job = queued()
    run_job(job.pk, JobSpec(work=work, soft=30, hard=60, stages=()))
    assert (fresh(job).state, fresh(job).attempts, kinds(job)[-1]) == (Job.State.QUEUED, 0, "postponed")


def test_a_job_that_waits_is_called_when_the_transaction_has_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    job, lease = claimed()
    job_leases.postpone(lease, reason="Another is at it.")
    sent: list[object] = []
    monkeypatch.setattr(job_broker, "send", lambda **what: sent.append(what) or True)
    with transaction.atomic():
        jobs.hasten(job=job)
        assert not sent
    assert sent == [{"job_id": job.pk, "name": job.name}]
    assert job_leases.claim(job_id=job.pk, worker="w2") is not None


def test_a_job_that_runs_or_has_ended_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    job, lease = claimed()
    monkeypatch.setattr(job_broker, "send", lambda **what: pytest.fail(str(what)))
    for _ in range(2):
        with transaction.atomic():
            jobs.hasten(job=job)
        if not fresh(job).is_finished:
            job_leases.fail(lease, code="x", detail="x")
    assert fresh(job).state == Job.State.FAILED


def test_stages_say_what_they_count_and_when_they_began() -> None:
    job, _ = claimed()
    running = RunningJob(job, stages=("convert", "publish"), units={"convert": "cells"})
    running.stage("convert", total=10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    row = fresh(job)
    assert (row.unit, row.total) == ("cells", 10)
    assert row.stage_started_at is not None
    assert 0 <= (now - row.stage_started_at).total_seconds() < 60
    running.stage("publish")
    assert (fresh(job).unit, fresh(job).total) == ("", 0)
    running.stage("convert", total=10)
    job_leases.retry(Lease.of(job), reason="x")
    row = fresh(job)
    assert (row.unit, row.stage, row.stage_started_at) == ("", "", None)
