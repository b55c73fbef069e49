"""Waiting for a job's end without asking again and again, and without holding a database connection meanwhile."""

import functools
import logging
import threading
import time
from uuid import UUID

import redis
from django.conf import settings
from django.db import connection
from redis.client import PubSub

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_channel

logger = logging.getLogger(__name__)


def wait_for(job_id: UUID, *, seconds: float) -> Job:
    """Give the job once it has ended, or as it is after some seconds.

    At most `WAIT_SLOTS` threads of a process wait at the same time; whoever finds no slot, or no Redis, gets the
    job at once. Call it outside a transaction: the job's end would not be seen inside, and the connection is kept.
    """
    seconds = min(seconds, settings.WAIT_MAX_SECONDS)
    if seconds > 0 and _slots().acquire(blocking=False):
        try:
            return _listen(job_id, time.monotonic() + seconds)
        except (redis.RedisError, OSError) as error:
            logger.warning("Cannot wait for job %s: %s", job_id, error)
        finally:
            _slots().release()
    return _read(job_id)


def _listen(job_id: UUID, deadline: float) -> Job:
    with job_channel.subscription(job_id) as pubsub:
        job = _read(job_id)  # after the subscription, so that an end before it is seen here and one after it is heard
        while not job.is_finished and (rest := deadline - time.monotonic()) > 0:
            _release_connection()
            _sleep(pubsub, rest)
            job = _read(job_id)
    return job


def _sleep(pubsub: PubSub, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (rest := deadline - time.monotonic()) > 0:
        if pubsub.get_message(ignore_subscribe_messages=True, timeout=rest) is not None:
            return


def _release_connection() -> None:
    if not connection.in_atomic_block:
        connection.close()


def _read(job_id: UUID) -> Job:
    return Job.objects.select_related("owner").get(pk=job_id)


@functools.cache
def _slots() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.WAIT_SLOTS)
