"""The answers of ListParts and ListMultipartUploads, in AWS's order and pages. Pure.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import xml_documents
from grants.sandbox.s3.actions import S3Request
from grants.sandbox.s3.checksums import NAMES
from grants.sandbox.s3.upload_records import PartRecord, UploadRecord

LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Upload:
    """One unfinished upload."""

    key: str
    id: str
    initiated: datetime
    record: UploadRecord | None


def parts(
    wish: S3Request,
    there: Mapping[int, Mapping[str, Any]],
    record: UploadRecord | None,
    known: Mapping[int, PartRecord],
) -> bytes:
    """Write the parts of an upload that a request asks for, with the checksums that are known."""
    most, marker = _page_size(wish.query, "max-parts"), _number(wish.query, "part-number-marker", 0)
    found = [there[number] for number in sorted(there) if number > marker]
    shown = [_part(part, record, known.get(part["PartNumber"])) for part in found[:most]]
    answer: dict[str, Any] = {
        "Bucket": wish.bucket,
        "Key": wish.key,
        "UploadId": wish.query["uploadId"],
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1]["PartNumber"] if shown else 0,
        "MaxParts": most,
        "IsTruncated": len(found) > most,
        "Parts": shown,
        "StorageClass": "STANDARD",
    }
    if record is not None:
        answer |= {"ChecksumAlgorithm": NAMES[record.algorithm], "ChecksumType": record.type}
    return xml_documents.write("ListParts", "ListPartsResult", answer)


def uploads(found: Sequence[Upload], wish: S3Request) -> bytes:
    """Write the uploads of a bucket that a request asks for."""
    query, most = wish.query, _page_size(wish.query, "max-uploads")
    entries = list(_entries(found, query))
    shown = entries[:most]
    answer: dict[str, Any] = {
        "Bucket": wish.bucket,
        "KeyMarker": _coded(query.get("key-marker", ""), query),
        "UploadIdMarker": query.get("upload-id-marker", ""),
        "Prefix": _coded(query.get("prefix", ""), query),
        "MaxUploads": most,
        "IsTruncated": len(entries) > most,
        "Uploads": [_shown(entry, query) for entry in shown if isinstance(entry, Upload)],
        "CommonPrefixes": [{"Prefix": _coded(entry, query)} for entry in shown if isinstance(entry, str)],
    }
    if query.get("delimiter"):
        answer["Delimiter"] = _coded(query["delimiter"], query)
    if query.get("encoding-type"):
        answer["EncodingType"] = query["encoding-type"]
    if answer["IsTruncated"] and shown:
        last = shown[-1]
        answer["NextKeyMarker"] = _coded(last if isinstance(last, str) else last.key, query)
        answer["NextUploadIdMarker"] = "" if isinstance(last, str) else last.id
    return xml_documents.write("ListMultipartUploads", "ListMultipartUploadsResult", answer)


def _entries(found: Sequence[Upload], query: Mapping[str, str]) -> Iterator[Upload | str]:
    """Give uploads after the markers, and instead of those behind a delimiter their common prefix, once."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    seen: set[str] = set()
    for upload in sorted(
        found, key=lambda upload: (upload.key.encode("utf-8", "surrogateescape"), upload.initiated, upload.id)
    ):
        if not upload.key.startswith(prefix):
            continue
        head, cut, _ = upload.key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        common = f"{prefix}{head}{cut}" if cut else ""
        if not _after_markers(upload, common, found, query) or common in seen:
            continue
        if common:
            seen.add(common)
        yield common or upload


def _after_markers(upload: Upload, common: str, found: Sequence[Upload], query: Mapping[str, str]) -> bool:
    marker, id_marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
    if not marker or (common or upload.key) > marker:
        return True
    if common or upload.key != marker or not id_marker:
        return False
    last = next((other for other in found if other.key == marker and other.id == id_marker), None)
    return (upload.initiated, upload.id) > (last.initiated, last.id) if last else upload.id > id_marker


def _shown(upload: Upload, query: Mapping[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Key": _coded(upload.key, query),
        "UploadId": upload.id,
        "Initiated": upload.initiated.astimezone(UTC),
        "StorageClass": "STANDARD",
    }
    if upload.record is not None:
        answer |= {"ChecksumAlgorithm": NAMES[upload.record.algorithm], "ChecksumType": upload.record.type}
    return answer


def _part(stored: Mapping[str, Any], record: UploadRecord | None, known: PartRecord | None) -> dict[str, Any]:
    part: dict[str, Any] = {
        "PartNumber": stored["PartNumber"],
        "LastModified": stored["LastModified"].astimezone(UTC),
        "ETag": stored["ETag"],
        "Size": stored["Size"],
    }
    if record is not None and known is not None and known.checksum and known.etag == stored["ETag"].strip('"'):
        part[f"Checksum{NAMES[record.algorithm]}"] = known.checksum
    return part


def _page_size(query: Mapping[str, str], name: str) -> int:
    return min(_number(query, name, LARGEST_PAGE), LARGEST_PAGE)


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdigit():
        raise AwsError("InvalidArgument", f"Provided {name} not an integer or within integer range")
    return int(text)


def _coded(text: str, query: Mapping[str, str]) -> str:
    return quote(text, safe="/", errors="surrogateescape") if query.get("encoding-type") == "url" else text
