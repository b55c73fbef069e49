from collections.abc import Iterator

import pytest
from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.core.services import job_ends, job_leases, jobs
from tests.support.jobs import claimed, expire, fresh, kinds, make_user, queued

SYSTEM = Actor.system("test")


@pytest.fixture
def reactions(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """What the domain was told about the ends of `tests.write` jobs."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(job_ends, "_reactions", {})
    jobs.on_job_end("tests.write", lambda job: told.append((job.state, job.error_code)))
    return told


@pytest.mark.django_db(transaction=True)
def test_waiting_job_is_cancelled_at_once(reactions: list[tuple[str, str]]) -> None:
    user = make_user()
    job = jobs.cancel(job=queued(owner=user), actor=Actor.of(user))
    assert (fresh(job).state, fresh(job).finished_at is None) == (Job.State.CANCELLED, False)
    assert reactions == [("cancelled", "")]
    event = AuditEvent.objects.get(action=Action.JOB_CANCELLED)
    assert (event.actor_id, event.object_type, event.object_id) == (str(user.pk), "job", str(job.pk))
    assert (event.before["state"], event.after["state"]) == ("queued", "cancelled")
    assert kinds(job)[-2:] == ["cancel_requested", "cancelled"]


@pytest.mark.django_db(transaction=True)
def test_running_job_is_asked_to_stop(reactions: list[tuple[str, str]]) -> None:
    job, lease = claimed()
    jobs.cancel(job=job, actor=SYSTEM)
    assert fresh(job).state == Job.State.RUNNING
    assert fresh(job).cancel_requested_at is not None
    assert reactions == []
    job_leases.stop(lease)
    assert fresh(job).state == Job.State.CANCELLED
    assert reactions == [("cancelled", "")]


@pytest.mark.django_db(transaction=True)
def test_asking_twice_is_one_event() -> None:
    job, _ = claimed()
    first = jobs.cancel(job=job, actor=SYSTEM)
    second = jobs.cancel(job=job, actor=SYSTEM)
    assert second.cancel_requested_at == first.cancel_requested_at
    assert AuditEvent.objects.filter(action=Action.JOB_CANCELLED).count() == 1
    assert kinds(job).count("cancel_requested") == 1


def test_ended_job_cannot_be_cancelled(db: None) -> None:
    job, lease = claimed()
    job_leases.finish(lease, report={})
    with pytest.raises(ConflictError, match="ended already"):
        jobs.cancel(job=job, actor=SYSTEM)
    assert fresh(job).cancel_requested_at is None


def test_cancelled_job_is_not_claimed(db: None) -> None:
    job = jobs.cancel(job=queued(), actor=SYSTEM)
    assert job_leases.claim(job_id=job.pk, worker="w") is None


def test_cancelled_job_of_a_lost_worker_ends(db: None, reactions: list[tuple[str, str]]) -> None:
    job, _ = claimed()
    jobs.cancel(job=job, actor=SYSTEM)
    expire(job)
    assert job_leases.take_back(job_id=job.pk)
    assert fresh(job).state == Job.State.CANCELLED
    assert reactions == [("cancelled", "")]


class TestReactions:
    @pytest.mark.usefixtures("db")
    def test_told_of_failure_and_not_of_success(self, reactions: list[tuple[str, str]]) -> None:
        _, good = claimed()
        job_leases.finish(good, report={})
        assert reactions == []
        _, bad = claimed()
        job_leases.fail(bad, code="no_genes", detail="")
        assert reactions == [("failed", "no_genes")]

    @pytest.mark.usefixtures("db")
    def test_told_when_the_sweeper_gives_up(self, reactions: list[tuple[str, str]]) -> None:
        job, _ = claimed(queued(max_attempts=1))
        expire(job)
        job_leases.take_back(job_id=job.pk)
        assert reactions == [("failed", "worker_lost")]

    @pytest.mark.django_db(transaction=True)
    def test_in_one_transaction_with_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_down(job: Job) -> None:
            assert transaction.get_connection().in_atomic_block
            raise RuntimeError("the domain cannot follow")

        monkeypatch.setattr(job_ends, "_reactions", {"tests.write": break_down})
        job = queued()
        with pytest.raises(RuntimeError):
            jobs.cancel(job=job, actor=SYSTEM)
        assert fresh(job).state == Job.State.QUEUED
        assert not AuditEvent.objects.exists()

    def test_one_per_name(self, reactions: list[tuple[str, str]]) -> None:
        with pytest.raises(ValueError, match=r"tests\.write"):
            jobs.on_job_end("tests.write", lambda job: None)
