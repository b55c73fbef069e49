"""Carries event messages to their queues: at once, or as late, often and disorderly as the knobs say."""

import asyncio
from collections.abc import Callable

from grants.sandbox.world import World

Deliver = Callable[[str, str, str], None]
LONGEST_WAIT = 1.0
"""In seconds, that an event waits for the one it lets pass."""


class EventPost:
    """Messages on their way; those still on it when the sandbox ends are lost."""

    def __init__(self, world: World, deliver: Deliver) -> None:
        """Hand over with `deliver`, which takes bucket, ARN of the queue and body."""
        self._world, self._deliver = world, deliver
        self._held: list[Callable[[], None]] = []

    def put(self, bucket: str, queue: str, body: str) -> None:
        """Send a message on its way; called on the event loop."""
        knobs = self._world.knobs
        copies = knobs.event_copies

        def hand_over() -> None:
            for _ in range(copies):
                self._deliver(bucket, queue, body)

        if knobs.event_disorder:
            self._swap(hand_over)
        elif knobs.event_lag:
            asyncio.get_running_loop().call_later(knobs.event_lag.total_seconds(), hand_over)
        else:
            hand_over()

    def _swap(self, hand_over: Callable[[], None]) -> None:
        """Let each message wait for the next, which goes before it."""
        self._held.append(hand_over)
        if len(self._held) > 1:
            self._flush()
        else:
            asyncio.get_running_loop().call_later(LONGEST_WAIT, self._flush)

    def _flush(self) -> None:
        held, self._held = self._held, []
        for hand_over in reversed(held):
            hand_over()
