import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from cellenium_admin.core import heartbeat
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.heartbeat import Heartbeat
from cellenium_admin.core.models import Job
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_leases, jobs
from tests.support.jobs import claimed, expire, fresh
from tests.support.worker import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "_LONGEST_PAUSE", 0.05)


def beating(running: RunningJob, deadline: float = 60) -> Heartbeat:
    return Heartbeat(running, deadline_seconds=deadline, deadline_detail="It took too long.")


def interrupted(running: RunningJob) -> type[Exception] | None:
    try:
        running.check()
    except (JobCancelledError, LeaseLostError) as error:
        return type(error)
    return None


def test_extends_the_lease() -> None:
    job, _ = claimed()
    with beating(RunningJob(job)):
        expire(job)
        eventually(lambda: fresh(job).lease_until > timezone.now() + timedelta(seconds=50), within=5)


def test_brings_news_of_cancellation() -> None:
    job, _ = claimed()
    running = RunningJob(job)
    with beating(running):
        time.sleep(0.2)
        assert interrupted(running) is None
        jobs.cancel(job=job, actor=Actor.system("test"))
        eventually(lambda: interrupted(running) is JobCancelledError, within=5)


def test_brings_news_of_loss_and_stops() -> None:
    job, _ = claimed()
    running = RunningJob(job)
    Job.objects.filter(pk=job.pk).update(lease_token=2)
    with beating(running) as beat:
        eventually(lambda: interrupted(running) is LeaseLostError, within=5)
        eventually(lambda: not beat._thread.is_alive(), within=5)


def test_ends_work_that_does_not_hear_its_limit() -> None:
    job, _ = claimed()
    running = RunningJob(job)
    with beating(running, deadline=0.1):
        eventually(lambda: fresh(job).state == Job.State.FAILED, within=5)
        eventually(lambda: interrupted(running) is LeaseLostError, within=5)
    assert (fresh(job).error_code, fresh(job).error_detail) == ("time_limit", "It took too long.")


def test_survives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = claimed()
    running = RunningJob(job)
    extend = job_leases.extend
    away = threading.Event()
    away.set()

    def sometimes(lease: object) -> bool:
        if away.is_set():
            raise OperationalError("the database is away")
        return extend(lease)  # type: ignore[arg-type]

    monkeypatch.setattr(job_leases, "extend", sometimes)
    with beating(running):
        time.sleep(0.2)
        expire(job)
        away.clear()
        eventually(lambda: fresh(job).lease_until > timezone.now(), within=5)
    assert interrupted(running) is None


def test_leaves_no_thread_and_no_connection() -> None:
    job, _ = claimed()
    before = backends()
    with beating(RunningJob(job)) as beat:
        eventually(lambda: backends() == before + 1, within=5)
    assert not beat._thread.is_alive()
    eventually(lambda: backends() == before, within=5)


def backends() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
