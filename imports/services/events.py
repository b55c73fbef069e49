"""What the bucket tells of new objects: a hint to look, never the truth.

Messages come at least once and in any order, and say what once was; what lies there now is looked at, and becomes an
upload in the same way as in a scan.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.event_queue import EventQueue, Message
from cellenium_admin.core.storage.place import BucketPlace, bucket_place
from imports.services import arrivals
from imports.services.uploads import owners_of

logger = logging.getLogger(__name__)

ACTOR = Actor.system("imports.read_events")
MOST_ROUNDS = 100
# Bytes. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
LONGEST_KEY = 1024


class MalformedMessageError(ValueError):
    """A message that is not what S3 writes."""


def read_queue(*, wait_seconds: int = 0, rounds: int = MOST_ROUNDS) -> dict[str, int]:
    """Take messages from the queue until it is empty, and count what they brought: `new`, `known`, `other`, `bad`.

    A message is forgotten once what it tells is committed; one that cannot be read stays for the queue's own redrive.
    Raises UnavailableError.
    """
    queue, place, done = EventQueue(settings.EVENT_QUEUE_URL), bucket_place(), Counter[str]()
    for _ in range(rounds):
        messages = queue.receive(wait_seconds=wait_seconds)
        if not messages:
            break
        queue.delete([message for message in messages if _take(message, place, done)])
    return dict(done)


def names_in(body: str, place: BucketPlace) -> Iterator[str]:
    """Give the names, below the root, of the objects a message says were made. Raises MalformedMessageError."""
    try:
        content = json.loads(body)
        if isinstance(content, dict) and content.get("Event") == "s3:TestEvent":
            return
        records = content["Records"]
        found = [_name(record, place) for record in records]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedMessageError(f"{type(error).__name__}") from error
    yield from (name for name in found if name is not None)


def _take(message: Message, place: BucketPlace, done: Counter[str]) -> bool:
    """Take in one message; False when it shall stay in the queue."""
    try:
        names = list(dict.fromkeys(names_in(message.body, place)))
    except MalformedMessageError as error:
        done["bad"] += 1
        logger.warning("The message %s of the event queue is not from S3 (%s).", message.id, error)
        return False
    if not names:
        done["other"] += 1
    for name in names:
        done["new" if _look(name) else "known"] += 1
    return True


def _look(name: str) -> bool:
    """Look at what lies there now; what was removed meanwhile is nothing."""
    file = storage.look(name)
    if file is None:
        return False
    owner = owners_of([file]).get(file.key)
    if owner is None and not arrivals.is_known(file.key):
        return False
    return arrivals.record(file, owner=owner, actor=ACTOR)


def _name(record: Mapping[str, Any], place: BucketPlace) -> str | None:
    """Give the name of an object that was made where we look for files, None for anything else."""
    if not record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
        return None
    if record["s3"]["bucket"]["name"] != place.bucket:
        return None
    key = unquote_plus(record["s3"]["object"]["key"], errors="strict")
    if len(key.encode()) > LONGEST_KEY:
        raise MalformedMessageError("no key of S3 is so long")
    if not key.startswith(place.key(settings.SCAN_PREFIX)) or key.endswith("/"):
        return None
    if not arrivals.can_be_kept(place.uri(key.removeprefix(place.root))):
        return None
    return key.removeprefix(place.root)
