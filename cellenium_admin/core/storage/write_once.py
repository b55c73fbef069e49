"""Places outside the database where small files are written once and never over: a directory, a prefix of a bucket.

What keeps others from removing them is the place's own business: Object Lock, another account, another owner.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cellenium_admin.core import aws
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, UnavailableError

S3 = "s3://"
MOST_BYTES = 64 * 1024
TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
GONE = {"NoSuchKey", "404"}
# Servers that speak S3 and do not know the condition.
UNCONDITIONAL = {"NotImplemented", "501"}


class AlreadyWrittenError(ConflictError):
    """Something else lies where a file was to be written for the first time."""

    code = "already_written"


class WriteOncePlace(Protocol):
    """Where files with plain names are written once."""

    def uri(self, name: str) -> str:
        """Say where a file lies or would lie."""

    def names(self, after: str = "") -> Iterator[str]:
        """Give the names of all files that sort behind one, in order. Raises UnavailableError."""

    def read(self, name: str) -> bytes | None:
        """Give at most 64 KiB of a file, None when it is not there. Raises UnavailableError."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or find it written. Raises AlreadyWrittenError when another is there, UnavailableError."""


def open_place(location: str) -> WriteOncePlace:
    """Open `s3://bucket/prefix/` or a directory. Raises InvalidInputError for what is neither."""
    if not location.startswith(S3):
        return DirectoryPlace(Path(location))
    bucket, _, prefix = location.removeprefix(S3).partition("/")
    if not bucket:
        raise InvalidInputError(f"{location} names no bucket: give s3://bucket/prefix/.")
    return BucketPlace(bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else "")


class DirectoryPlace:
    """A directory, which must be there: one that was not mounted must not look like an empty one."""

    def __init__(self, root: Path) -> None:
        """Keep the path."""
        self._root = root

    def uri(self, name: str) -> str:
        """Give the path."""
        return str(self._root.absolute() / name)

    def names(self, after: str = "") -> Iterator[str]:
        """List plain files that are not hidden."""
        with self._answering():
            found = sorted(entry.name for entry in os.scandir(self._root) if entry.is_file())
        return (name for name in found if name > after and not name.startswith("."))

    def read(self, name: str) -> bytes | None:
        """Read a file."""
        with self._answering():
            if not self._root.is_dir():
                raise NotADirectoryError(20, "it is not a directory")
            try:
                with (self._root / name).open("rb") as file:
                    return file.read(MOST_BYTES)
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Write beside it and link it into place, so that it is never half there and never replaces another."""
        with self._answering(), tempfile.NamedTemporaryFile(dir=self._root, prefix=".") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
            try:
                os.link(file.name, self._root / name)
            except FileExistsError:
                _compare(self, name, content)
            _sync(self._root)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(f"{self._root}: {error.strerror or error}; mount it or correct its name.") from error


class BucketPlace:
    """A prefix of a bucket; the credentials need s3:ListBucket, s3:GetObject and s3:PutObject there."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Open it for one piece of work."""
        self._bucket, self._prefix = bucket, prefix
        self._client = aws.client("s3")

    def uri(self, name: str) -> str:
        """Give the address of the object."""
        return f"{S3}{self._bucket}/{self._prefix}{name}"

    def names(self, after: str = "") -> Iterator[str]:
        """List the objects right below the prefix, page after page."""
        where = {"Bucket": self._bucket, "Prefix": self._prefix, "StartAfter": f"{self._prefix}{after}"}
        with self._answering(""):
            for page in self._client.get_paginator("list_objects_v2").paginate(**where):
                names = (entry["Key"].removeprefix(self._prefix) for entry in page.get("Contents", ()))
                yield from (name for name in names if name and "/" not in name)

    def read(self, name: str) -> bytes | None:
        """Read an object."""
        with self._answering(name):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")
            except ClientError as error:
                if _code(error) in GONE:
                    return None
                raise
            with answer["Body"] as body:
                return bytes(body.read(MOST_BYTES))

    def write(self, name: str, content: bytes) -> None:
        """Put an object where none is; the look beforehand is for servers that do not know the condition."""
        if self.read(name) is not None:
            return _compare(self, name, content)
        with self._answering(name):
            try:
                self._put(name, content, IfNoneMatch="*")
            except ClientError as error:
                if _code(error) in UNCONDITIONAL:
                    self._put(name, content)
                elif _code(error) in TAKEN:
                    _compare(self, name, content)
                else:
                    raise
        return None

    def _put(self, name: str, content: bytes, **condition: str) -> None:
        key = f"{self._prefix}{name}"
        where: dict[str, Any] = {"Bucket": self._bucket, "Key": key, **condition}
        self._client.put_object(**where, Body=content, ContentType="application/json")

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise UnavailableError(f"S3 refuses {self.uri(name)}: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError(f"S3 does not answer for {self.uri(name)}: {error}") from error


def _compare(place: WriteOncePlace, name: str, content: bytes) -> None:
    """Accept what an attempt wrote whose answer was lost, and nothing else."""
    found = place.read(name)
    if found is None:
        raise UnavailableError(f"{place.uri(name)} is being written or removed by somebody else; try again.")
    if found != content:
        raise AlreadyWrittenError(f"{place.uri(name)} holds something else; nothing was written over it.")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
