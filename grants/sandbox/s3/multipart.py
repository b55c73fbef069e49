"""Multipart uploads: the bytes go to SeaweedFS, the checksums of parts stay here, and AWS's refusals are said first.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html and the pages beside it,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import web
from botocore.exceptions import BotoCoreError, ClientError

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import checksums, multipart_lists, xml_documents
from grants.sandbox.s3.events import Change
from grants.sandbox.s3.forwarding import Forwarder, read_body, with_right_words
from grants.sandbox.s3.upload_records import PartRecord, UploadRecord, UploadRecords
from grants.sandbox.s3.visits import Visit
from grants.sandbox.world import World

XML = {"Content-Type": "application/xml"}
Part = Mapping[str, Any]


class Multipart:
    """Answers every operation on a multipart upload."""

    def __init__(self, world: World, forwarder: Forwarder, records: UploadRecords) -> None:
        """Forward through `forwarder`, and keep what SeaweedFS does not tell in `records`."""
        self._world, self._forwarder, self._records = world, forwarder, records
        self.operations = {
            "CreateMultipartUpload": self._create,
            "UploadPart": self._part,
            "UploadPartCopy": self._part_copy,
            "AbortMultipartUpload": self._abort,
            "ListParts": self._list_parts,
            "ListMultipartUploads": self._list_uploads,
        }

    async def complete(self, visit: Visit) -> tuple[web.Response, Change | None]:
        """Put the parts together when all are there and are what the client says; tells the change if it was made."""
        upload = visit.wish.query["uploadId"]
        body = await read_body(visit.request, of_body=False)
        wanted = xml_documents.read("CompleteMultipartUpload", body).get("Parts", [])
        there = await self._stored_parts(visit)
        if there is not None:
            self._check(wanted, there, upload)
        answer = await self._forwarder.exchange(visit.request, visit.target, body)
        made = ET.fromstring(answer.body) if answer.good else None  # noqa: S314
        if made is None or not made.tag.endswith("CompleteMultipartUploadResult"):
            return answer.response(visit.extra), None
        self._records.forget(upload)
        if there is None:
            return answer.response(visit.extra), None
        change = Change(
            name="ObjectCreated:CompleteMultipartUpload",
            bucket=visit.wish.bucket,
            key=visit.wish.key,
            size=sum(there[part["PartNumber"]]["Size"] for part in wanted),
            etag=(made.findtext("{*}ETag") or "").strip('"'),
            version=answer.headers.get("x-amz-version-id"),
        )
        return answer.response(visit.extra), change

    async def _create(self, visit: Visit) -> web.Response:
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            upload = ET.fromstring(answer.body).findtext("{*}UploadId") or ""  # noqa: S314
            algorithm = answer.headers.get("x-amz-checksum-algorithm", "")
            self._records.begin(upload, algorithm, answer.headers.get("x-amz-checksum-type", "COMPOSITE"))
        return answer.response(visit.extra)

    async def _part(self, visit: Visit) -> web.Response:
        upload, given = visit.wish.query["uploadId"], checksums.given(visit.parameters)
        record = self._records.of(upload)
        if record is not None and record.algorithm not in given:
            actual = next(iter(given), "null")
            message = (
                f"Checksum Type mismatch occurred, expected checksum Type: {record.algorithm}, "
                f"actual checksum Type: {actual}"
            )
            raise AwsError("InvalidRequest", message)
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            value = answer.headers.get(f"{checksums.HEADER}{record.algorithm}", "") if record else ""
            self._keep(visit, answer.headers.get("ETag", ""), value)
        return with_right_words(answer, given).response(visit.extra)

    async def _part_copy(self, visit: Visit) -> web.Response:
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            made = ET.fromstring(answer.body)  # noqa: S314
            self._keep(visit, made.findtext("{*}ETag") or "", "")
        return answer.response(visit.extra)

    def _keep(self, visit: Visit, etag: str, checksum: str) -> None:
        part = PartRecord(etag.strip('"'), checksum)
        self._records.keep_part(visit.wish.query["uploadId"], int(visit.wish.query["partNumber"]), part)

    async def _abort(self, visit: Visit) -> web.Response:
        if await self._stored_parts(visit) is None:
            raise _no_such_upload()
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if answer.good:
            self._records.forget(visit.wish.query["uploadId"])
        return answer.response(visit.extra)

    async def _list_parts(self, visit: Visit) -> web.Response:
        """Give the last of each part; SeaweedFS is asked as the caller first, which judges it too."""
        answer = await self._forwarder.exchange(visit.request, visit.target)
        there = await self._stored_parts(visit) if answer.good else None
        if there is None:
            return answer.response(visit.extra)
        upload = visit.wish.query["uploadId"]
        body = multipart_lists.parts(visit.wish, there, self._records.of(upload), self._records.parts(upload))
        return web.Response(body=body, headers={**visit.extra, **XML})

    async def _list_uploads(self, visit: Visit) -> web.Response:
        """Give all uploads in the order of their keys; SeaweedFS is asked as the caller first, which judges it too."""
        answer = await self._forwarder.exchange(visit.request, visit.target)
        if not answer.good:
            return answer.response(visit.extra)
        found = [
            multipart_lists.Upload(key, upload, begun, self._records.of(upload))
            for (key, upload), begun in (await asyncio.to_thread(self.unfinished, visit.wish.bucket)).items()
        ]
        body = multipart_lists.uploads(found, visit.wish)
        return web.Response(body=body, headers={**visit.extra, **XML})

    def unfinished(self, bucket: str) -> dict[tuple[str, str], Any]:
        """Give a bucket's uploads that have not ended: when they began, by key and upload id."""
        pages = self._world.seaweed.client("s3").get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
        return {
            (upload["Key"], upload["UploadId"]): upload["Initiated"]
            for page in pages
            for upload in page.get("Uploads", ())
        }

    def abort(self, bucket: str, key: str, upload: str) -> None:
        """End an upload as the account's root."""
        self._world.seaweed.client("s3").abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        self._records.forget(upload)

    async def _stored_parts(self, visit: Visit) -> dict[int, Part] | None:
        """Give the parts of an upload by number, or None when there is no such upload."""
        named = {"Bucket": visit.wish.bucket, "Key": visit.wish.key, "UploadId": visit.wish.query["uploadId"]}
        listed = await asyncio.to_thread(_parts_of, self._world.seaweed.client("s3"), named)
        return None if listed is None else last_of_each(listed, self._records.parts(named["UploadId"]))

    def _check(self, wanted: Sequence[Part], there: Mapping[int, Part], upload: str) -> None:
        record, known = self._records.of(upload), self._records.parts(upload)
        if not wanted:
            raise xml_documents.malformed("name at least one part")
        numbers = [part.get("PartNumber", 0) for part in wanted]
        if numbers != sorted(set(numbers)):
            message = "The list of parts was not in ascending order. Parts must be ordered by part number."
            raise AwsError("InvalidPartOrder", message)
        for part in wanted:
            number, etag = part.get("PartNumber", 0), part.get("ETag", "").strip('"')
            if number not in there or there[number]["ETag"].strip('"') != etag:
                raise _invalid_part()
            if record is not None:
                _check_checksum(part, record, known[number].checksum if number in known else "")


