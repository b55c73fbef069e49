"""Bucket settings the sandbox keeps itself: written and read as the client sent them.

A new bucket blocks public access and encrypts with SSE-S3, as AWS's do since 2023.
"""

from http import HTTPStatus
from xml.etree import ElementTree as ET

from grants.sandbox.errors import AwsError
from grants.sandbox.state import State

SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket_settings (
    bucket TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (bucket, name)
);
"""
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
# The root element, and the code that says a bucket has none of it.
KEPT = {
    "encryption": ("ServerSideEncryptionConfiguration", "ServerSideEncryptionConfigurationNotFoundError"),
    "logging": ("BucketLoggingStatus", ""),
    "ownershipControls": ("OwnershipControls", "OwnershipControlsNotFoundError"),
    "publicAccessBlock": ("PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration"),
}


def _xml(root: str, inner: str) -> str:
    return f'{_DECLARATION}<{root} xmlns="{NAMESPACE}">{inner}</{root}>'


_FIRST = {
    "encryption": _xml(
        "ServerSideEncryptionConfiguration",
        "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
        "</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>",
    ),
    "ownershipControls": _xml(
        "OwnershipControls", "<Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule>"
    ),
    "publicAccessBlock": _xml("PublicAccessBlockConfiguration", "".join(f"<{name}>true</{name}>" for name in _BLOCKS)),
}


class BucketSettings:
    """What is set for each bucket."""

    def __init__(self, state: State) -> None:
        """Keep it in `state`."""
        self._state = state

    def begin(self, bucket: str) -> None:
        """Give a new bucket what AWS's new buckets have."""
        with self._state.transaction():
            self.forget(bucket)
            self._state.many(
                "INSERT INTO bucket_settings VALUES (?, ?, ?)", [(bucket, name, body) for name, body in _FIRST.items()]
            )

    def forget(self, bucket: str) -> None:
        """Forget a bucket that is gone."""
        self._state.run("DELETE FROM bucket_settings WHERE bucket = ?", [bucket])

    def forget_all(self) -> None:
        """Forget every bucket."""
        self._state.run("DELETE FROM bucket_settings")

    def get(self, bucket: str, name: str) -> str | None:
        """Give a setting as it was written, or None."""
        row = self._state.one("SELECT body FROM bucket_settings WHERE bucket = ? AND name = ?", [bucket, name])
        return None if row is None else str(row["body"])

    def put(self, bucket: str, name: str, body: str) -> None:
        """Set one."""
        self._state.run("INSERT OR REPLACE INTO bucket_settings VALUES (?, ?, ?)", [bucket, name, body])

    def buckets_with(self, name: str) -> list[str]:
        """Give the buckets that have a setting, in order."""
        rows = self._state.all("SELECT bucket FROM bucket_settings WHERE name = ? ORDER BY bucket", [name])
        return [str(row["bucket"]) for row in rows]

    def delete(self, bucket: str, name: str) -> None:
        """Take one away; encryption falls back to what every bucket has."""
        if name == "encryption":
            self.put(bucket, name, _FIRST[name])
        else:
            self._state.run("DELETE FROM bucket_settings WHERE bucket = ? AND name = ?", [bucket, name])

    def shown(self, bucket: str, name: str) -> str:
        """Give a kept setting as an answer; raises the AwsError of a bucket that has none."""
        root, missing = KEPT[name]
        body = self.get(bucket, name)
        if body is None and missing:
            raise AwsError(missing, f"The {root} was not found", HTTPStatus.NOT_FOUND)
        return body or _xml(root, "")

    def blocks(self, bucket: str, block: str) -> bool:
        """Tell whether one of the four public access blocks is on."""
        body = self.get(bucket, "publicAccessBlock")
        if body is None:
            return False
        return ET.fromstring(body).findtext(f"{{*}}{block}", "false").strip().lower() == "true"  # noqa: S314


def checked(name: str, body: bytes) -> str:
    """Read a setting a client sent; raises AwsError MalformedXML when it is not what the operation takes."""
    malformed = AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate")
    if b"<!DOCTYPE" in body:
        raise malformed
    try:
        text = body.decode()
        root = ET.fromstring(text)  # noqa: S314
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise malformed from error
    if root.tag.rpartition("}")[2] != KEPT[name][0]:
        raise malformed
    if name == "publicAccessBlock" and any(child.tag.rpartition("}")[2] not in _BLOCKS for child in root):
        raise malformed
    return text
