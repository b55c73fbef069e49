"""What S3 tells about a change of an object, in AWS's words.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from grants.sandbox.calls import Caller, CallerKind
from grants.sandbox.s3.visits import Visit

_OWNER = "A1SANDBOXOWNER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change that was carried out: its event's name without `s3:`, the object, and the revision it left."""

    name: str
    bucket: str
    key: str
    size: int | None = None
    etag: str = ""
    version: str | None = None


def record(
    change: Change, visit: Visit, *, region: str, time: datetime, configuration: str, sequencer: str
) -> dict[str, Any]:
    """Give the record of one change for one configuration; `time` is UTC."""
    found: dict[str, Any] = {"key": quote_plus(change.key, safe="/*", errors="surrogateescape")}
    if change.size is not None:
        found["size"] = change.size
    if change.etag:
        found["eTag"] = change.etag
    if change.version and change.version != "null":
        found["versionId"] = change.version
    found["sequencer"] = sequencer
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": written(time),
        "eventName": change.name,
        "userIdentity": {"principalId": _principal(visit.caller)},
        "requestParameters": {"sourceIPAddress": visit.request.remote or "127.0.0.1"},
        "responseElements": {"x-amz-request-id": visit.request_id, "x-amz-id-2": _host_id(visit.request_id)},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": {"principalId": _OWNER},
                "arn": f"arn:aws:s3:::{change.bucket}",
            },
            "object": found,
        },
    }


def test_event(bucket: str, time: datetime, request_id: str) -> dict[str, Any]:
    """Give the message a queue gets when a bucket's notifications are pointed at it."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": written(time),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": _host_id(request_id),
    }


def written(time: datetime) -> str:
    """Write a time as events have it: UTC, with milliseconds."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


def _principal(caller: Caller) -> str:
    return "Anonymous" if caller.kind is CallerKind.ANONYMOUS else f"AWS:{caller.user_id}"


def _host_id(request_id: str) -> str:
    return f"{request_id}/sandbox"
