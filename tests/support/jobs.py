"""Jobs in the states tests need them in."""

import os
import signal
import time
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cellenium_admin.core.models import Job, User
from cellenium_admin.core.services import job_leases, jobs
from cellenium_admin.core.services.job_leases import Lease
from cellenium_admin.embedded import EmbeddedValkey


def make_user(name: str = "ada@example.org", **fields: Any) -> User:
    return User.objects.create(username=name, email=name, password=UNUSABLE_PASSWORD_PREFIX, **fields)


def queued(name: str = "tests.write", *, owner: User | None = None, max_attempts: int = 3, **args: Any) -> Job:
    with transaction.atomic():
        return jobs.enqueue(name, owner=owner, args=args, max_attempts=max_attempts)


def claimed(job: Job | None = None, *, worker: str = "w1") -> tuple[Job, Lease]:
    job = job_leases.claim(job_id=(job or queued()).pk, worker=worker)
    assert job is not None
    return job, Lease.of(job)


def expire(job: Job) -> None:
    """Let the lease have run out a minute ago."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(minutes=1))


def grow_old(job: Job, *, sent: timedelta, waiting: timedelta) -> None:
    """Let the job have been queued and sent some time ago."""
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(available_at=now - waiting, sent_at=now - sent)


def make_due(job: Job) -> None:
    """End the pause before the next attempt."""
    Job.objects.filter(pk=job.pk).update(available_at=F("available_at") - timedelta(hours=1))


def fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def kinds(job: Job) -> list[str]:
    return [event.kind for event in job.events.all()]


def begun(job: Job) -> bool:
    return fresh(job).state == Job.State.RUNNING


def ended(job: Job) -> bool:
    return fresh(job).is_finished


def worker_pid(job: Job) -> int:
    """The process that works on a job."""
    return int(fresh(job).worker.rpartition("/")[2])


def lose_redis(redis: EmbeddedValkey, *, pause: float = 0.0) -> None:
    """Kill it and start an empty one on the same port; its data were in memory only."""
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    time.sleep(pause)
    redis.start()


def tell(what: str, job: Job, seconds: float) -> None:
    """Print a job's history, for the record of a test run with `-s`."""
    history = [f"{event.at:%M:%S.%f} {event.kind} {event.attempt}" for event in job.events.all()]
    print(f"\n{what}: {seconds:.1f} s\n  " + "\n  ".join(history))
