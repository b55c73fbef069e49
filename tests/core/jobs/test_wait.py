import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_channel, job_leases, job_wait, jobs
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.jobs import claimed
from tests.support.worker import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Waiter(threading.Thread):
    """Waits for a job as a request does, and notes how long it took."""

    def __init__(self, job: Job, seconds: float = 20) -> None:
        super().__init__()
        self._job, self._seconds = job, seconds
        self.found: Job | None = None
        self.woken = 0.0

    def run(self) -> None:
        try:
            self.found = jobs.wait_for(self._job.pk, seconds=self._seconds)
            self.woken = time.monotonic()
        finally:
            connection.close()


def listeners(job: Job) -> int:
    return int(job_channel.shared_client().pubsub_numsub(job_channel.channel_of(job.pk))[0][1])


def redis_connections() -> int:
    return int(job_channel.shared_client().info("clients")["connected_clients"])


def backends() -> int:
    """How many connections the test database has, besides the one that asks."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


@contextmanager
def waiting(*waiters: Waiter) -> Iterator[None]:
    for waiter in waiters:
        waiter.start()
    try:
        yield
    finally:
        for waiter in waiters:
            waiter.join(timeout=40)


def test_wakes_as_soon_as_the_job_has_ended(own_redis: EmbeddedValkey) -> None:
    latencies = []
    for _ in range(5):
        job, lease = claimed()
        waiter = Waiter(job)
        with waiting(waiter):
            eventually(lambda job=job: listeners(job) == 1, within=5)
            job_leases.finish(lease, report={})
            ended = time.monotonic()
        assert waiter.found is not None
        assert waiter.found.state == Job.State.SUCCEEDED
        latencies.append(waiter.woken - ended)
    print(f"from commit to answer: {[f'{1000 * latency:.1f} ms' for latency in latencies]}")
    assert sorted(latencies)[2] < 0.25


def test_failure_and_cancellation_wake_as_well(own_redis: EmbeddedValkey) -> None:
    for state in (Job.State.FAILED, Job.State.CANCELLED):
        job, lease = claimed()
        waiter = Waiter(job)
        with waiting(waiter):
            eventually(lambda job=job: listeners(job) == 1, within=5)
            if state == Job.State.FAILED:
                job_leases.fail(lease, code="x", detail="x")
            else:
                job_leases.stop(lease)
        assert waiter.found is not None
        assert waiter.found.state == state
        assert waiter.woken


def test_job_that_ended_before_is_given_at_once(own_redis: EmbeddedValkey) -> None:
    job, lease = claimed()
    job_leases.finish(lease, report={})
    start = time.monotonic()
    assert jobs.wait_for(job.pk, seconds=20).is_finished
    assert time.monotonic() - start < 1


def test_subscription_is_confirmed_before_it_is_used(own_redis: EmbeddedValkey) -> None:
    job, _ = claimed()
    with job_channel.subscription(job.pk) as pubsub:
        assert pubsub.get_message(timeout=0.5) is None  # nothing is under way any more


def test_an_end_between_subscription_and_reading_is_seen(
    own_redis: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, lease = claimed()
    read = job_wait._read

    def end_then_read(job_id: object) -> Job:
        if not read(job.pk).is_finished:
            job_leases.finish(lease, report={})
        return read(job.pk)

    monkeypatch.setattr(job_wait, "_read", end_then_read)
    start = time.monotonic()
    assert jobs.wait_for(job.pk, seconds=20).is_finished
    assert time.monotonic() - start < 1


def test_an_end_between_reading_and_sleeping_is_heard(
    own_redis: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, lease = claimed()
    monkeypatch.setattr(job_wait, "_release_connection", lambda: job_leases.finish(lease, report={}))
    start = time.monotonic()
    assert jobs.wait_for(job.pk, seconds=20).is_finished
    assert time.monotonic() - start < 1


def test_gives_the_job_as_it_is_when_time_is_over(own_redis: EmbeddedValkey, settings: object) -> None:
    job, _ = claimed()
    start = time.monotonic()
    assert jobs.wait_for(job.pk, seconds=2.5).state == Job.State.RUNNING  # longer than a Redis answer may take
    assert 2.4 < time.monotonic() - start < 3.5
    settings.WAIT_MAX_SECONDS = 1  # type: ignore[attr-defined]
    assert jobs.wait_for(job.pk, seconds=1000).state == Job.State.RUNNING
    assert time.monotonic() - start < 6
    assert jobs.wait_for(job.pk, seconds=0).state == Job.State.RUNNING


def test_no_database_connection_is_held_meanwhile(own_redis: EmbeddedValkey) -> None:
    job, lease = claimed()
    before = backends()
    waiters = [Waiter(job) for _ in range(4)]
    with waiting(*waiters):
        eventually(lambda: listeners(job) == 4, within=5)
        eventually(lambda: backends() == before, within=5)
        job_leases.finish(lease, report={})
    assert all(waiter.found and waiter.found.is_finished for waiter in waiters)


def test_own_connection_is_closed_while_it_sleeps(own_redis: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    job, _ = claimed()
    held: list[psycopg.Connection | None] = []
    monkeypatch.setattr(job_wait, "_sleep", lambda pubsub, seconds: held.append(connection.connection) or time.sleep(1))
    jobs.wait_for(job.pk, seconds=0.5)
    assert held == [None]


def test_slots_are_bounded(own_redis: EmbeddedValkey, settings: object) -> None:
    settings.WAIT_SLOTS = 2  # type: ignore[attr-defined]
    job_wait._slots.cache_clear()
    job, lease = claimed()
    with waiting(Waiter(job), Waiter(job)):
        eventually(lambda: listeners(job) == 2, within=5)
        start = time.monotonic()
        assert jobs.wait_for(job.pk, seconds=20).state == Job.State.RUNNING
        assert time.monotonic() - start < 1
        job_leases.finish(lease, report={})
    other, _ = claimed()
    start = time.monotonic()
    jobs.wait_for(other.pk, seconds=0.5)
    assert time.monotonic() - start > 0.4  # the slots were given back


def test_no_redis_connection_is_left_behind(own_redis: EmbeddedValkey) -> None:
    job, _ = claimed()
    before = redis_connections()
    for _ in range(10):
        jobs.wait_for(job.pk, seconds=0.02)
    eventually(lambda: redis_connections() == before, within=5)


def test_without_redis_the_job_is_given_at_once(own_redis: EmbeddedValkey) -> None:
    job, lease = claimed()
    own_redis.stop()
    start = time.monotonic()
    assert jobs.wait_for(job.pk, seconds=20).state == Job.State.RUNNING
    job_leases.finish(lease, report={})  # and nobody is told, which does no harm
    assert jobs.wait_for(job.pk, seconds=20).is_finished
    assert time.monotonic() - start < 3


def test_redis_dying_meanwhile_ends_the_waiting(own_redis: EmbeddedValkey) -> None:
    job, _ = claimed()
    waiter = Waiter(job)
    start = time.monotonic()
    with waiting(waiter):
        eventually(lambda: listeners(job) == 1, within=5)
        own_redis.stop()
    assert waiter.found is not None
    assert waiter.woken - start < 10


def test_inside_a_transaction_the_connection_is_kept(own_redis: EmbeddedValkey) -> None:
    job, _ = claimed()
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(stage="uncommitted")
        assert jobs.wait_for(job.pk, seconds=0.1).stage == "uncommitted"
    assert Job.objects.get(pk=job.pk).stage == "uncommitted"
