import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cellenium_admin.core import running_job
from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_leases
from tests.support.database import superuser
from tests.support.jobs import claimed, expire, fresh, make_user, queued


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(running_job.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def job(db: None, clock: list[float]) -> RunningJob:
    return RunningJob(claimed(queued(owner=make_user()))[0], stages=("download", "validate"))


def test_knows_whose_attempt_it_is(job: RunningJob) -> None:
    row = Job.objects.get(pk=job.id)
    assert (job.owner_id, job.attempt, job.lease_token, job.name) == (row.owner_id, 1, 1, "tests.write")


def test_stage_is_written_at_once(job: RunningJob) -> None:
    job.stage("download", total=10)
    job.stage("validate", total=7)
    row = Job.objects.get(pk=job.id)
    assert (row.stage, row.done, row.total) == ("validate", 0, 7)


def test_undeclared_stage_is_refused(job: RunningJob) -> None:
    with pytest.raises(ValueError, match="declared are: download, validate"):
        job.stage("upload")


def test_progress_is_written_once_a_second(
    job: RunningJob, clock: list[float], django_assert_num_queries: object
) -> None:
    job.stage("download", total=1000)
    with django_assert_num_queries(0):  # type: ignore[operator]
        for done in range(500):
            job.progress(done)
    clock[0] += 1
    with django_assert_num_queries(1):  # type: ignore[operator]
        job.progress(600)
        job.progress(601)
    assert Job.objects.get(pk=job.id).done == 600
    clock[0] += 1
    job.progress(700, 2000)
    assert (Job.objects.get(pk=job.id).done, Job.objects.get(pk=job.id).total) == (700, 2000)


def test_progress_raises_when_cancelled(job: RunningJob, clock: list[float]) -> None:
    Job.objects.filter(pk=job.id).update(cancel_requested_at=timezone.now())
    clock[0] += 1
    with pytest.raises(JobCancelledError):
        job.progress(1)
    with pytest.raises(JobCancelledError):
        job.stage("download")


def test_progress_raises_when_replaced(job: RunningJob, clock: list[float]) -> None:
    row = Job.objects.get(pk=job.id)
    expire(row)
    claimed(row, worker="w2")
    clock[0] += 1
    with pytest.raises(LeaseLostError):
        job.progress(1)


@pytest.mark.parametrize("reason", [JobCancelledError, LeaseLostError])
def test_check_raises_what_the_heartbeat_found(
    job: RunningJob, reason: type[Exception], django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        job.check()
        job.interrupt(reason)  # type: ignore[arg-type]
        for call in (job.check, lambda: job.progress(1), lambda: job.stage("download")):
            with pytest.raises(reason):
                call()


def test_report_grows(job: RunningJob) -> None:
    job.report({"cells": 3})
    job.report({"genes": 4})
    assert Job.objects.get(pk=job.id).report == {"cells": 3, "genes": 4}
    job.finish()
    assert Job.objects.get(pk=job.id).report == {"cells": 3, "genes": 4}


@pytest.mark.django_db(transaction=True)
def test_finishing_rolls_back_with_the_publication() -> None:
    row, _ = claimed()
    job = RunningJob(row)
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 -- what rolls back
        job.finish()
        raise ZeroDivisionError
    assert not job.ended
    assert fresh(row).state == Job.State.RUNNING
    with transaction.atomic():
        job.finish()
        assert not job.ended
    assert job.ended
    assert fresh(row).state == Job.State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_dropped_connections_are_replaced(clock: list[float]) -> None:
    row, _ = claimed()
    job = RunningJob(row, stages=("download",))
    drop_connection()
    job.stage("download")
    drop_connection()
    clock[0] += 1
    job.progress(1)
    assert (fresh(row).stage, fresh(row).done) == ("download", 1)
    drop_connection()
    job.finish()
    assert fresh(row).state == Job.State.SUCCEEDED


def test_progress_survives_a_database_that_is_away(
    job: RunningJob, clock: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(job_leases, "write", away)
        clock[0] += 1
        job.progress(1)
        assert "could not be written" in caplog.text
        with pytest.raises(OperationalError):
            job.stage("download")
    clock[0] += 1
    job.progress(2)
    assert Job.objects.get(pk=job.id).done == 2


def drop_connection() -> None:
    """End our own connection from the other side, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    superuser(connection.settings_dict["NAME"]).execute("SELECT pg_terminate_backend(%s)", [pid])
