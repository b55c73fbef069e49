"""Long work: put into the queue, cancelled, waited for. The Job row is the truth, whatever the broker remembers."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.db.models.functions import Now
from django.utils import timezone

from cellenium_admin.core import context
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action, Job, JobEvent, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.job_broker import send_on_commit
from cellenium_admin.core.services.job_ends import end, note, on_job_end
from cellenium_admin.core.services.job_leases import assert_lease
from cellenium_admin.core.services.job_wait import wait_for

__all__ = ["assert_lease", "cancel", "enqueue", "hasten", "on_job_end", "wait_for"]


def enqueue(
    name: str,
    *,
    owner: User | None,
    args: Mapping[str, Any],
    subject: Model | None = None,
    dedupe_key: str = "",
    max_attempts: int = 3,
) -> Job:
    """Put work for the task of this name into the queue, together with whatever else the caller's transaction writes.

    `args` are the task's keyword arguments, as JSON. While a job with the same `dedupe_key` has not ended, that job
    is given instead of a second one. Raises TransactionManagementError outside a transaction.
    """
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("jobs.enqueue() belongs into the transaction that wants the job.")
    while True:
        if dedupe_key and (existing := Job.objects.unfinished().filter(dedupe_key=dedupe_key).first()):
            return existing
        job = Job(name=name, owner=owner, args=dict(args), dedupe_key=dedupe_key, max_attempts=max_attempts)
        job.request_id = context.current().request_id
        if subject is not None:
            job.subject_type, job.subject_id = subject._meta.model_name or "", str(subject.pk)  # noqa: SLF001 -- public
        try:
            with transaction.atomic():
                job.save(force_insert=True)
        except IntegrityError:
            if not dedupe_key:
                raise
            continue  # another transaction was quicker: take its job
        note(job, JobEvent.Kind.QUEUED)
        send_on_commit(job)
        return job


def cancel(*, job: Job, actor: Actor) -> Job:
    """Cancel a waiting job at once, ask a running one to stop at its next step.

    The caller has found the job among those the actor may know of. Raises ConflictError when it has ended.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
        if job.is_finished:
            raise ConflictError(f"This job has ended already ({job.state}); there is nothing left to cancel.")
        if job.cancel_requested_at is not None:
            return job
        before = _facts(job)
        job.cancel_requested_at = timezone.now()
        job.save(update_fields=["cancel_requested_at"])
        note(job, JobEvent.Kind.CANCEL_REQUESTED, actor.label)
        if job.state == Job.State.QUEUED:
            end(job, state=Job.State.CANCELLED)
        audit.record(action=Action.JOB_CANCELLED, actor=actor, obj=job, before=before, after=_facts(job))
    return job


def hasten(*, job: Job) -> None:
    """Let a waiting job have its turn once the caller's transaction has committed, whatever it was to wait for.

    One that somebody is changing at this moment is left alone: it comes when its time has come.
    """
    waiting = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
    if waiting.select_for_update(skip_locked=True, of=("self",)).first() is not None:
        Job.objects.filter(pk=job.pk).update(available_at=Now(), sent_at=None)
        send_on_commit(job)


def _facts(job: Job) -> dict[str, str | None]:
    at = job.cancel_requested_at
    return {"state": job.state, "cancel_requested_at": at.isoformat() if at else None}
