import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import job_leases, jobs
from cellenium_admin.core.services.job_leases import Lease
from tests.support.jobs import claimed, expire, fresh, kinds, make_due, queued


@pytest.mark.usefixtures("db")
class TestClaim:
    def test_takes_a_waiting_job(self, settings: object) -> None:
        job, lease = claimed(worker="host/1")
        assert (job.state, job.attempts, lease.token, job.worker) == (Job.State.RUNNING, 1, 1, "host/1")
        assert job.lease_until is not None
        assert job.heartbeat_at is not None
        assert timedelta(seconds=59) < job.lease_until - job.heartbeat_at < timedelta(seconds=61)
        assert kinds(job) == ["queued", "claimed"]

    def test_refuses_a_duplicate_delivery(self) -> None:
        job, _ = claimed()
        assert job_leases.claim(job_id=job.pk, worker="w2") is None
        assert fresh(job).attempts == 1

    def test_refuses_what_does_not_exist_or_has_ended(self) -> None:
        job, lease = claimed()
        job_leases.finish(lease, report={})
        assert job_leases.claim(job_id=job.pk, worker="w2") is None
        assert job_leases.claim(job_id=uuid4(), worker="w2") is None
        assert fresh(job).state == Job.State.SUCCEEDED

    def test_refuses_before_the_pause_is_over(self) -> None:
        job, lease = claimed()
        job_leases.retry(lease, reason="OSError")
        assert job_leases.claim(job_id=job.pk, worker="w2") is None
        make_due(job)
        assert job_leases.claim(job_id=job.pk, worker="w2") is not None

    def test_takes_over_what_a_silent_worker_held(self) -> None:
        job, _lease = claimed()
        expire(job)
        again, newer = claimed(job, worker="w2")
        assert (again.attempts, newer.token, again.worker) == (2, 2, "w2")
        assert kinds(job) == ["queued", "claimed", "lost", "claimed"]

    def test_gives_up_after_the_last_attempt(self) -> None:
        job, _ = claimed(queued(max_attempts=1))
        expire(job)
        assert job_leases.claim(job_id=job.pk, worker="w2") is None
        assert (fresh(job).state, fresh(job).error_code) == (Job.State.FAILED, "worker_lost")


@pytest.mark.django_db(transaction=True)
def test_many_deliveries_one_claim() -> None:
    job = queued()
    winners: list[Job] = []
    barrier = threading.Barrier(8)

    def deliver(number: int) -> None:
        try:
            barrier.wait()
            if (won := job_leases.claim(job_id=job.pk, worker=str(number))) is not None:
                winners.append(won)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    assert fresh(job).attempts == 1
    assert kinds(job).count("claimed") == 1


@pytest.mark.usefixtures("db")
class TestFencing:
    @pytest.fixture
    def late(self) -> Lease:
        """The lease of a worker that was silent for too long and has been replaced."""
        job, lease = claimed()
        expire(job)
        claimed(job, worker="w2")
        return lease

    def test_late_worker_can_write_nothing(self, late: Lease) -> None:
        before = Job.objects.filter(pk=late.job_id).values().get()
        with pytest.raises(LeaseLostError):
            job_leases.finish(late, report={"by": "the late one"})
        with pytest.raises(LeaseLostError):
            job_leases.fail(late, code="x", detail="x")
        with pytest.raises(LeaseLostError):
            job_leases.retry(late, reason="x")
        with pytest.raises(LeaseLostError):
            job_leases.stop(late)
        with pytest.raises(LeaseLostError):
            job_leases.extend(late)
        with pytest.raises(LeaseLostError):
            job_leases.write(late, done=5)
        with pytest.raises(LeaseLostError):
            jobs.assert_lease(job_id=late.job_id, lease_token=late.token)
        assert Job.objects.filter(pk=late.job_id).values().get() == before

    def test_late_worker_is_fenced_while_the_job_waits_again(self) -> None:
        job, lease = claimed()
        expire(job)
        assert job_leases.take_back(job_id=job.pk)
        assert fresh(job).state == Job.State.QUEUED
        with pytest.raises(LeaseLostError):
            job_leases.finish(lease, report={})


@pytest.mark.django_db(transaction=True)
def test_asserted_lease_cannot_be_taken_before_the_commit() -> None:
    job, lease = claimed()
    outcome: list[bool] = []

    def sweep() -> None:
        try:
            outcome.append(job_leases.take_back(job_id=job.pk))
        finally:
            connection.close()

    expire(job)
    with transaction.atomic():
        assert jobs.assert_lease(job_id=job.pk, lease_token=lease.token) == job
        thread = threading.Thread(target=sweep)
        thread.start()
        thread.join(timeout=10)
    assert outcome == [False]


def test_lease_is_asserted_inside_a_transaction_only(transactional_db: None) -> None:
    job, lease = claimed()
    with pytest.raises(transaction.TransactionManagementError):
        jobs.assert_lease(job_id=job.pk, lease_token=lease.token)


@pytest.mark.usefixtures("db")
class TestEnds:
    def test_finish(self) -> None:
        job, lease = claimed()
        job_leases.finish(lease, report={"cells": 3})
        job = fresh(job)
        assert (job.state, job.report, job.lease_until) == (Job.State.SUCCEEDED, {"cells": 3}, None)
        assert job.finished_at is not None
        assert kinds(job)[-1] == "succeeded"

    def test_fail(self) -> None:
        job, lease = claimed()
        job_leases.fail(lease, code="no_genes", detail="d" * 3000)
        job = fresh(job)
        assert (job.state, job.error_code, len(job.error_detail)) == (Job.State.FAILED, "no_genes", 2000)
        assert kinds(job)[-1] == "failed"

    def test_retry_waits_longer_each_time_and_ends(self, settings: object) -> None:
        settings.RETRY_SECONDS = 10  # type: ignore[attr-defined]
        job, lease = claimed(queued(max_attempts=3))
        for seconds in (10, 20):
            job_leases.retry(lease, reason="OSError")
            pause = fresh(job).available_at - timezone.now()
            assert timedelta(seconds=seconds - 2) < pause <= timedelta(seconds=seconds)
            assert (fresh(job).state, fresh(job).sent_at) == (Job.State.QUEUED, None)
            make_due(job)
            job, lease = claimed(job)
        job_leases.retry(lease, reason="OSError")
        assert (fresh(job).state, fresh(job).error_code) == (Job.State.FAILED, "internal_error")
        assert "OSError" not in fresh(job).error_detail
        assert job.events.filter(kind=JobEvent.Kind.RETRIED, detail="OSError").count() == 2

    def test_cancelled_work_is_not_retried(self) -> None:
        job, lease = claimed()
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
        job_leases.retry(lease, reason="OSError")
        assert fresh(job).state == Job.State.CANCELLED


@pytest.mark.usefixtures("db")
class TestHeartbeat:
    def test_extend_moves_the_end_of_the_lease(self) -> None:
        job, lease = claimed()
        expire(job)
        assert job_leases.extend(lease) is False
        assert fresh(job).lease_until > timezone.now() + timedelta(seconds=55)

    def test_extend_brings_news_of_cancellation(self) -> None:
        job, lease = claimed()
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
        assert job_leases.extend(lease) is True

    def test_write_stops_cancelled_work(self) -> None:
        job, lease = claimed()
        job_leases.write(lease, done=1)
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
        with pytest.raises(JobCancelledError):
            job_leases.write(lease, done=2)
        assert fresh(job).done == 1
