"""Which operation a request is, and which permissions AWS checks for it.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from collections.abc import Mapping

import pytest

from grants.sandbox.errors import AwsError
from grants.sandbox.s3 import actions

ACL = {"x-amz-acl": "private"}
TAGS = {"x-amz-tagging": "a=b"}
COPY = {"x-amz-copy-source": "/other/the%20key"}
COPY_VERSION = {"x-amz-copy-source": "other/key?versionId=v1"}
B, O, S = "arn:aws:s3:::b", "arn:aws:s3:::b/k/x", "arn:aws:s3:::other"  # noqa: E741

TABLE: list[tuple[str, Mapping[str, str], str, list[tuple[str, str]]]] = [
    ("GET /", {}, "ListBuckets", [("ListAllMyBuckets", "arn:aws:s3:::*")]),
    ("PUT /b", {}, "CreateBucket", [("CreateBucket", B)]),
    ("DELETE /b", {}, "DeleteBucket", [("DeleteBucket", B)]),
    ("HEAD /b", {}, "HeadBucket", [("ListBucket", B)]),
    ("GET /b", {}, "ListObjects", [("ListBucket", B)]),
    ("GET /b/", {}, "ListObjects", [("ListBucket", B)]),
    ("GET /b?list-type=2&prefix=a", {}, "ListObjectsV2", [("ListBucket", B)]),
    ("GET /b?versions", {}, "ListObjectVersions", [("ListBucketVersions", B)]),
    ("GET /b?uploads", {}, "ListMultipartUploads", [("ListBucketMultipartUploads", B)]),
    ("GET /b?location", {}, "GetBucketLocation", [("GetBucketLocation", B)]),
    ("GET /b?policy", {}, "GetBucketPolicy", [("GetBucketPolicy", B)]),
    ("PUT /b?policy", {}, "PutBucketPolicy", [("PutBucketPolicy", B)]),
    ("DELETE /b?policy", {}, "DeleteBucketPolicy", [("DeleteBucketPolicy", B)]),
    ("GET /b?policyStatus", {}, "GetBucketPolicyStatus", [("GetBucketPolicyStatus", B)]),
    ("PUT /b?publicAccessBlock", {}, "PutPublicAccessBlock", [("PutBucketPublicAccessBlock", B)]),
    ("DELETE /b?publicAccessBlock", {}, "DeletePublicAccessBlock", [("PutBucketPublicAccessBlock", B)]),
    ("GET /b?encryption", {}, "GetBucketEncryption", [("GetEncryptionConfiguration", B)]),
    ("DELETE /b?encryption", {}, "DeleteBucketEncryption", [("PutEncryptionConfiguration", B)]),
    ("GET /b?lifecycle", {}, "GetBucketLifecycleConfiguration", [("GetLifecycleConfiguration", B)]),
    ("PUT /b?logging", {}, "PutBucketLogging", [("PutBucketLogging", B)]),
    ("GET /b?versioning", {}, "GetBucketVersioning", [("GetBucketVersioning", B)]),
    ("PUT /b?ownershipControls", {}, "PutBucketOwnershipControls", [("PutBucketOwnershipControls", B)]),
    ("GET /b?cors", {}, "GetBucketCors", [("GetBucketCORS", B)]),
    ("DELETE /b?cors", {}, "DeleteBucketCors", [("PutBucketCORS", B)]),
    ("GET /b?acl", {}, "GetBucketAcl", [("GetBucketAcl", B)]),
    ("GET /b?tagging", {}, "GetBucketTagging", [("GetBucketTagging", B)]),
    ("GET /b/k/x", {}, "GetObject", [("GetObject", O)]),
    ("GET /b/k%2Fx", {}, "GetObject", [("GetObject", O)]),
    ("GET /b/k/x?versionId=v", {}, "GetObject", [("GetObjectVersion", O)]),
    ("HEAD /b/k/x", {}, "HeadObject", [("GetObject", O)]),
    ("DELETE /b/k/x", {}, "DeleteObject", [("DeleteObject", O)]),
    ("DELETE /b/k/x?versionId=v", {}, "DeleteObject", [("DeleteObjectVersion", O)]),
    ("PUT /b/k/x", {}, "PutObject", [("PutObject", O)]),
    ("PUT /b/k/x", ACL, "PutObject", [("PutObject", O), ("PutObjectAcl", O)]),
    ("PUT /b/k/x", TAGS, "PutObject", [("PutObject", O), ("PutObjectTagging", O)]),
    ("PUT /b/k/x", COPY, "CopyObject", [("PutObject", O), ("GetObject", f"{S}/the key")]),
    ("PUT /b/k/x", COPY_VERSION, "CopyObject", [("PutObject", O), ("GetObjectVersion", f"{S}/key")]),
    ("POST /b/k/x?uploads", {}, "CreateMultipartUpload", [("PutObject", O)]),
    ("POST /b/k/x?uploads", ACL, "CreateMultipartUpload", [("PutObject", O), ("PutObjectAcl", O)]),
    ("PUT /b/k/x?partNumber=1&uploadId=u", {}, "UploadPart", [("PutObject", O)]),
    ("PUT /b/k/x?partNumber=1&uploadId=u", COPY, "UploadPartCopy", [("PutObject", O), ("GetObject", f"{S}/the key")]),
    ("POST /b/k/x?uploadId=u", {}, "CompleteMultipartUpload", [("PutObject", O)]),
    ("DELETE /b/k/x?uploadId=u", {}, "AbortMultipartUpload", [("AbortMultipartUpload", O)]),
    ("GET /b/k/x?uploadId=u", {}, "ListParts", [("ListMultipartUploadParts", O)]),
    ("GET /b/k/x?acl", {}, "GetObjectAcl", [("GetObjectAcl", O)]),
    ("PUT /b/k/x?acl&versionId=v", {}, "PutObjectAcl", [("PutObjectVersionAcl", O)]),
    ("DELETE /b/k/x?tagging", {}, "DeleteObjectTagging", [("DeleteObjectTagging", O)]),
    ("POST /b?delete", {}, "DeleteObjects", []),
]


def read(line: str, headers: Mapping[str, str] | None = None) -> actions.S3Request:
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    return actions.read(method, path, query, headers or {})


@pytest.mark.parametrize(("line", "headers", "operation", "needs"), TABLE)
def test_operation_and_permissions(
    line: str, headers: Mapping[str, str], operation: str, needs: list[tuple[str, str]]
) -> None:
    found = read(line, headers)
    assert found.operation == operation
    assert [(need.action, need.resource) for need in found.needs] == [(f"s3:{action}", arn) for action, arn in needs]


def test_the_keys_of_a_listing_are_there_only_when_given() -> None:
    assert read("GET /b").needs[0].context == {}
    wish = read("GET /b?list-type=2&prefix=a%2Fb&delimiter=%2F&max-keys=3&encoding-type=url").needs[0]
    assert wish.context == {"s3:prefix": "a/b", "s3:delimiter": "/", "s3:max-keys": "3"}


def test_the_headers_of_a_write_are_condition_keys() -> None:
    headers = {"x-amz-server-side-encryption": "aws:kms", "x-amz-storage-class": "GLACIER", "content-type": "a/b"}
    assert read("PUT /b/k", headers).needs[0].context == {
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:x-amz-storage-class": "GLACIER",
    }


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("GET /b?acl&policy", "InvalidArgument"),
        ("PUT /b/k?acl&tagging", "InvalidArgument"),
        ("GET /b?prefix=a&prefix=b", "InvalidArgument"),
        ("PUT /b/k?uploadId=u", "InvalidArgument"),
        ("PUT /b/k?partNumber=1", "InvalidArgument"),
        ("GET /b/k?ACL", "NotImplemented"),
        ("PUT /b/k?x-amz-copy-source=other%2Fkey", "NotImplemented"),
        ("PUT /b/k?X-Amz-Acl=public-read", "NotImplemented"),
        ("GET /b?inventory", "NotImplemented"),
        ("GET /b/k?torrent", "NotImplemented"),
        ("GET /b/k?something", "NotImplemented"),
        ("POST /b/k", "MethodNotAllowed"),
        ("PATCH /b/k", "MethodNotAllowed"),
        ("POST /", "MethodNotAllowed"),
    ],
)
def test_what_is_ambiguous_or_unknown_is_refused(line: str, code: str) -> None:
    with pytest.raises(AwsError) as refused:
        read(line)
    assert refused.value.code == code


@pytest.mark.parametrize("source", ["", "/", "bucket", "bucket/", "/?versionId=1"])
def test_a_copy_without_a_source_is_refused(source: str) -> None:
    with pytest.raises(AwsError) as refused:
        read("PUT /b/k", {"x-amz-copy-source": source})
    assert refused.value.code == "InvalidArgument"
