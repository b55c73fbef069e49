"""What a stack needs besides for uploads: names of its queues, and its own rules among those of others on the bucket.

S3 keeps CORS, lifecycle and notifications of a bucket as one document each, which is written whole: our rules are told
from those of others by their ids.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from grants import stack_policies

Rule = dict[str, Any]
LONGEST_QUEUE_NAME, LONGEST_ROLE_NAME = 80, 64
SHORTEST_DAYS = 7
RECEIVES = 5
FOUR_DAYS, FOURTEEN_DAYS = 345_600, 1_209_600
# What a page may send with a part, and see of the answer.
HEADERS, SHOWN_HEADERS = ("content-type", "x-amz-checksum-sha256"), ("ETag", "x-amz-checksum-sha256")


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it should be: its attributes as SQS takes them."""

    part: str
    name: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Uploads:
    """The parts of a stack for uploads; `cors` is None where no page of another origin sends files."""

    cors_id: str
    cors: Rule | None
    lifecycle: Rule
    events: Queue
    dead_letters: Queue
    notification: Rule


def desired(*, bucket: str, prefix: str, account: str, region: str, partition: str) -> Uploads:
    """Give the parts for uploads below `prefix`, from the settings."""
    name, dead = queue_names(bucket)
    sqs = f"arn:{partition}:sqs:{region}:{account}"
    return Uploads(
        cors_id=f"{settings.DEPLOYMENT}-browser-uploads",
        cors=_cors(f"{settings.DEPLOYMENT}-browser-uploads", settings.ALLOWED_ORIGIN),
        lifecycle=_lifecycle(f"{settings.DEPLOYMENT}-unfinished-uploads", prefix),
        events=Queue("event queue", name, _events(f"{sqs}:{name}", f"{sqs}:{dead}", bucket=bucket, account=account)),
        dead_letters=Queue("dead letters", dead, _dead_letters(f"{sqs}:{dead}")),
        notification=_notification(f"{settings.DEPLOYMENT}-uploads", f"{sqs}:{name}", prefix),
    )


def queue_names(bucket: str) -> tuple[str, str]:
    """Give the names of the queue of events and of that for what nobody could read."""
    name = short_name(bucket, "events", longest=LONGEST_QUEUE_NAME - len("-dead"), forbidden=r"[^A-Za-z0-9_-]")
    return name, f"{name}-dead"


def short_name(bucket: str, what: str, *, longest: int, forbidden: str = r"[^\w+=,.@-]") -> str:
    """Give `<deployment>-<bucket>-<what>`; where that is no name in AWS, a readable one with a digest of it.

    Cutting alone would give two buckets one role.
    """
    name = f"{settings.DEPLOYMENT}-{bucket}-{what}"
    plain = re.sub(forbidden, "-", name, flags=re.ASCII)
    if plain == name and len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    head = plain[: longest - len(digest) - len(what) - 2]
    return f"{head}-{digest}-{what}"


def _cors(rule_id: str, origin: str) -> Rule | None:
    if not origin:
        return None
    return {
        "ID": rule_id,
        "AllowedOrigins": [origin],
        "AllowedMethods": ["PUT", "GET"],
        "AllowedHeaders": list(HEADERS),
        "ExposeHeaders": list(SHOWN_HEADERS),
        "MaxAgeSeconds": 3600,
    }


def _lifecycle(rule_id: str, prefix: str) -> Rule:
    """Give the rule that ends what nobody finished: later than this service itself does."""
    days = max(SHORTEST_DAYS, settings.UPLOAD_STALE_HOURS // 24 + 2)
    return {
        "ID": rule_id,
        "Status": "Enabled",
        "Filter": {"Prefix": prefix},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }


def _events(queue_arn: str, dead_arn: str, *, bucket: str, account: str) -> dict[str, str]:
    """Give the attributes of the queue; a scan finds what a lost message told of."""
    redrive = {"deadLetterTargetArn": dead_arn, "maxReceiveCount": RECEIVES}
    return {
        "VisibilityTimeout": "300",
        "MessageRetentionPeriod": str(FOUR_DAYS),
        "SqsManagedSseEnabled": "true",
        "Policy": json.dumps(stack_policies.event_queue(queue_arn, bucket=bucket, account=account)),
        "RedrivePolicy": json.dumps(redrive),
    }


def _dead_letters(queue_arn: str) -> dict[str, str]:
    """Give the attributes of the other queue: its messages keep the age they have, so it keeps them longer."""
    return {
        "MessageRetentionPeriod": str(FOURTEEN_DAYS),
        "SqsManagedSseEnabled": "true",
        "Policy": json.dumps(stack_policies.dead_letters(queue_arn)),
    }


def _notification(rule_id: str, queue_arn: str, prefix: str) -> Rule:
    return {
        "Id": rule_id,
        "QueueArn": queue_arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": prefix}]}},
    }
