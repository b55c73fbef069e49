"""Settings of buckets the front acts on: CORS and lifecycle rules, notifications; what is kept was checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import xml_documents
from grants.sandbox.s3.settings import BucketSettings

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one of them is called: its operations, its root element, and the error of a bucket without (none: empty)."""

    put: str
    get: str
    root: str
    missing: str = ""
    message: str = ""


KINDS = {
    "cors": Kind(
        "PutBucketCors", "GetBucketCors", "CORSConfiguration",
        "NoSuchCORSConfiguration", "The CORS configuration does not exist",
    ),
    "lifecycle": Kind(
        "PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration", "LifecycleConfiguration",
        "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist",
    ),
    "notification": Kind(
        "PutBucketNotificationConfiguration", "GetBucketNotificationConfiguration", "NotificationConfiguration"
    ),
}  # fmt: skip


class BucketDocuments:
    """These settings of each bucket, parsed once."""

    def __init__(self, settings: BucketSettings) -> None:
        """Keep them among the `settings`."""
        self._settings = settings
        self._parsed: dict[tuple[str, str], Document | None] = {}

    def read(self, name: str, body: bytes) -> dict[str, Any]:
        """Read what a client sent; raises MalformedXML."""
        return xml_documents.read(KINDS[name].put, body)

    def of(self, bucket: str, name: str) -> Document | None:
        """Give a bucket's, or None."""
        if (bucket, name) not in self._parsed:
            text = self._settings.get(bucket, name)
            self._parsed[bucket, name] = None if text is None else self.read(name, text.encode())
        return self._parsed[bucket, name]

    def shown(self, bucket: str, name: str) -> bytes:
        """Give the answer that shows it; raises the AwsError of a bucket that has none."""
        kind, text = KINDS[name], self._settings.get(bucket, name)
        if text is None and kind.missing:
            raise AwsError(kind.missing, kind.message, HTTPStatus.NOT_FOUND)
        return xml_documents.write(kind.get, kind.root, {}) if text is None else text.encode()

    def put(self, bucket: str, name: str, document: Document) -> None:
        """Set a checked one."""
        kind = KINDS[name]
        self._settings.put(bucket, name, xml_documents.write(kind.get, kind.root, document).decode())
        self._parsed.pop((bucket, name), None)

    def delete(self, bucket: str, name: str) -> None:
        """Take it away; no error when there is none."""
        self._settings.delete(bucket, name)
        self._parsed.pop((bucket, name), None)

    def having(self, name: str) -> list[str]:
        """Give the buckets that have one."""
        return self._settings.buckets_with(name)

    def forget(self, bucket: str | None = None) -> None:
        """Read a bucket's anew when next asked for, or all."""
        for key in [key for key in self._parsed if bucket in {None, key[0]}]:
            del self._parsed[key]
