"""The wake-up call: a Redis message on a job's own channel when it has ended."""

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.retry import Retry

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 1
_ANSWER_SECONDS = 2


def channel_of(job_id: UUID) -> str:
    """Name the channel of one job."""
    return f"cellenium:job:{job_id}"


def announce(job_id: UUID) -> None:
    """Wake whoever waits for this job; when that fails they find out by themselves a little later."""
    try:
        shared_client().publish(channel_of(job_id), "ended")
    except (redis.RedisError, OSError) as error:
        logger.warning("Nobody could be told that job %s has ended: %s", job_id, error)


@contextmanager
def subscription(job_id: UUID) -> Iterator[PubSub]:
    """Listen on a job's channel; from the first line of the block on no message can be missed.

    Raises redis.RedisError when Redis does not answer.
    """
    with _client(retries=0) as client, client.pubsub() as pubsub:
        pubsub.subscribe(channel_of(job_id))
        if pubsub.get_message(timeout=_ANSWER_SECONDS) is None:
            raise redis.TimeoutError("Redis did not confirm the subscription.")
        yield pubsub


@functools.cache
def shared_client() -> redis.Redis:
    """Keep one client per process, which connects when first used; one retry finds a restarted Redis again."""
    return _client(retries=1)


def _client(*, retries: int) -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), retries),
    )
