import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from cellenium_admin.core import tasks
from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import job_broker, job_channel, job_ends, job_leases, job_sweep
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.jobs import claimed, expire, fresh, grow_old, kinds, make_due, queued

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs the broker was given; it remembers everything."""
    messages: list[str] = []

    def send(*, job_id: object, name: str) -> bool:
        messages.append(str(job_id))
        return True

    monkeypatch.setattr(job_broker, "send", send)
    job_channel.shared_client().set(job_sweep.MEMORY_KEY, "1")
    return messages


def test_silent_worker_is_replaced(sent: list[str]) -> None:
    job, _ = claimed()
    expire(job)
    sent.clear()
    tasks.sweep_jobs()
    assert (fresh(job).state, fresh(job).stage, sent) == (Job.State.QUEUED, "", [str(job.pk)])
    assert kinds(job)[-3:] == ["claimed", "lost", "resent"]
    assert job.events.get(kind=JobEvent.Kind.LOST).detail == "w1"


def test_living_worker_is_left_alone(sent: list[str]) -> None:
    job, _ = claimed()
    sent.clear()
    tasks.sweep_jobs()
    assert (fresh(job).state, sent) == (Job.State.RUNNING, [])


def test_sweeping_twice_does_it_once(sent: list[str]) -> None:
    job, _ = claimed()
    expire(job)
    sent.clear()
    tasks.sweep_jobs()
    tasks.sweep_jobs()
    assert sent == [str(job.pk)]
    assert kinds(job).count("lost") == 1


def test_last_attempt_ends_the_job(sent: list[str]) -> None:
    job, _ = claimed(queued(max_attempts=1))
    expire(job)
    sent.clear()
    tasks.sweep_jobs()
    assert (fresh(job).state, fresh(job).error_code, sent) == (Job.State.FAILED, "worker_lost", [])
    assert "each of 1 attempts" in fresh(job).error_detail


def test_never_sent_is_sent(sent: list[str]) -> None:
    job = queued()
    Job.objects.update(sent_at=None)
    sent.clear()
    tasks.sweep_jobs()
    assert sent == [str(job.pk)]
    assert fresh(job).sent_at is not None


def test_not_before_the_pause_is_over(sent: list[str]) -> None:
    job, lease = claimed()
    job_leases.retry(lease, reason="OSError")
    sent.clear()
    tasks.sweep_jobs()
    assert sent == []
    make_due(job)
    tasks.sweep_jobs()
    assert sent == [str(job.pk)]


@pytest.mark.parametrize(
    ("sent_ago", "waiting", "again"),
    [
        (50 * SECOND, 50 * SECOND, False),  # sent at once, RESEND_SECONDS not over
        (70 * SECOND, 70 * SECOND, True),
        (70 * SECOND, 600 * SECOND, False),  # sent when it had waited 530 s: that long again
        (540 * SECOND, 1000 * SECOND, True),
        (840 * SECOND, 7200 * SECOND, False),  # a quarter of an hour at most
        (960 * SECOND, 7200 * SECOND, True),
    ],
)
def test_pauses_between_sendings_grow(sent: list[str], sent_ago: timedelta, waiting: timedelta, again: bool) -> None:
    job = queued()
    grow_old(job, sent=sent_ago, waiting=waiting)
    sent.clear()
    tasks.sweep_jobs()
    assert sent == ([str(job.pk)] if again else [])


def test_broker_without_memory_gets_everything_again(own_redis: EmbeddedValkey) -> None:
    first = queued()
    tasks.sweep_jobs()
    assert kinds(first) == ["queued", "sent", "resent"]  # a new Redis: it cannot know what was sent before
    tasks.sweep_jobs()
    assert kinds(first) == ["queued", "sent", "resent"]
    own_redis.stop()
    own_redis.start()
    assert job_channel.shared_client().llen("default") == 0
    tasks.sweep_jobs()
    assert kinds(first) == ["queued", "sent", "resent", "resent"]
    assert job_channel.shared_client().llen("default") == 1


def test_without_redis_nothing_is_noted(own_redis: EmbeddedValkey, caplog: pytest.LogCaptureFixture) -> None:
    own_redis.stop()
    job = queued()
    tasks.sweep_jobs()
    assert kinds(job) == ["queued"]
    assert fresh(job).sent_at is None
    own_redis.start()
    tasks.sweep_jobs()
    assert kinds(job) == ["queued", "resent"]


def test_a_job_in_other_hands_is_passed_over(sent: list[str]) -> None:
    held, free = queued(), queued()
    Job.objects.update(sent_at=None)
    sent.clear()
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=held.pk)
        thread = threading.Thread(target=sweep_in_thread)
        thread.start()
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert sent == [str(free.pk)]


def test_many_sweepers_at_once(sent: list[str]) -> None:
    lost = [claimed()[0] for _ in range(5)]
    waiting = [queued() for _ in range(5)]
    for job in lost:
        expire(job)
    Job.objects.filter(pk__in=[job.pk for job in waiting]).update(sent_at=None)
    sent.clear()
    threads = [threading.Thread(target=sweep_in_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweep_in_thread()
    assert sorted(sent) == sorted(str(job.pk) for job in [*lost, *waiting])
    assert JobEvent.objects.filter(kind=JobEvent.Kind.LOST).count() == 5


def test_one_broken_job_does_not_hold_up_the_others(
    sent: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(job: Job) -> None:
        raise RuntimeError("the domain cannot follow")

    monkeypatch.setattr(job_ends, "_reactions", {"tests.write": break_down})
    bad, _ = claimed(queued(max_attempts=1))
    good, _ = claimed(queued())
    expire(bad)
    expire(good)
    tasks.sweep_jobs()
    assert (fresh(bad).state, fresh(good).state) == (Job.State.RUNNING, Job.State.QUEUED)
    assert "the domain cannot follow" in caplog.text


def sweep_in_thread() -> None:
    try:
        tasks.sweep_jobs()
    finally:
        connection.close()
