"""Files of our own kept under one prefix of a bucket: put, fetched and told by name, whole or not at all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from cellenium_admin.core import aws
from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage import files
from cellenium_admin.core.storage.bucket import GONE
from cellenium_admin.core.storage.files import FileGoneError, OnBytes

# Parts of a large file are sent one after the other: what is in memory is one part.
PART_BYTES = 64 * 1024**2
MOST_DELETED = 1000


class ObjectTree:
    """What lies below an address such as `s3://bucket/prefix`; for one piece of work, in one thread."""

    def __init__(self, uri: str) -> None:
        """Open it. Raises ValueError for what is no such address."""
        place = urlsplit(uri)
        if place.scheme != "s3" or not place.netloc:
            raise ValueError(f"{uri!r} is no address of a bucket: give s3://bucket or s3://bucket/prefix")
        self.uri = uri.rstrip("/")
        self._bucket, root = place.netloc, place.path.strip("/")
        self._root = f"{root}/" if root else ""
        self._client = aws.client("s3")

    def put(self, name: str, path: Path, on_bytes: OnBytes | None = None) -> None:
        """Send a file, in place of what has its name. Raises UnavailableError."""
        transfer = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, use_threads=False)
        sent = 0

        def count(more: int) -> None:
            nonlocal sent
            sent += more
            if on_bytes:
                on_bytes(sent)

        with self._answering(name):
            self._client.upload_file(str(path), self._bucket, self._root + name, Config=transfer, Callback=count)

    def fetch(self, name: str, target: BinaryIO, on_bytes: OnBytes | None = None) -> str:
        """Write what has a name into an open file and give its SHA-256. Raises FileGoneError, UnavailableError."""
        with self._answering(name):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._root + name)
            digest, _ = files.copy(answer["Body"].read, target, on_bytes or files.unheard)
        return digest

    def folders(self) -> Iterator[str]:
        """Give the names of the folders right below. Raises UnavailableError."""
        with self._answering(""):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._root, Delimiter="/"):
                for entry in page.get("CommonPrefixes", ()):
                    yield str(entry["Prefix"]).removeprefix(self._root).rstrip("/")

    def remove(self, folder: str) -> int:
        """Take away everything in one folder and count it. Raises UnavailableError."""
        count = 0
        with self._answering(folder):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._root}{folder}/"):
                keys = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
                self._delete(keys)
                count += len(keys)
        return count

    def _delete(self, keys: Sequence[dict[str, str]]) -> None:
        for first in range(0, len(keys), MOST_DELETED):
            some = list(keys[first : first + MOST_DELETED])
            answer: Any = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
            if failed := answer.get("Errors"):
                raise UnavailableError(f"S3 does not delete {failed[0].get('Key')}: {failed[0].get('Message')}")

    @contextmanager
    def _answering(self, name: str) -> Iterator[None]:
        uri = f"{self.uri}/{name}"
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in GONE:
                raise FileGoneError(f"{uri} is not there.") from error
            raise UnavailableError(f"S3 refuses {uri}: {error}") from error
        except (BotoCoreError, Boto3Error) as error:
            raise UnavailableError(f"S3 does not answer for {uri}: {error}") from error