def _parts_of(client: Any, named: Mapping[str, str]) -> list[Part] | None:
    try:
        pages = list(client.get_paginator("list_parts").paginate(**named))
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchUpload":
            return None
        raise AwsError("InternalError", str(error), HTTPStatus.INTERNAL_SERVER_ERROR) from error
    except BotoCoreError as error:
        message = "The object server is not there right now. Please retry."
        raise AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE) from error
    return [part for page in pages for part in page.get("Parts", ())]


def last_of_each(listed: Sequence[Part], known: Mapping[int, PartRecord]) -> dict[int, Part]:
    """Give the parts by number: of several under one, that which is known to be the last, or looks youngest."""
    found: dict[int, Part] = {}
    for part in sorted(listed, key=lambda part: (part["PartNumber"], part["LastModified"])):
        number = part["PartNumber"]
        if number not in found or number not in known or part["ETag"].strip('"') == known[number].etag:
            found[number] = part
    return found


def _check_checksum(part: Part, record: UploadRecord, known: str) -> None:
    said = part.get(f"Checksum{checksums.NAMES[record.algorithm]}")
    if said is None and record.type == "COMPOSITE":
        message = (
            f"The upload was created using a {record.algorithm} checksum. The complete request must include the "
            f"checksum for each part. It was missing for part {part['PartNumber']} in the request."
        )
        raise AwsError("InvalidRequest", message)
    if said is not None and known and said != known:
        raise _invalid_part()


def _invalid_part() -> AwsError:
    message = (
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag."
    )
    return AwsError("InvalidPart", message)


def _no_such_upload() -> AwsError:
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed."
    )
    return AwsError("NoSuchUpload", message, HTTPStatus.NOT_FOUND)
