"""Each S3 operation needs of SeaweedFS no more than the actions AWS asks for, and a Deny of others does not stop it.

Source of the actions: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.seaweed import ANYTHING, BUCKET, BUCKET_ARN, OBJECTS, Stage, allow, deny, document, refusal, unique

KEY = "operations/object"
TAGS = {"TagSet": [{"Key": "kind", "Value": "raw"}]}
numbers = itertools.count()


@dataclasses.dataclass
class Bench:
    """What the operations work on, made by the root."""

    root: Any

    def version(self) -> str:
        """Make a version of the object."""
        found: str = self.root.put_object(Bucket=BUCKET, Key=KEY, Body=b"x")["VersionId"]
        return found

    def upload(self) -> dict[str, Any]:
        """Begin an upload."""
        key = f"operations/upload-{next(numbers)}"
        return {
            "Bucket": BUCKET,
            "Key": key,
            "UploadId": self.root.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"],
        }

    def parted(self) -> dict[str, Any]:
        """Begin an upload and put its one part."""
        upload = self.upload()
        part = {"PartNumber": 1, "ETag": self.root.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]}
        return upload | {"MultipartUpload": {"Parts": [part]}}


Operation = Callable[[Any, Bench], Any]
SOURCE = {"Bucket": BUCKET, "Key": KEY}
OPERATIONS: dict[str, tuple[str, Operation]] = {
    "GetObject": ("s3:GetObject", lambda c, _: c.get_object(Bucket=BUCKET, Key=KEY)),
    "GetObject of a version": (
        "s3:GetObjectVersion",
        lambda c, b: c.get_object(Bucket=BUCKET, Key=KEY, VersionId=b.version()),
    ),
    "HeadObject": ("s3:GetObject", lambda c, _: c.head_object(Bucket=BUCKET, Key=KEY)),
    "GetObjectAttributes": (
        "s3:GetObject s3:GetObjectAttributes",
        lambda c, _: c.get_object_attributes(Bucket=BUCKET, Key=KEY, ObjectAttributes=["ETag"]),
    ),
    "GetObjectTagging": ("s3:GetObjectTagging", lambda c, _: c.get_object_tagging(Bucket=BUCKET, Key=KEY)),
    "PutObjectTagging": (
        "s3:PutObjectTagging",
        lambda c, _: c.put_object_tagging(Bucket=BUCKET, Key=KEY, Tagging=TAGS),
    ),
    "DeleteObjectTagging": ("s3:DeleteObjectTagging", lambda c, _: c.delete_object_tagging(Bucket=BUCKET, Key=KEY)),
    "PutObject": ("s3:PutObject", lambda c, _: c.put_object(Bucket=BUCKET, Key=KEY, Body=b"x")),
    "PutObject with tags": (
        "s3:PutObject s3:PutObjectTagging",
        lambda c, _: c.put_object(Bucket=BUCKET, Key=KEY, Body=b"x", Tagging="kind=raw"),
    ),
    "DeleteObject": ("s3:DeleteObject", lambda c, _: c.delete_object(Bucket=BUCKET, Key="operations/none")),
    "DeleteObject of a version": (
        "s3:DeleteObjectVersion",
        lambda c, b: c.delete_object(Bucket=BUCKET, Key=KEY, VersionId=b.version()),
    ),
    "CopyObject": (
        "s3:GetObject s3:PutObject",
        lambda c, _: c.copy_object(Bucket=BUCKET, Key="operations/copy", CopySource=SOURCE, TaggingDirective="REPLACE"),
    ),
    "CreateMultipartUpload": ("s3:PutObject", lambda c, _: c.create_multipart_upload(Bucket=BUCKET, Key=KEY)),
    "UploadPart": ("s3:PutObject", lambda c, b: c.upload_part(**b.upload(), PartNumber=1, Body=b"x")),
    "UploadPartCopy": (
        "s3:GetObject s3:PutObject",
        lambda c, b: c.upload_part_copy(**b.upload(), PartNumber=1, CopySource=SOURCE),
    ),
    "CompleteMultipartUpload": ("s3:PutObject", lambda c, b: c.complete_multipart_upload(**b.parted())),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload", lambda c, b: c.abort_multipart_upload(**b.upload())),
    "ListParts": ("s3:ListMultipartUploadParts", lambda c, b: c.list_parts(**b.upload())),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads", lambda c, _: c.list_multipart_uploads(Bucket=BUCKET)),
    "ListObjects": ("s3:ListBucket", lambda c, _: c.list_objects(Bucket=BUCKET)),
    "ListObjectsV2": ("s3:ListBucket", lambda c, _: c.list_objects_v2(Bucket=BUCKET)),
    "ListObjectVersions": ("s3:ListBucketVersions", lambda c, _: c.list_object_versions(Bucket=BUCKET)),
    "HeadBucket": ("s3:ListBucket", lambda c, _: c.head_bucket(Bucket=BUCKET)),
    "GetBucketLocation": ("s3:GetBucketLocation", lambda c, _: c.get_bucket_location(Bucket=BUCKET)),
    "GetBucketVersioning": ("s3:GetBucketVersioning", lambda c, _: c.get_bucket_versioning(Bucket=BUCKET)),
    "ListBuckets": ("s3:ListAllMyBuckets", lambda c, _: c.list_buckets()),
}
ACTIONS = sorted({action for actions, _ in OPERATIONS.values() for action in actions.split()})


@pytest.fixture(scope="module")
def bench(stage: Stage) -> Bench:
    """Make the object."""
    found = Bench(stage.root)
    found.version()
    return found


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_actions_aws_asks_for_are_enough(stage: Stage, bench: Bench, name: str) -> None:
    actions, operation = OPERATIONS[name]
    where = ["*"] if name == "ListBuckets" else [BUCKET_ARN, OBJECTS]
    policy = document(allow(actions.split(), *where))
    role = unique("role")
    stage.server.put_role(role, [policy])
    assert refusal(operation, stage.user(unique("user"), policy), bench) is None
    assert refusal(operation, stage.session(role), bench) is None
    assert refusal(operation, stage.session(role, policy), bench) is None


@pytest.mark.slow
@pytest.mark.parametrize("denied", ACTIONS)
def test_a_deny_of_one_action_stops_no_operation_of_others(stage: Stage, bench: Bench, denied: str) -> None:
    policy = document(ANYTHING, deny(denied, "*"))
    user, role = stage.user(unique("user"), policy), unique("role")
    stage.server.put_role(role, [policy])
    session = stage.session(role)
    for name, (actions, operation) in OPERATIONS.items():
        if denied not in actions.split():
            assert refusal(operation, user, bench) is None, name
            assert refusal(operation, session, bench) is None, name


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "ListBuckets"])
def test_the_actions_are_enough_in_a_bucket_policy(stage: Stage, bench: Bench, name: str) -> None:
    actions, operation = OPERATIONS[name]
    role = unique("role")
    stage.server.put_role(role, [])
    stage.server.put_bucket_policy(BUCKET, document(allow(actions.split(), Principal="*")))
    try:
        assert refusal(operation, stage.user(unique("user")), bench) is None
        assert refusal(operation, stage.session(role), bench) is None
    finally:
        stage.server.put_bucket_policy(BUCKET, None)


@pytest.mark.parametrize("name", ["GetObject", "PutObject", "DeleteObject", "ListObjectsV2", "CreateMultipartUpload"])
def test_without_its_action_an_operation_is_refused(stage: Stage, bench: Bench, name: str) -> None:
    actions, operation = OPERATIONS[name]
    others = [action for action in ACTIONS if action not in actions.split()]
    assert refusal(operation, stage.user(unique("user"), document(allow(others))), bench) == "AccessDenied"
