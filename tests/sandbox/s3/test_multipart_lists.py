"""Lists of unfinished uploads and of parts: order, pages, prefixes, and who may see them.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html
"""

from typing import Any

import pytest

from tests.support.sandbox import Aws, allow, refusal

KEYS = ("b/1", "a/2", "a/1", "a/1", "c", "input/x y+é")


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    name = aws.make_bucket()
    for key in KEYS:
        aws("s3").create_multipart_upload(Bucket=name, Key=key)
    return name


def test_uploads_come_in_the_order_of_their_keys(aws: Aws, bucket: str) -> None:
    listed = aws("s3").list_multipart_uploads(Bucket=bucket)
    assert [upload["Key"] for upload in listed["Uploads"]] == sorted(KEYS)
    assert (listed["MaxUploads"], listed["IsTruncated"]) == (1000, False)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_show_each_upload_once(aws: Aws, bucket: str, size: int) -> None:
    pages = aws("s3").get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": size}
    )  # fmt: skip
    found = [(upload["Key"], upload["UploadId"]) for page in pages for upload in page.get("Uploads", ())]
    assert [key for key, _ in found] == sorted(KEYS)
    assert len(set(found)) == len(KEYS)


def test_prefix_delimiter_and_encoding(aws: Aws, bucket: str) -> None:
    s3 = aws("s3")
    below = s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")
    assert [upload["Key"] for upload in below["Uploads"]] == ["a/1", "a/1", "a/2"]
    folders = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [found["Prefix"] for found in folders["CommonPrefixes"]] == ["a/", "b/", "input/"]
    assert [upload["Key"] for upload in folders["Uploads"]] == ["c"]
    coded = s3.list_multipart_uploads(Bucket=bucket, Prefix="input/", EncodingType="url")
    assert coded["Uploads"][0]["Key"] == "input/x%20y%2B%C3%A9"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket, Prefix="none/")
    assert refusal(s3.list_multipart_uploads, Bucket="there-is-none-of-it") == "NoSuchBucket"


def test_folders_come_once_over_pages(aws: Aws, bucket: str) -> None:
    first = aws("s3").list_multipart_uploads(Bucket=bucket, Delimiter="/", MaxUploads=1)
    assert [found["Prefix"] for found in first["CommonPrefixes"]] == ["a/"]
    second = aws("s3").list_multipart_uploads(
        Bucket=bucket, Delimiter="/", MaxUploads=2, KeyMarker=first["NextKeyMarker"]
    )
    assert [found["Prefix"] for found in second["CommonPrefixes"]] == ["b/"]
    assert [upload["Key"] for upload in second["Uploads"]] == ["c"]


def test_parts_come_in_pages(aws: Aws) -> None:
    s3, named = aws("s3"), {"Bucket": aws.make_bucket(), "Key": "k"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    for number in (7, 1, 3):
        s3.upload_part(**upload, PartNumber=number, Body=b"x" * number)
    first = s3.list_parts(**upload, MaxParts=2)
    assert [part["PartNumber"] for part in first["Parts"]] == [1, 3]
    assert (first["IsTruncated"], first["NextPartNumberMarker"], first["MaxParts"]) == (True, 3, 2)
    rest = s3.list_parts(**upload, MaxParts=2, PartNumberMarker=first["NextPartNumberMarker"])
    assert [(part["PartNumber"], part["Size"]) for part in rest["Parts"]] == [(7, 7)]
    assert not rest["IsTruncated"]
    assert s3.list_parts(**upload)["MaxParts"] == 1000


def test_lists_need_their_own_permissions(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    named = {"Bucket": bucket, "Key": "own/k"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    of_bucket, of_object = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/own/*"
    every = aws("s3", aws.make_user(allow("s3:ListBucketMultipartUploads", of_bucket)))
    parts = aws("s3", aws.make_user(allow("s3:ListMultipartUploadParts", of_object)))
    other = aws("s3", aws.make_user(allow(["s3:ListBucket", "s3:GetObject"], [of_bucket, of_object])))
    # AWS has no s3:prefix in the context of ListBucketMultipartUploads: who may, sees all of the bucket.
    bounded = {"StringLike": {"s3:prefix": "own/*"}}
    narrow = aws("s3", aws.make_user(allow("s3:ListBucketMultipartUploads", of_bucket, Condition=bounded)))
    table: list[tuple[Any, str | None, str | None]] = [
        (every, None, "AccessDenied"),
        (parts, "AccessDenied", None),
        (other, "AccessDenied", "AccessDenied"),
        (narrow, "AccessDenied", "AccessDenied"),
    ]
    for client, uploads_of, parts_of in table:
        assert refusal(client.list_multipart_uploads, Bucket=bucket, Prefix="own/") == uploads_of
        assert refusal(client.list_parts, **upload) == parts_of
