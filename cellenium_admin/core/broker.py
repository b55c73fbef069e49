"""Kombu's Redis transport, made to survive what happens to its messages when Redis goes away under a worker.

Kombu 5.7 tries to put unacknowledged messages back through a channel that has lost its connection, which ends in an
AttributeError and with it the worker (the like of celery/kombu issues 582 and 970). Our messages are only hints, the
jobs they stand for are rows, so a broken channel may simply forget them.
"""

from kombu.transport import redis as kombu_redis


class QoS(kombu_redis.QoS):
    """Acknowledges messages, unless the connection they came by is gone."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message; the broker sends one it still knows again, and the claim refuses the second."""
        if self._connected():
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Give a message back."""
        if self._connected():
            super().reject(delivery_tag, requeue=requeue)

    def _connected(self) -> bool:
        transport = self.channel.connection
        return transport is not None and transport.client is not None


class Channel(kombu_redis.Channel):
    """A channel that takes its unacknowledged messages with it when it closes; the sweeper sends such jobs again."""

    do_restore = False
    QoS = QoS


class Transport(kombu_redis.Transport):
    """Named by `CELERY_BROKER_TRANSPORT`."""

    Channel = Channel
