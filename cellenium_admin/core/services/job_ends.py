"""How a job leaves an attempt: for good, or back into the queue. Callers hold the row's lock."""

import functools
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import job_channel

Reaction = Callable[[Job], None]
_reactions: dict[str, Reaction] = {}


def on_job_end(name: str, reaction: Reaction) -> None:
    """Register what else changes when a job of this name ends as failed or cancelled, wherever that is decided.

    The task itself need not be running then: the sweeper may have given its worker up, or somebody cancelled it in
    the queue. The reaction is called with the ended job inside the transaction that ends it, so both happen or
    neither; it must be quick, leave alone what has ended well before the job did, and what it raises keeps the job
    unfinished until the next sweep. Register it when the app is ready, in every process.
    """
    if _reactions.setdefault(name, reaction) is not reaction:
        raise ValueError(f"Something else is registered for the end of {name} jobs already.")


def note(job: Job, kind: JobEvent.Kind, detail: str = "") -> None:
    """Add a line to a job's history."""
    JobEvent.objects.create(job=job, kind=kind, attempt=job.attempts, detail=detail[:500])


def end(job: Job, *, state: Job.State, code: str = "", detail: str = "") -> None:
    """Write the final state, tell the domain and, after the commit, whoever waits."""
    job.state, job.error_code, job.error_detail = state, code[:50], detail[:2000]
    job.finished_at, job.lease_until = timezone.now(), None
    job.save(update_fields=["state", "error_code", "error_detail", "finished_at", "lease_until"])
    note(job, JobEvent.Kind(state.value), code)
    reaction = _reactions.get(job.name)
    if reaction is not None and state != Job.State.SUCCEEDED:
        reaction(job)
    transaction.on_commit(functools.partial(job_channel.announce, job.pk), robust=True)


def requeue(job: Job, *, delay: timedelta = timedelta(0)) -> None:
    """Put a job back into the queue; the sweeper sends it once the delay is over."""
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.QUEUED,
        attempts=job.attempts,
        lease_until=None,
        sent_at=None,
        available_at=Now() + delay,
        stage="",
        unit="",
        stage_started_at=None,
        done=0,
        total=0,
    )
