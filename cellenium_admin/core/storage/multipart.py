"""Multipart uploads into the bucket of the h5ad store: begun, signed part by part, put together, ended.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from cellenium_admin.core import aws
from cellenium_admin.core.exceptions import ConflictError, UnavailableError
from cellenium_admin.core.storage.bucket import CHANGED, UNVERSIONED
from cellenium_admin.core.storage.place import BucketPlace, bucket_place

SMALLEST_PART, MOST_PARTS = 8 * 1024**2, 10_000
LARGEST_OBJECT = 5 * 1024**4
GONE = {"NoSuchUpload", "NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"}
# S3 looked at the parts and does not take them.
REFUSED_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidRequest", "MalformedXML"}


class MultipartGoneError(ConflictError):
    """There is no such multipart upload any more: put together, or ended."""

    code = "multipart_gone"


class PartsRefusedError(ConflictError):
    """S3 does not put these parts together."""

    code = "parts_refused"


@dataclass(frozen=True, slots=True)
class Part:
    """A part S3 has: `checksum` is SHA-256 in base64."""

    number: int
    size: int
    etag: str
    checksum: str


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where to send a part, and the headers that must go with it."""

    number: int
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Begun:
    """A multipart upload that is under way in the bucket."""

    key: str
    multipart_id: str
    begun_at: datetime


def part_size_for(size: int) -> int:
    """Choose the size of the parts: at least 8 MiB, doubled until 10,000 are enough."""
    part = SMALLEST_PART
    while -(-size // part) > MOST_PARTS:
        part *= 2
    return part


class MultipartStore:
    """The bucket as far as sending files part by part needs it; for one piece of work in one thread."""

    def __init__(self, place: BucketPlace | None = None) -> None:
        """Speak to S3 with our own credentials. Raises ConflictError when the store is a directory."""
        self.place = place or bucket_place()
        self._client = aws.client("s3")

    def begin(self, key: str) -> str:
        """Begin and give S3's id of it."""
        with _answering(self.place, key):
            answer = self._client.create_multipart_upload(
                Bucket=self.place.bucket, Key=key, ChecksumAlgorithm="SHA256", ContentType="application/x-hdf5"
            )
        return str(answer["UploadId"])

    def sign(
        self, key: str, multipart_id: str, wanted: Sequence[tuple[int, str, int]], seconds: int
    ) -> list[SignedPart]:
        """Sign the addresses of parts, given as number, SHA-256 in base64 and size; S3 takes nothing else there."""
        signer = aws.presigning_client("s3")
        return [
            SignedPart(
                number,
                signer.generate_presigned_url(
                    "upload_part",
                    Params={
                        "Bucket": self.place.bucket,
                        "Key": key,
                        "UploadId": multipart_id,
                        "PartNumber": number,
                        "ChecksumSHA256": checksum,
                        "ContentLength": size,
                    },
                    ExpiresIn=seconds,
                ),
                {"x-amz-checksum-sha256": checksum},
            )
            for number, checksum, size in wanted
        ]

    def parts(self, key: str, multipart_id: str) -> list[Part]:
        """Give the parts S3 has, in order. Raises MultipartGoneError, UnavailableError."""
        pages = self._client.get_paginator("list_parts")
        with _answering(self.place, key):
            return [
                Part(part["PartNumber"], part["Size"], part["ETag"], part.get("ChecksumSHA256", ""))
                for page in pages.paginate(Bucket=self.place.bucket, Key=key, UploadId=multipart_id)
                for part in page.get("Parts", ())
            ]

    def latest_part_at(self, key: str, multipart_id: str) -> datetime | None:
        """Tell when the newest part came, None without any or without the upload. Raises UnavailableError."""
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self.place.bucket, Key=key, UploadId=multipart_id
        )
        try:
            with _answering(self.place, key):
                return max((part["LastModified"] for page in pages for part in page.get("Parts", ())), default=None)
        except MultipartGoneError:
            return None

    def complete(self, key: str, multipart_id: str, parts: Sequence[Part]) -> None:
        """Put the parts together. Raises MultipartGoneError, PartsRefusedError, UnavailableError."""
        listed = [{"PartNumber": one.number, "ETag": one.etag, "ChecksumSHA256": one.checksum} for one in parts]
        with _answering(self.place, key):
            self._client.complete_multipart_upload(
                Bucket=self.place.bucket, Key=key, UploadId=multipart_id, MultipartUpload={"Parts": listed}
            )

    def end(self, key: str, multipart_id: str) -> None:
        """Throw the parts away; harmless when there is no such upload any more."""
        try:
            with _answering(self.place, key):
                self._client.abort_multipart_upload(Bucket=self.place.bucket, Key=key, UploadId=multipart_id)
        except MultipartGoneError:
            return

    def begun(self, prefix: str) -> Iterator[Begun]:
        """Give the multipart uploads under way below a key prefix, page after page."""
        pages = self._client.get_paginator("list_multipart_uploads")
        with _answering(self.place, prefix):
            for page in pages.paginate(Bucket=self.place.bucket, Prefix=prefix):
                for one in page.get("Uploads", ()):
                    yield Begun(one["Key"], one["UploadId"], one["Initiated"])

    def remove(self, key: str, revision: str) -> None:
        """Delete one revision and no other; harmless when it is not there any more. Raises UnavailableError."""
        bound = {"VersionId": revision}
        with _answering(self.place, key):
            if revision.startswith('"'):
                bound = self._without_version()
                if self._head(key, bound) != revision:
                    return
                bound = bound or {"IfMatch": revision}
            try:
                self._client.delete_object(Bucket=self.place.bucket, Key=key, **bound)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code", "") not in CHANGED:
                    raise

    def _without_version(self) -> dict[str, str]:
        """Name what was written without a version: where versions are kept by now, deleting it takes its own name."""
        kept = self._client.get_bucket_versioning(Bucket=self.place.bucket).get("Status")
        return {"VersionId": UNVERSIONED} if kept else {}

    def _head(self, key: str, bound: dict[str, str]) -> str | None:
        try:
            return str(self._client.head_object(Bucket=self.place.bucket, Key=key, **bound)["ETag"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in GONE:
                return None
            raise


@contextmanager
def _answering(place: BucketPlace, key: str) -> Iterator[None]:
    uri = f"s3://{place.bucket}/{key}"
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in GONE:
            raise MultipartGoneError(f"There is nothing (any more) at {uri}.") from error
        if code in REFUSED_PARTS:
            raise PartsRefusedError(f"S3 does not take the parts of {uri} ({code}): send them again.") from error
        raise UnavailableError(f"S3 refuses {uri}: {error}") from error
    except BotoCoreError as error:
        raise UnavailableError(f"S3 does not answer for {uri}: {error}") from error
