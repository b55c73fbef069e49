"""The transport of the broker, where it differs from Kombu's."""

import pytest
import redis
from celery import Celery
from kombu import Connection
from kombu.transport.virtual import Message

from cellenium_admin.celery import app
from cellenium_admin.core.broker import Transport
from cellenium_admin.core.services import job_broker
from cellenium_admin.embedded import EmbeddedValkey

TRANSPORT = "cellenium_admin.core.broker:Transport"


def unacknowledged(connection: Connection) -> Message:
    """Take a message and keep it, as a worker does while it runs a task."""
    channel = connection.default_channel
    connection.SimpleQueue("default").put({"n": 1})
    message = channel.basic_get("default")
    assert message is not None
    return message


def test_connection_is_closed_with_unacknowledged_messages(own_redis: EmbeddedValkey) -> None:
    connection = Connection(own_redis.url, transport=TRANSPORT)
    message = unacknowledged(connection)
    own_redis.stop()
    connection.collect(socket_timeout=1)  # what a worker does first,
    connection.close()  # and then,
    message.ack()  # and at the end of the task it still runs


def test_connection_that_broke_in_mid_poll_is_closed(
    own_redis: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble() -> None:
        raise redis.ConnectionError("refused")

    connection = Connection(own_redis.url, transport=TRANSPORT)
    unacknowledged(connection)
    channel = connection.default_channel
    channel.basic_consume("default", no_ack=False, callback=lambda message: None, consumer_tag="1")
    channel.client.connection = channel.client.connection_pool.get_connection()
    channel._brpop_start()
    monkeypatch.setattr(connection.channel(), "close", stumble)  # a worker has one more for remote control
    own_redis.stop()
    connection.collect(socket_timeout=1)  # it stumbles over the broken poll and the other channel,
    connection.close()  # and this must not try to put the message back through what is left


def test_message_can_be_given_back_to_nobody(own_redis: EmbeddedValkey) -> None:
    connection = Connection(own_redis.url, transport=TRANSPORT)
    message = unacknowledged(connection)
    own_redis.stop()
    connection.collect(socket_timeout=1)
    connection.close()
    message.reject(requeue=True)


@pytest.mark.parametrize("give_back", [True, False])
def test_living_connection_acknowledges_and_gives_back(own_redis: EmbeddedValkey, give_back: bool) -> None:
    with Connection(own_redis.url, transport=TRANSPORT) as connection:
        message = unacknowledged(connection)
        if give_back:
            message.reject(requeue=True)
        else:
            message.ack()
        again = connection.default_channel.basic_get("default")
        assert (again is not None) == give_back


def test_workers_and_senders_use_it() -> None:
    job_broker._producer.cache_clear()
    applications: list[Celery] = [app, job_broker._producer()]
    assert all(isinstance(one.connection_for_write().transport, Transport) for one in applications)
