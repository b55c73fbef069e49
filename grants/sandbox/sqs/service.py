"""Answers SQS: who may is decided by our evaluator, identity policies and the queue's policy together.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from moto.sqs.models import Queue

from grants import evaluator
from grants.evaluator import Policy, Principal
from grants.sandbox import authorization
from grants.sandbox.calls import Call
from grants.sandbox.errors import AwsError
from grants.sandbox.sqs import memory, messages
from grants.sandbox.sqs.queues import Queues, number
from grants.sandbox.world import World

Answer = Mapping[str, Any]
LONGEST_WAIT, MOST_MESSAGES, LARGEST_PAGE = 20, 10, 1000
_LOOK_SECONDS = 0.05
_BATCH_IDS = re.compile(r"[\w-]{1,80}", re.ASCII)
_NAMES = re.compile(r"[A-Za-z0-9_-]{1,80}")


class SqsService:
    """The SQS of the sandbox: standard queues, by the JSON protocol."""

    SCHEMA = memory.SCHEMA

    def __init__(self, world: World) -> None:
        """Load the queues."""
        self._world, self._queues = world, Queues(world)
        self._operations: dict[str, Callable[[Call], Answer]] = {
            "CreateQueue": self._create,
            "DeleteQueue": self._delete,
            "GetQueueUrl": self._url,
            "ListQueues": self._list,
            "GetQueueAttributes": self._attributes,
            "SetQueueAttributes": self._change,
            "PurgeQueue": self._purge,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change_visibility,
            "ChangeMessageVisibilityBatch": self._change_batch,
            "TagQueue": self._tag,
            "UntagQueue": self._untag,
            "ListQueueTags": self._tags,
            "ListDeadLetterSourceQueues": self._sources,
        }

    @property
    def operations(self) -> set[str]:
        """Name what is answered."""
        return {*self._operations, "ReceiveMessage"}

    async def handle(self, call: Call) -> Answer:
        """Answer one call, ReceiveMessage as late as it may wait; raises AwsError."""
        if call.operation == "ReceiveMessage":
            return await self._receive(call)
        operation = self._operations.get(call.operation)
        if operation is None:
            message = f"The sandbox has no {call.operation}; see docs/sandbox.md for what it leaves out"
            raise AwsError("AWS.SimpleQueueService.UnsupportedOperation", message)
        return operation(call)

    def admits(self, queue_arn: str, *, service: str, source_arn: str) -> bool:
        """Tell whether there is such a queue and its policy lets a service send for a resource of this account."""
        queue = self._queues.find(queue_arn.rpartition(":")[2])
        if queue is None or queue.queue_arn != queue_arn:
            return False
        now, account = self._world.clock.now(), self._world.account
        context = {
            "aws:SourceArn": source_arn,
            "aws:SourceAccount": account,
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": service,
            "aws:ResourceAccount": account,
            "aws:SecureTransport": "true",
            "aws:CurrentTime": now.isoformat(),
            "aws:EpochTime": str(int(now.timestamp())),
        }
        principal = Principal(arn=service, principal_arn=service, account="", service=service)
        request = evaluator.Request(principal, "sqs:SendMessage", queue_arn, context)
        return evaluator.evaluate(request, resource=_policy(queue)).allowed

    def post(self, queue_arn: str, body: str) -> None:
        """Send a message as a service."""
        self._queues.send(self._queues.get(queue_arn.rpartition(":")[2]), body, sender="s3.amazonaws.com")

    def reset(self) -> None:
        """Delete every queue."""
        self._queues.reset()

    def _create(self, call: Call) -> Answer:
        name, tags = call.parameters["QueueName"], call.parameters.get("tags") or {}
        self._require(call, "CreateQueue", name)
        if tags:
            self._require(call, "TagQueue", name)
        if not _NAMES.fullmatch(name):
            message = (
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length; "
                "the sandbox has no FIFO queues"
            )
            raise AwsError("InvalidParameterValue", message)
        queue = self._queues.create(name, call.parameters.get("Attributes") or {}, tags)
        return {"QueueUrl": self._url_of(call, queue)}

    def _delete(self, call: Call) -> Answer:
        self._queues.delete(self._queue(call, "DeleteQueue"))
        return {}

    def _url(self, call: Call) -> Answer:
        name = call.parameters["QueueName"]
        self._require(call, "GetQueueUrl", name)
        owner = call.parameters.get("QueueOwnerAWSAccountId") or self._world.account
        return {"QueueUrl": self._url_of(call, self._queues.get(name if owner == self._world.account else ""))}

    def _list(self, call: Call) -> Answer:
        authorization.require(call, "sqs:ListQueues", "*")
        given = call.parameters
        most, token = given.get("MaxResults") or LARGEST_PAGE, given.get("NextToken") or ""
        if not 1 <= most <= LARGEST_PAGE:
            raise AwsError("InvalidParameterValue", f"MaxResults is {most}; it is from 1 to {LARGEST_PAGE}.")
        prefix = given.get("QueueNamePrefix") or ""
        found = [queue for queue in self._queues.all() if queue.name.startswith(prefix) and queue.name > token]
        answer: dict[str, Any] = {"QueueUrls": [self._url_of(call, queue) for queue in found[:most]]}
        if given.get("MaxResults") and len(found) > most:
            answer["NextToken"] = found[most - 1].name
        return answer

    def _attributes(self, call: Call) -> Answer:
        queue = self._queue(call, "GetQueueAttributes")
        shown = self._queues.shown(queue, call.parameters.get("AttributeNames") or ())
        return {"Attributes": shown} if shown else {}

    def _change(self, call: Call) -> Answer:
        self._queues.change(self._queue(call, "SetQueueAttributes"), call.parameters["Attributes"])
        return {}

    def _purge(self, call: Call) -> Answer:
        self._queues.purge(self._queue(call, "PurgeQueue"))
        return {}

    def _send(self, call: Call) -> Answer:
        return self._sent(call, self._queue(call, "SendMessage"), call.parameters)

    def _sent(self, call: Call, queue: Queue, given: Mapping[str, Any]) -> dict[str, Any]:
        message = self._queues.send(
            queue,
            given["MessageBody"],
            sender=call.caller.user_id,
            delay=given.get("DelaySeconds"),
            given=given.get("MessageAttributes"),
        )
        return messages.sent(message)

    async def _receive(self, call: Call) -> Answer:
        """Wait for messages as long as the call says, or the queue: looked for every now and then, for some become
        visible again without anybody sending."""
        queue, given = self._queue(call, "ReceiveMessage"), call.parameters
        count = _within("MaxNumberOfMessages", given.get("MaxNumberOfMessages", 1), 1, MOST_MESSAGES)
        wait = given.get("WaitTimeSeconds", number(queue, "receive_message_wait_time_seconds"))
        wait = _within("WaitTimeSeconds", wait, 0, LONGEST_WAIT)
        hidden = _within(
            "VisibilityTimeout", given.get("VisibilityTimeout", number(queue, "visibility_timeout")), 0, 43_200
        )
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            found = self._queues.receive(
                self._queues.get(queue.name), count, hidden, given.get("MessageAttributeNames") or ()
            )
            if found or loop.time() >= end:
                break
            await asyncio.sleep(_LOOK_SECONDS)
        system = [*(given.get("AttributeNames") or ()), *(given.get("MessageSystemAttributeNames") or ())]
        return {"Messages": [messages.received(message, system) for message in found]} if found else {}

    def _delete_message(self, call: Call) -> Answer:
        self._queues.delete_message(self._queue(call, "DeleteMessage"), call.parameters["ReceiptHandle"])
        return {}

    def _change_visibility(self, call: Call) -> Answer:
        queue, given = self._queue(call, "ChangeMessageVisibility"), call.parameters
        self._queues.change_visibility(queue, given["ReceiptHandle"], given["VisibilityTimeout"])
        return {}

    def _send_batch(self, call: Call) -> Answer:
        queue = self._queue(call, "SendMessage")
        return _batch(call, lambda entry: self._sent(call, queue, entry))

    def _delete_batch(self, call: Call) -> Answer:
        queue = self._queue(call, "DeleteMessage")
        return _batch(call, lambda entry: self._queues.delete_message(queue, entry["ReceiptHandle"]))

    def _change_batch(self, call: Call) -> Answer:
        queue = self._queue(call, "ChangeMessageVisibility")

        def change(entry: Mapping[str, Any]) -> None:
            self._queues.change_visibility(queue, entry["ReceiptHandle"], entry.get("VisibilityTimeout", -1))

        return _batch(call, change)

    def _tag(self, call: Call) -> Answer:
        self._queues.tag(self._queue(call, "TagQueue"), call.parameters["Tags"])
        return {}

    def _untag(self, call: Call) -> Answer:
        self._queues.tag(self._queue(call, "UntagQueue"), {}, call.parameters["TagKeys"])
        return {}

    def _tags(self, call: Call) -> Answer:
        tags = self._queue(call, "ListQueueTags").tags
        return {"Tags": tags} if tags else {}

    def _sources(self, call: Call) -> Answer:
        target = self._queue(call, "ListDeadLetterSourceQueues")
        sources = [queue for queue in self._queues.all() if queue.dead_letter_queue is target]
        return {"queueUrls": [self._url_of(call, queue) for queue in sources]}

    def _queue(self, call: Call, action: str) -> Queue:
        """Give the queue a call names after asking whether the caller may do the action there."""
        account, _, name = urlsplit(call.parameters["QueueUrl"]).path.strip("/").rpartition("/")
        self._require(call, action, name)
        return self._queues.get(name if account in {"", self._world.account} else "")

    def _require(self, call: Call, action: str, name: str) -> None:
        queue = self._queues.find(name)
        authorization.require(
            call,
            f"sqs:{action}",
            f"arn:aws:sqs:{self._world.region}:{self._world.account}:{name}",
            {"aws:ResourceAccount": self._world.account},
            resource_policy=None if queue is None else _policy(queue),
        )

    def _url_of(self, call: Call, queue: Queue) -> str:
        return f"{call.endpoint}/{self._world.account}/{queue.name}"


def _policy(queue: Queue) -> Policy | None:
    return Policy.parse(queue.policy, "resource") if queue.policy else None


def _within(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        message = (
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
        )
        raise AwsError("InvalidParameterValue", message)
    return value


def _batch(call: Call, do: Callable[[Mapping[str, Any]], dict[str, Any] | None]) -> Answer:
    """Do something with each entry of a batch by itself; raises AwsError for a batch that is none."""
    entries = call.parameters["Entries"]
    ids = [entry["Id"] for entry in entries]
    code = "AWS.SimpleQueueService."
    if not ids:
        raise AwsError(f"{code}EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(ids) > MOST_MESSAGES:
        message = f"Maximum number of entries per request are {MOST_MESSAGES}. You have sent {len(ids)}."
        raise AwsError(f"{code}TooManyEntriesInBatchRequest", message)
    if len(set(ids)) < len(ids):
        raise AwsError(f"{code}BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
    if not all(_BATCH_IDS.fullmatch(number) for number in ids):
        message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores, 80 at most."
        raise AwsError(f"{code}InvalidBatchEntryId", message)
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    for entry in entries:
        try:
            good.append({"Id": entry["Id"], **(do(entry) or {})})
        except AwsError as error:
            sender = error.status < HTTPStatus.INTERNAL_SERVER_ERROR
            bad.append({"Id": entry["Id"], "Code": error.code, "Message": error.message, "SenderFault": sender})
    return {"Successful": good, "Failed": bad}
