"""Who may work on a job: claimed for a while, extended by a heartbeat, fenced by a token that only grows.

Leases are measured by the database's clock alone, so workers whose clocks differ agree on them.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Now

from cellenium_admin.core.exceptions import JobCancelledError, LeaseLostError
from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services.job_ends import end, note, requeue

_INTERNAL = "Something went wrong on our side; it is in the server's log under this job's id."
_LONGEST_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one job, until somebody else gets a higher token."""

    job_id: UUID
    token: int

    @classmethod
    def of(cls, job: Job) -> "Lease":
        """Take the lease a claimed job was given."""
        return cls(job_id=job.pk, token=job.lease_token)

    def rows(self) -> QuerySet[Job]:
        """Select the job as long as this lease holds, else nothing."""
        return Job.objects.filter(pk=self.job_id, state=Job.State.RUNNING, lease_token=self.token)

    def lost(self) -> LeaseLostError:
        """Make the error of who comes too late."""
        return LeaseLostError(f"Job {self.job_id} is not held under lease {self.token} any more.")


def claim(*, job_id: UUID, worker: str) -> Job | None:
    """Take a waiting job; None when this delivery has nothing to do: a duplicate, too early, or ended."""
    with transaction.atomic():
        take_back(job_id=job_id)
        claimed = Job.objects.filter(pk=job_id, state=Job.State.QUEUED, available_at__lte=Now()).update(
            state=Job.State.RUNNING,
            lease_token=F("lease_token") + 1,
            attempts=F("attempts") + 1,
            lease_until=Now() + _duration(),
            heartbeat_at=Now(),
            started_at=Coalesce("started_at", Now()),
            worker=worker[:200],
            report={},
        )
        if not claimed:
            return None
        job = Job.objects.get(pk=job_id)
        note(job, JobEvent.Kind.CLAIMED, worker)
    return job


def take_back(*, job_id: UUID) -> bool:
    """Take the lease of a silent worker away: the job is queued again, or ends after its last attempt."""
    with transaction.atomic():
        silent = Job.objects.filter(pk=job_id, state=Job.State.RUNNING, lease_until__lt=Now())
        job = silent.select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:
            return False
        note(job, JobEvent.Kind.LOST, job.worker)
        if job.cancel_requested_at is not None:
            end(job, state=Job.State.CANCELLED)
        elif job.attempts >= job.max_attempts:
            detail = f"The worker died at each of {job.attempts} attempts; the job is not tried again."
            end(job, state=Job.State.FAILED, code="worker_lost", detail=detail)
        else:
            requeue(job)
    return True


def assert_lease(*, job_id: UUID, lease_token: int) -> Job:
    """Lock the job's row and prove that it is still ours, inside the transaction that publishes the work.

    Until that commits nobody can take the lease over. Raises LeaseLostError.
    """
    return _lock(Lease(job_id=job_id, token=lease_token))


def extend(lease: Lease) -> bool:
    """Prolong the lease and tell whether somebody asked the job to stop. Raises LeaseLostError."""
    if not lease.rows().update(lease_until=Now() + _duration(), heartbeat_at=Now()):
        raise lease.lost()
    return Job.objects.filter(pk=lease.job_id, cancel_requested_at__isnull=False).exists()


def write(lease: Lease, **fields: Any) -> None:
    """Write progress. Raises JobCancelledError, LeaseLostError."""
    if lease.rows().filter(cancel_requested_at__isnull=True).update(**fields):
        return
    if lease.rows().exists():
        raise JobCancelledError(f"Somebody asked job {lease.job_id} to stop.")
    raise lease.lost()


def finish(lease: Lease, *, report: dict[str, Any]) -> None:
    """End a job well. Raises LeaseLostError."""
    with transaction.atomic():
        job = _lock(lease)
        job.report = report
        job.save(update_fields=["report"])
        end(job, state=Job.State.SUCCEEDED)


def fail(lease: Lease, *, code: str, detail: str) -> None:
    """End a job whose work cannot be done, however often it is tried. Raises LeaseLostError."""
    with transaction.atomic():
        end(_lock(lease), state=Job.State.FAILED, code=code, detail=detail)


def stop(lease: Lease) -> None:
    """End a job that has stopped because somebody asked for it. Raises LeaseLostError."""
    with transaction.atomic():
        end(_lock(lease), state=Job.State.CANCELLED)


def retry(lease: Lease, *, reason: str) -> None:
    """Queue a job again after an attempt that broke, a little later each time, or end it. Raises LeaseLostError."""
    with transaction.atomic():
        job = _lock(lease)
        if job.cancel_requested_at is not None:
            end(job, state=Job.State.CANCELLED)
        elif job.attempts >= job.max_attempts:
            end(job, state=Job.State.FAILED, code="internal_error", detail=_INTERNAL)
        else:
            note(job, JobEvent.Kind.RETRIED, reason)
            delay = timedelta(seconds=settings.RETRY_SECONDS) * 2 ** (job.attempts - 1)
            requeue(job, delay=min(delay, _LONGEST_DELAY))


def postpone(lease: Lease, *, reason: str) -> None:
    """Queue a job again whose work could not begin yet; the attempt does not count. Raises LeaseLostError."""
    with transaction.atomic():
        job = _lock(lease)
        if job.cancel_requested_at is not None:
            end(job, state=Job.State.CANCELLED)
            return
        note(job, JobEvent.Kind.POSTPONED, reason)
        job.attempts -= 1
        requeue(job, delay=timedelta(seconds=settings.RETRY_SECONDS))


def _lock(lease: Lease) -> Job:
    job = lease.rows().select_for_update(of=("self",)).first()
    if job is None:
        raise lease.lost()
    return job


def _duration() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)
