"""Additional checksums: of whole objects and of parts, by header and by presigned URL; a wrong one stores nothing.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from grants.sandbox.s3.multipart import last_of_each
from grants.sandbox.s3.upload_records import PartRecord
from tests.support.sandbox import Aws, refusal

LARGE, SMALL = b"1" * (5 << 20), b"2" * 100


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def error(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    return aws.make_bucket(versioned=True)


@pytest.fixture
def upload(aws: Aws, bucket: str) -> dict[str, str]:
    named = {"Bucket": bucket, "Key": aws.name("upload")}
    begun = aws("s3").create_multipart_upload(**named, ChecksumAlgorithm="SHA256")
    assert begun["ChecksumAlgorithm"] == "SHA256"
    return {**named, "UploadId": begun["UploadId"]}


def link(aws: Aws, upload: dict[str, str], number: int, body: bytes) -> str:
    signed = {**upload, "PartNumber": number, "ChecksumSHA256": digest(body)}
    return str(aws("s3").generate_presigned_url("upload_part", Params=signed))


def put(url: str, body: bytes, said: bytes | None = None) -> requests.Response:
    headers = {} if said is None else {"x-amz-checksum-sha256": digest(said)}
    return requests.put(url, data=body, headers=headers, timeout=60)


def uploaded(aws: Aws, upload: dict[str, str]) -> list[dict[str, Any]]:
    for number, body in enumerate((LARGE, SMALL), 1):
        assert put(link(aws, upload, number, body), body, body).status_code == 200
    members = ("PartNumber", "ETag", "ChecksumSHA256")
    return [{name: part[name] for name in members} for part in aws("s3").list_parts(**upload)["Parts"]]


def test_a_presigned_part_is_what_was_signed_or_nothing(aws: Aws, upload: dict[str, str]) -> None:
    url = link(aws, upload, 1, LARGE)
    assert "x-amz-checksum-sha256" in url
    assert error(put(url, SMALL, LARGE)) == (400, "BadDigest")
    assert error(put(url, SMALL, SMALL)) == (403, "SignatureDoesNotMatch")
    assert error(put(url, LARGE)) == (403, "SignatureDoesNotMatch")
    assert "Parts" not in aws("s3").list_parts(**upload)
    done = put(url, LARGE, LARGE)
    assert done.status_code == 200
    assert done.headers["x-amz-checksum-sha256"] == digest(LARGE)


def test_the_message_names_the_algorithm(aws: Aws, bucket: str) -> None:
    with pytest.raises(ClientError, match="The SHA256 you specified did not match the calculated checksum"):
        aws("s3").put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256=digest(b"y"))
    with pytest.raises(ClientError, match="The CRC32 you specified") as refused:
        aws("s3").put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==")
    assert refused.value.response["Error"]["Code"] == "BadDigest"
    assert refusal(aws("s3").put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256="zz") == "InvalidRequest"
    assert refusal(aws("s3").head_object, Bucket=bucket, Key="k") == "404"


def test_parts_are_listed_with_their_checksums(aws: Aws, upload: dict[str, str]) -> None:
    uploaded(aws, upload)
    listed = aws("s3").list_parts(**upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ("SHA256", "COMPOSITE")
    shown = [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in listed["Parts"]]
    assert shown == [(1, len(LARGE), digest(LARGE)), (2, len(SMALL), digest(SMALL))]


def test_a_part_put_again_has_its_new_checksum(aws: Aws, upload: dict[str, str]) -> None:
    before = uploaded(aws, upload)
    for other in (b"3" * 101, b"4" * 99):
        assert put(link(aws, upload, 2, other), other, other).status_code == 200
        listed = aws("s3").list_parts(**upload)["Parts"]
        assert [(part["PartNumber"], part["ChecksumSHA256"]) for part in listed] == [
            (1, digest(LARGE)),
            (2, digest(other)),
        ]
    completing = aws("s3").complete_multipart_upload
    assert refusal(completing, **upload, MultipartUpload={"Parts": before}) == "InvalidPart"
    parts = [before[0], {name: listed[1][name] for name in before[1]}]
    assert refusal(completing, **upload, MultipartUpload={"Parts": parts}) is None
    named = {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    assert aws("s3").get_object(**named)["Body"].read() == LARGE + b"4" * 99


@pytest.mark.parametrize("last", range(3))
def test_of_attempts_in_one_second_the_last_counts(last: int) -> None:
    """SeaweedFS lists every attempt, with times in whole seconds and in no certain order."""
    now = datetime.now(UTC)
    listed = [{"PartNumber": 1, "ETag": f'"{number}"', "LastModified": now} for number in range(3)]
    known = {1: PartRecord(str(last))}
    assert last_of_each(listed, known) == {1: listed[last]}
    listed[1]["LastModified"] = now + timedelta(seconds=1)
    assert last_of_each(listed, {}) == {1: listed[1]}


def test_the_whole_has_the_checksum_of_its_parts(aws: Aws, upload: dict[str, str]) -> None:
    parts = uploaded(aws, upload)
    done = aws("s3").complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    both = hashlib.sha256(LARGE).digest() + hashlib.sha256(SMALL).digest()
    assert done["ChecksumSHA256"] == f"{digest(both)}-2"
    named = {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    assert aws("s3").head_object(**named, ChecksumMode="ENABLED")["ChecksumSHA256"] == done["ChecksumSHA256"]
    assert "ChecksumSHA256" not in aws("s3").head_object(**named)
    assert aws("s3").get_object(**named)["Body"].read() == LARGE + SMALL


def test_completing_says_the_checksum_of_every_part(aws: Aws, upload: dict[str, str]) -> None:
    s3, parts = aws("s3"), uploaded(aws, upload)
    wrong = [parts[0], {**parts[1], "ChecksumSHA256": digest(LARGE)}]
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    silent = [parts[0], {name: parts[1][name] for name in ("PartNumber", "ETag")}]
    with pytest.raises(ClientError, match="missing for part 2") as refused:
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": silent})
    assert refused.value.response["Error"]["Code"] == "InvalidRequest"
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}) is None


def test_completing_names_parts_that_are_there_in_order(aws: Aws, upload: dict[str, str]) -> None:
    s3, parts = aws("s3"), uploaded(aws, upload)
    missing = [*parts, {**parts[1], "PartNumber": 3}]
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": missing}) == "InvalidPart"
    other = [{**parts[0], "ETag": parts[1]["ETag"]}, parts[1]]
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": other}) == "InvalidPart"
    turned = {"Parts": parts[::-1]}
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload=turned) == "InvalidPartOrder"
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": []}) == "MalformedXML"


def test_parts_carry_the_checksum_the_upload_was_begun_with(aws: Aws, upload: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="expected checksum Type: sha256, actual checksum Type: crc32"):
        aws("s3").upload_part(**upload, PartNumber=1, Body=b"x")
    url = aws("s3").generate_presigned_url("upload_part", Params={**upload, "PartNumber": 1})
    assert error(put(url, b"x")) == (400, "InvalidRequest")
    assert aws("s3").upload_part(**upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")["ChecksumSHA256"]


def test_an_upload_that_ended_is_gone(aws: Aws, upload: dict[str, str]) -> None:
    s3 = aws("s3")
    s3.abort_multipart_upload(**upload)
    assert refusal(s3.abort_multipart_upload, **upload) == "NoSuchUpload"
    assert refusal(s3.list_parts, **upload) == "NoSuchUpload"
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"x"', "ChecksumSHA256": digest(b"x")}]}
    assert refusal(s3.complete_multipart_upload, **upload, MultipartUpload=parts) == "NoSuchUpload"


def test_the_files_of_boto3_need_no_thought(aws: Aws, bucket: str, tmp_path: Any) -> None:
    """Its transfer chooses CRC32, begins an upload with it, and says the checksum of each part."""
    (tmp_path / "cells").write_bytes(LARGE * 2)
    aws("s3").upload_file(str(tmp_path / "cells"), bucket, "file")
    assert aws("s3").head_object(Bucket=bucket, Key="file")["ContentLength"] == len(LARGE) * 2


def test_settings_are_checked_too(aws: Aws, bucket: str) -> None:
    status = {"Status": "Enabled"}
    rule = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    assert refusal(aws("s3").put_bucket_versioning, Bucket=bucket, VersioningConfiguration=status) is None
    s3 = aws.sandbox.client("s3")

    def forge(params: Any, **_: object) -> None:
        params["headers"]["x-amz-checksum-crc32"] = "AAAAAA=="

    s3.meta.events.register_last("before-call.s3.PutBucketCors", forge)
    assert refusal(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=rule) == "BadDigest"
