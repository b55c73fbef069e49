"""The queues and what is in them: moto's, with the rules moto leaves out, each change kept before it is answered."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.model_instances import reset_model_data
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends

from grants.sandbox.errors import AwsError
from grants.sandbox.sqs import attributes, messages
from grants.sandbox.sqs.memory import Memory
from grants.sandbox.world import World

Attributes = Mapping[str, str]


class Queues:
    """The standard queues of one account in one Region; times follow the machine's clock."""

    def __init__(self, world: World) -> None:
        """Load what was kept."""
        self._state, self._memory = world.state, Memory(world.state)
        self._backend: SQSBackend = sqs_backends[world.account][world.region]
        self._backend.queues.clear()
        self._memory.load(self._backend)
        self._link()

    def reset(self) -> None:
        """Delete every queue."""
        self._backend.queues.clear()
        self._memory.forget_all()

    def all(self) -> list[Queue]:
        """Give all queues by name."""
        return [queue for _, queue in sorted(self._backend.queues.items())]

    def find(self, name: str) -> Queue | None:
        """Give a queue, or None."""
        return self._backend.queues.get(name)

    def get(self, name: str) -> Queue:
        """Give a queue; raises the AwsError of one that is not there."""
        found = self.find(name)
        if found is None:
            raise AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return found

    def create(self, name: str, given: Attributes, tags: Mapping[str, str]) -> Queue:
        """Make a queue, or give the one that is there when it has these attributes."""
        attributes.check(given)
        self._check_redrive(given)
        try:
            queue = self._backend.create_queue(name, dict(tags), **given)
        except ServiceException as error:
            raise said(error) from error
        self._link()
        self._memory.keep_queue(queue)
        return queue

    def change(self, queue: Queue, given: Attributes) -> None:
        """Set some attributes; those not named stay, the policy too, which moto would take away."""
        attributes.check(given)
        self._check_redrive(given)
        queue._set_attributes({"Policy": queue.policy, **given})  # noqa: SLF001
        self._link()
        self._memory.keep_queue(queue)

    def tag(self, queue: Queue, tags: Mapping[str, str], gone: Sequence[str] = ()) -> None:
        """Set tags and take some away."""
        kept = {**queue.tags, **tags}
        if len(kept) > 50:
            raise AwsError("InvalidParameterValue", f"Too many tags added for queue {queue.name}.")
        queue.tags = {key: value for key, value in kept.items() if key not in gone}
        self._memory.keep_queue(queue)

    def delete(self, queue: Queue) -> None:
        """Delete a queue with its messages."""
        self._backend.delete_queue(queue.name)
        self._memory.delete_queue(queue.name)
        self._link()

    def purge(self, queue: Queue) -> None:
        """Delete a queue's messages."""
        self._memory.delete_messages([message.id for message in queue._messages])  # noqa: SLF001
        self._backend.purge_queue(queue.name)

    def send(
        self, queue: Queue, body: str, *, sender: str, delay: int | None = None, given: Mapping[str, Any] | None = None
    ) -> Message:
        """Put a message into a queue."""
        messages.check_body(body, number(queue, "maximum_message_size"))
        if delay is not None and not 0 <= delay <= 900:
            why = f"Value {delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            raise AwsError("InvalidParameterValue", why)
        try:
            message = self._backend.send_message(queue.name, body, messages.attributes(given), delay)
        except ServiceException as error:
            raise said(error) from error
        message.sender_id = sender
        self._memory.keep_messages(queue, [message])
        reset_model_data()  # moto keeps a list of everything ever made
        return message

    def receive(self, queue: Queue, count: int, visibility: int, names: Sequence[str]) -> list[Message]:
        """Take up to `count` messages that nobody has in hand; what came back too often goes to the dead letters."""
        self._expire(queue)
        before = {message.id: message for message in queue._messages}  # noqa: SLF001
        found = self._backend.receive_message(queue.name, count, 0, visibility, list(names))
        moved = before.keys() - {message.id for message in queue._messages}  # noqa: SLF001
        if moved and queue.dead_letter_queue is not None:
            self._memory.keep_messages(queue.dead_letter_queue, [before[number] for number in moved])
        reset_model_data()
        return found

    def delete_message(self, queue: Queue, handle: str) -> None:
        """Delete a message somebody has received; no error when it is gone already."""
        there = [message.id for message in queue._messages if message.had_receipt_handle(handle)]  # noqa: SLF001
        try:
            queue.delete_message(handle)
        except ServiceException as error:
            raise said(error) from error
        self._memory.delete_messages(there)

    def change_visibility(self, queue: Queue, handle: str, seconds: int) -> None:
        """Say anew how long nobody else gets a message that was received."""
        if not 0 <= seconds <= 43_200:
            why = f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200."
            raise AwsError("InvalidParameterValue", why)
        for message in queue._messages:  # noqa: SLF001
            if message.had_receipt_handle(handle) and message.visible:
                why = (
                    f"Value {handle} for parameter ReceiptHandle is invalid. "
                    "Reason: Message does not exist or is not available for visibility timeout change."
                )
                raise AwsError("AWS.SimpleQueueService.MessageNotInflight", why)
        try:
            self._backend.change_message_visibility(queue.name, handle, seconds)
        except ServiceException as error:
            raise said(error) from error

    def shown(self, queue: Queue, names: Sequence[str]) -> dict[str, str]:
        """Give a queue's attributes as texts."""
        self._expire(queue)
        known = {name: _text(value) for name, value in queue.attributes.items() if value is not None}
        unknown = [name for name in names if name not in {"All", *Queue.BASE_ATTRIBUTES, *attributes.LEFT_OUT}]
        if unknown:
            raise AwsError("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
        return known if "All" in names else {name: known[name] for name in names if name in known}

    def _expire(self, queue: Queue) -> None:
        """Forget what was kept longer than the queue keeps messages."""
        oldest = (time.time() - number(queue, "message_retention_period")) * 1000
        gone = [message for message in queue._messages if (message.sent_timestamp or 0) <= oldest]  # noqa: SLF001
        for message in gone:
            queue._messages.remove(message)  # noqa: SLF001
            queue.pending_messages.discard(message)
        self._memory.delete_messages([message.id for message in gone])

    def _check_redrive(self, given: Attributes) -> None:
        if not given.get("RedrivePolicy"):
            return
        target = json.loads(given["RedrivePolicy"])["deadLetterTargetArn"]
        if target not in {queue.queue_arn for queue in self._backend.queues.values()}:
            message = (
                f"Value {given['RedrivePolicy']} for parameter RedrivePolicy is invalid. "
                "Reason: Dead letter target does not exist."
            )
            raise AwsError("InvalidParameterValue", message)

    def _link(self) -> None:
        """Let every queue know the queue of its dead letters, which may be gone or there again."""
        by_arn = {queue.queue_arn: queue for queue in self._backend.queues.values()}
        for queue in self._backend.queues.values():
            policy = queue.redrive_policy
            queue.dead_letter_queue = by_arn.get(policy["deadLetterTargetArn"]) if policy else None


def number(queue: Queue, name: str) -> int:
    """Give one of the numbers that moto sets on a queue by name."""
    return int(getattr(queue, name))


def said(error: ServiceException) -> AwsError:
    """Give moto's refusal as ours."""
    return AwsError(error.code or "InvalidParameterValue", error.message or "")


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)
