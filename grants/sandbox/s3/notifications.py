"""Which queue is told about which change: a bucket's notification configuration, checked as AWS checks it.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, Protocol

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import events
from grants.sandbox.s3.documents import BucketDocuments
from grants.sandbox.s3.event_post import EventPost
from grants.sandbox.s3.events import Change
from grants.sandbox.s3.visits import Visit
from grants.sandbox.world import World

Document = Mapping[str, Any]
SERVICE = "s3.amazonaws.com"
_ELSEWHERE = ("TopicConfigurations", "LambdaFunctionConfigurations", "EventBridgeConfiguration")


class Queues(Protocol):
    """What sends messages: SQS."""

    def admits(self, queue_arn: str, *, service: str, source_arn: str) -> bool:
        """Tell whether there is such a queue and its policy lets a service send for a resource."""

    def post(self, queue_arn: str, body: str) -> None:
        """Send a message as a service."""


class Notifications:
    """Tells queues what happens to objects."""

    def __init__(self, world: World, documents: BucketDocuments, queues: Queues) -> None:
        """Tell `queues` what the buckets' `documents` say they shall be told."""
        self._world, self._documents, self._queues = world, documents, queues
        self._post = EventPost(world, self._deliver)
        self._last = 0

    def checked(self, bucket: str, document: Document, *, unchecked: bool) -> dict[str, Any]:
        """Give a configuration with ids, and send each queue the test event; raises the AwsError of a bad one.

        With `unchecked` nobody asks whether the queues take messages.
        """
        for name in _ELSEWHERE:
            if name in document:
                raise AwsError("NotImplemented", f"The sandbox tells queues only; leave out {name}.", 501)
        entries = [{**entry, "Id": entry.get("Id") or secrets.token_urlsafe(36)} for entry in _entries(document)]
        _check(entries)
        if not unchecked:
            self._check_queues(bucket, entries)
        for queue in dict.fromkeys(entry["QueueArn"] for entry in entries):
            message = events.test_event(bucket, self._world.clock.now(), secrets.token_hex(8).upper())
            self._deliver(bucket, queue, json.dumps(message))
        return {"QueueConfigurations": entries} if entries else {}

    def happened(self, visit: Visit, change: Change) -> None:
        """Tell of a change that was carried out whoever wants to hear of it; at least once, in no certain order."""
        for entry in _entries(self._documents.of(change.bucket, "notification") or {}):
            if not _wants(entry, change):
                continue
            record = events.record(
                change,
                visit,
                region=self._world.region,
                time=self._world.clock.now(),
                configuration=entry["Id"],
                sequencer=self._sequencer(),
            )
            self._post.put(change.bucket, entry["QueueArn"], json.dumps({"Records": [record]}))

    def _deliver(self, bucket: str, queue: str, message: str) -> None:
        """Hand over a message; a queue that is gone or has closed its door loses it, as in AWS."""
        if self._queues.admits(queue, service=SERVICE, source_arn=f"arn:aws:s3:::{bucket}"):
            self._queues.post(queue, message)

    def _sequencer(self) -> str:
        self._last = max(time.time_ns(), self._last + 1)
        return f"00{self._last:016X}"

    def _check_queues(self, bucket: str, entries: Iterable[Document]) -> None:
        for entry in entries:
            queue = entry["QueueArn"]
            if not self._queues.admits(queue, service=SERVICE, source_arn=f"arn:aws:s3:::{bucket}"):
                message = (
                    f"Unable to validate the following destination configurations: {queue} is no queue of this account "
                    f"and Region whose policy lets {SERVICE} send messages for arn:aws:s3:::{bucket}"
                )
                raise AwsError("InvalidArgument", message)


def _entries(document: Document) -> list[dict[str, Any]]:
    return list(document.get("QueueConfigurations", ()))


def _check(entries: Iterable[Document]) -> None:
    ids = [entry["Id"] for entry in entries]
    if len(set(ids)) < len(ids):
        raise AwsError("InvalidArgument", "Same ID used for multiple configurations. IDs must be unique")
    for entry in entries:
        rules = [rule["Name"].lower() for rule in _rules(entry)]
        if len(set(rules)) < len(rules):
            raise AwsError("InvalidArgument", "Cannot specify more than one prefix or suffix rule in a filter.")
    for one, other in combinations(entries, 2):
        if _overlap(one, other):
            message = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
            raise AwsError("InvalidArgument", message)


def _overlap(one: Document, other: Document) -> bool:
    mine, theirs = (_rule(one, "prefix"), _rule(one, "suffix")), (_rule(other, "prefix"), _rule(other, "suffix"))
    if not (mine[0].startswith(theirs[0]) or theirs[0].startswith(mine[0])):
        return False
    if not (mine[1].endswith(theirs[1]) or theirs[1].endswith(mine[1])):
        return False
    return any(_covers(a, b) or _covers(b, a) for a in one["Events"] for b in other["Events"])


def _covers(wanted: str, event: str) -> bool:
    return wanted == event or (wanted.endswith("*") and event.startswith(wanted[:-1]))


def _wants(entry: Document, change: Change) -> bool:
    return (
        any(_covers(wanted, f"s3:{change.name}") for wanted in entry["Events"])
        and change.key.startswith(_rule(entry, "prefix"))
        and change.key.endswith(_rule(entry, "suffix"))
    )


def _rule(entry: Document, name: str) -> str:
    return next((rule.get("Value", "") for rule in _rules(entry) if rule["Name"].lower() == name), "")


def _rules(entry: Document) -> Iterator[Document]:
    yield from entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
