"""Handing jobs to Celery's broker, which may forget them: the Job row is the truth, a message only a hint."""

import functools
import logging
from uuid import UUID

import redis
from celery import Celery
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import KombuError

from cellenium_admin.core.models import Job, JobEvent

logger = logging.getLogger(__name__)

# A request waits for this: a broker that is away may cost it a few seconds, and the sweeper does the rest.
_IMPATIENT = {
    "socket_connect_timeout": 1,
    "socket_timeout": 1,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}


def send(*, job_id: UUID, name: str) -> bool:
    """Give the broker a message for a job; one that does not take it is logged and left to the sweeper."""
    try:
        _producer().send_task(name, [str(job_id)], ignore_result=True, retry=False)
    except (KombuError, redis.RedisError, OSError) as error:
        logger.warning("Job %s could not be sent and waits for the sweeper: %s", job_id, error)
        return False
    return True


def send_on_commit(job: Job) -> None:
    """Send a job once the caller's transaction has committed, and note when that was."""
    transaction.on_commit(functools.partial(_send_and_note, job.pk, job.name), robust=True)


def _send_and_note(job_id: UUID, name: str) -> None:
    at = timezone.now()
    if not send(job_id=job_id, name=name):
        return
    with transaction.atomic():
        Job.objects.filter(pk=job_id).update(sent_at=Now())
        JobEvent.objects.create(job_id=job_id, kind=JobEvent.Kind.SENT, at=at)


@functools.cache
def _producer() -> Celery:
    """Keep one sender per process; web processes never import the application of the workers."""
    app = Celery("cellenium_admin.producer", set_as_current=False, fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.conf.broker_transport_options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, **_IMPATIENT}
    return app
