import logging
import os
import signal
import threading
import time
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from cellenium_admin.core.context import request_context
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_broker, job_channel, job_leases, jobs
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.jobs import claimed, fresh, kinds, make_user, queued


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What would have been given to the broker."""
    messages: list[tuple[str, str]] = []

    def send(*, job_id: object, name: str) -> bool:
        messages.append((str(job_id), name))
        return True

    monkeypatch.setattr(job_broker, "send", send)
    return messages


def test_row_and_history_are_written(db: None) -> None:
    user = make_user()
    with request_context(request_id="r-1"):
        job = jobs.enqueue("tests.write", owner=user, args={"path": "p"}, subject=user, max_attempts=5)
    job = fresh(job)
    assert (job.name, job.owner, job.args, job.state) == ("tests.write", user, {"path": "p"}, Job.State.QUEUED)
    assert (job.subject_type, job.subject_id) == ("user", str(user.pk))
    assert (job.request_id, job.max_attempts, job.attempts) == ("r-1", 5, 0)
    assert kinds(job) == ["queued"]


@pytest.mark.django_db(transaction=True)
def test_belongs_into_a_transaction() -> None:
    with pytest.raises(TransactionManagementError, match="into the transaction"):
        jobs.enqueue("tests.write", owner=None, args={})
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_is_sent_after_the_commit(sent: list[tuple[str, str]]) -> None:
    with transaction.atomic():
        job = jobs.enqueue("tests.write", owner=None, args={})
        assert sent == []
    assert sent == [(str(job.pk), "tests.write")]
    assert kinds(job) == ["queued", "sent"]
    assert fresh(job).sent_at is not None


@pytest.mark.django_db(transaction=True)
def test_rolls_back_with_its_transaction(sent: list[tuple[str, str]]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 -- what rolls back
        jobs.enqueue("tests.write", owner=None, args={})
        raise ZeroDivisionError
    assert sent == []
    assert not Job.objects.exists()


def test_message_goes_to_the_queue_of_its_name(own_redis: EmbeddedValkey) -> None:
    for name in ("core.anything", "imports.run_import", "studies.compute"):
        assert job_broker.send(job_id=uuid4(), name=name)
    client = job_channel.shared_client()
    assert [client.llen(queue) for queue in ("default", "imports", "compute")] == [1, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_job_waits(own_redis: EmbeddedValkey, caplog: pytest.LogCaptureFixture) -> None:
    own_redis.stop()
    start = time.monotonic()
    with caplog.at_level(logging.WARNING):
        job = queued()
    assert time.monotonic() - start < 1
    assert "could not be sent" in caplog.text
    assert fresh(job).sent_at is None
    assert kinds(job) == ["queued"]


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_hangs_costs_a_few_seconds_at_most(own_redis: EmbeddedValkey) -> None:
    assert job_broker.send(job_id=uuid4(), name="tests.write")
    os.kill(own_redis.pid or 0, signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert not job_broker.send(job_id=uuid4(), name="tests.write")
        assert time.monotonic() - start < 5
    finally:
        os.kill(own_redis.pid or 0, signal.SIGCONT)


def test_a_restarted_redis_is_found_at_once(own_redis: EmbeddedValkey) -> None:
    assert job_broker.send(job_id=uuid4(), name="tests.write")
    own_redis.stop()
    own_redis.start()
    assert job_broker.send(job_id=uuid4(), name="tests.write")


def test_same_key_gives_the_unfinished_job(db: None) -> None:
    first = jobs.enqueue("tests.write", owner=None, args={}, dedupe_key="k")
    assert jobs.enqueue("tests.write", owner=make_user(), args={}, dedupe_key="k") == first
    assert jobs.enqueue("tests.write", owner=None, args={}, dedupe_key="other") != first
    _, lease = claimed(first)
    job_leases.finish(lease, report={})
    assert jobs.enqueue("tests.write", owner=None, args={}, dedupe_key="k") != first


@pytest.mark.django_db(transaction=True)
def test_same_key_from_many_transactions_makes_one_job(sent: list[tuple[str, str]]) -> None:
    ids: list[object] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        try:
            barrier.wait()
            with transaction.atomic():
                ids.append(jobs.enqueue("tests.write", owner=None, args={}, dedupe_key="k").pk)
                time.sleep(0.05)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1
    assert len(sent) == 1


def test_times_fit_together() -> None:
    visibility = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    assert visibility > max(settings.IMPORT_TIME_LIMIT, settings.COMPUTE_TIME_LIMIT)
    assert settings.LEASE_SECONDS > 3 * 2
    assert settings.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
