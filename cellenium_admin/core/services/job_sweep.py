"""What the sweeper does: takes back leases that ran out and sends again what the broker has forgotten."""

import logging
from datetime import timedelta
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least, Now

from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import job_broker, job_channel
from cellenium_admin.core.services.job_ends import note

logger = logging.getLogger(__name__)

# A key that is gone when Redis lost its data: then every message is gone too, and nothing needs to time out first.
MEMORY_KEY = "cellenium:broker-memory"
_LONGEST_WAIT = timedelta(minutes=15)


def silent_jobs() -> list[UUID]:
    """List the jobs whose workers have let their leases run out."""
    silent = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now())
    return list(silent.order_by("lease_until").values_list("pk", flat=True))


def resend_lost() -> int:
    """Send the queued jobs whose messages must be taken for lost; gives how many, stops when the broker is away."""
    remembers = _broker_remembers()
    sent = 0
    for job_id in list(_unsent(remembers=remembers).order_by("created_at").values_list("pk", flat=True)):
        outcome = _resend(job_id, remembers=remembers)
        if outcome is False:
            return sent
        sent += outcome is True
    if not remembers:
        _let_broker_remember()
    return sent


def _unsent(*, remembers: bool) -> QuerySet[Job]:
    waiting = Job.objects.filter(state=Job.State.QUEUED, available_at__lte=Now())
    if not remembers:
        return waiting
    # A job that waits for a free worker is not lost: each sending doubles the time until the next.
    waited = Least(F("sent_at") - F("available_at"), Value(_LONGEST_WAIT))
    patience = Greatest(waited, Value(timedelta(seconds=settings.RESEND_SECONDS)))
    overdue = ExpressionWrapper(Now() - patience, output_field=DateTimeField())
    return waiting.filter(Q(sent_at__isnull=True) | Q(sent_at__lt=overdue))


def _resend(job_id: UUID, *, remembers: bool) -> bool | None:
    with transaction.atomic():
        job = _unsent(remembers=remembers).filter(pk=job_id).select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:  # claimed, ended, or in the hands of another sweeper
            return None
        if not job_broker.send(job_id=job.pk, name=job.name):
            return False
        Job.objects.filter(pk=job_id).update(sent_at=Now())
        note(job, JobEvent.Kind.RESENT)
    return True


def _broker_remembers() -> bool:
    try:
        return bool(job_channel.shared_client().exists(MEMORY_KEY))
    except redis.RedisError as error:
        logger.warning("Redis does not answer, queued jobs wait for the next sweep: %s", error)
        return True


def _let_broker_remember() -> None:
    try:
        job_channel.shared_client().set(MEMORY_KEY, "1")
    except redis.RedisError as error:
        logger.warning("Redis went away during the sweep: %s", error)
