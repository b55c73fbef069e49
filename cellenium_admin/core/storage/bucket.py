"""The h5ad store as a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from cellenium_admin.core import aws
from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage import files
from cellenium_admin.core.storage.files import OnBytes, StoredFile

CHANGED = {"PreconditionFailed", "412"}
# The newest version of a removed object is a marker, which no method can read.
GONE = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "404", "405"}
UNVERSIONED = "null"


class BucketStorage(S3Storage):
    """A bucket, or what lies under one prefix of it.

    A revision is the version id where the bucket keeps versions, else the entity tag in its quotes.
    """

    def __init__(self, **options: Any) -> None:
        """Take patience, region, endpoint and credentials from `core.aws` alone."""
        super().__init__(**options, client_config=aws.s3_config())

    def _create_session(self) -> Any:
        return aws.session()

    def files(self, prefix: str) -> Iterator[StoredFile]:
        """Give all objects, page after page. Raises UnavailableError."""
        start = f"{self._root}{prefix}"
        with _answering(f"s3://{self.bucket_name}/{start}"):
            for entry in self._versions(start) if self._keeps_versions() else self._objects(start):
                if not entry["Key"].endswith("/"):
                    yield self._stored(entry)

    def look(self, key: str) -> StoredFile | None:
        """Give what lies under one key now, exactly as a listing tells it. Raises UnavailableError."""
        first = next(self.files(key), None)
        return first if first is not None and first.key == key else None

    def fetch(self, uri: str, revision: str, target: BinaryIO, on_bytes: OnBytes) -> str:
        """Write one revision into an open file and give its SHA-256.

        Raises InvalidInputError, FileChangedError, FileGoneError, UnavailableError.
        """
        bound = {"IfMatch": revision} if revision.startswith('"') else {"VersionId": revision}
        with _answering(uri), _bound(uri):
            answer = self._client.get_object(Bucket=self.bucket_name, Key=self._key(uri), **bound)
            # A server that does not know the condition sends what lies there now.
            if revision not in {answer["ETag"], answer.get("VersionId")}:
                raise files.changed(uri)
            digest, _ = files.copy(answer["Body"].read, target, on_bytes)
        return digest

    def name_of(self, uri: str) -> str:
        """Give the name of an object below the root. Raises InvalidInputError for what is not of this store."""
        return self._key(uri).removeprefix(self._root)

    def address_of(self, path: Path) -> str | None:
        """Give the address of a file of this host that lies in the store: none does."""
        del path
        return None

    def add(self, name: str, path: Path, on_bytes: OnBytes) -> None:
        """Copy a file to a name, in parts if it is large; it appears when it is whole. Raises UnavailableError."""
        with _answering(f"s3://{self.bucket_name}/{self._root}{name}"), files.Counted(path, on_bytes) as source:
            self.save(name, source)

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    @property
    def _root(self) -> str:
        return f"{self.location}/" if self.location else ""

    def _keeps_versions(self) -> bool:
        # Where they are suspended, what was written before still has them.
        return bool(self._client.get_bucket_versioning(Bucket=self.bucket_name).get("Status"))

    def _objects(self, start: str) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=start):
            yield from page.get("Contents", ())

    def _versions(self, start: str) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket_name, Prefix=start):
            yield from (entry for entry in page.get("Versions", ()) if entry["IsLatest"])

    def _stored(self, entry: dict[str, Any]) -> StoredFile:
        version = entry.get("VersionId", UNVERSIONED)
        return StoredFile(
            uri=f"s3://{self.bucket_name}/{entry['Key']}",
            key=entry["Key"].removeprefix(self._root),
            # What was written without a version has this one, whatever it is: only the entity tag tells.
            revision=entry["ETag"] if version == UNVERSIONED else version,
            size=entry["Size"],
            modified_at=entry["LastModified"],
        )

    def _key(self, uri: str) -> str:
        bucket = f"s3://{self.bucket_name}/"
        if not uri.startswith(f"{bucket}{self._root}"):
            raise files.outside(uri)
        return uri.removeprefix(bucket)


@contextmanager
def _answering(uri: str) -> Iterator[None]:
    """Raise UnavailableError for whatever S3 refuses or does not answer."""
    try:
        yield
    except ClientError as error:
        raise UnavailableError(f"S3 refuses {uri}: {error}") from error
    except BotoCoreError as error:
        raise UnavailableError(f"S3 does not answer for {uri}: {error}") from error


@contextmanager
def _bound(uri: str) -> Iterator[None]:
    """Raise FileChangedError or FileGoneError when S3 says that the revision is not there."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in CHANGED:
            raise files.changed(uri) from error
        if code in GONE:
            raise files.gone(uri) from error
        raise
