"""What moto lets through on S3, refused here: one test for each row of what was found of it."""

import json
from typing import Any

import pytest

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.sandbox import Aws, allow, deny, document, refusal, trusting


def put(aws: Aws, who: Any, bucket: str, key: str) -> str | None:
    return refusal(aws("s3", who).put_object, Bucket=bucket, Key=key, Body=b"x")


def everything(bucket: str) -> list[str]:
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


@pytest.mark.parametrize("operator", ["StringLike", "StringEquals"])
def test_conditions_in_identity_policies_are_evaluated(aws: Aws, operator: str) -> None:
    bucket = aws.make_bucket()
    condition = {operator: {"s3:prefix": "input/uploader/"}}
    user = aws.make_user(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition))
    listing = aws("s3", user).list_objects_v2
    assert refusal(listing, Bucket=bucket, Prefix="input/uploader/") is None
    assert refusal(listing, Bucket=bucket, Prefix="input/neighbour/") == "AccessDenied"
    assert refusal(listing, Bucket=bucket) == "AccessDenied"


def test_not_resource_is_evaluated(aws: Aws) -> None:
    bucket = aws.make_bucket()
    statement = {"Effect": "Allow", "Action": "s3:*", "NotResource": f"arn:aws:s3:::{bucket}/closed/*"}
    user = aws.make_user(document(statement))
    assert put(aws, user, bucket, "open/x") is None
    assert put(aws, user, bucket, "closed/x") == "AccessDenied"


def test_a_session_policy_limits_a_session(aws: Aws) -> None:
    bucket, user = aws.make_bucket(), aws.make_user()
    role = aws.make_role(trusting(user["Arn"]), allow("s3:*", everything(bucket)))
    policy = json.dumps(allow("s3:*", f"arn:aws:s3:::{bucket}/input/uploader/*"))
    session = aws.assume(role, user, Policy=policy)
    assert put(aws, session, bucket, "input/uploader/x") is None
    assert put(aws, session, bucket, "input/neighbour/y") == "AccessDenied"
    assert refusal(aws("s3", session).get_object, Bucket=bucket, Key="input/neighbour/y") == "AccessDenied"


def test_an_expired_session_reads_nothing(aws: Aws, sandbox: EmbeddedSandbox) -> None:
    bucket, user = aws.make_bucket(), aws.make_user()
    role = aws.make_role(trusting(user["Arn"]), allow("s3:*", everything(bucket)))
    session = aws.assume(role, user, DurationSeconds=900)
    sandbox.control.move_clock(840)
    assert put(aws, session, bucket, "x") is None
    sandbox.control.move_clock(901)
    assert put(aws, session, bucket, "x") == "ExpiredToken"


def test_an_inactive_access_key_is_refused(aws: Aws) -> None:
    bucket = aws.make_bucket()
    user = aws.make_user(allow("s3:*", everything(bucket)))
    aws("iam").update_access_key(UserName=user["UserName"], AccessKeyId=user["AccessKeyId"], Status="Inactive")
    assert put(aws, user, bucket, "x") == "InvalidAccessKeyId"


def test_the_principal_of_a_bucket_policy_counts(aws: Aws) -> None:
    bucket = aws.make_bucket()
    first, second = (aws.make_user(allow("s3:*", everything(bucket))) for _ in range(2))
    statement = deny("s3:PutObject", f"arn:aws:s3:::{bucket}/*")["Statement"][0]
    denial = document({**statement, "Principal": {"AWS": first["Arn"]}})
    aws("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(denial))
    assert put(aws, first, bucket, "x") == "AccessDenied"
    assert put(aws, second, bucket, "x") is None


def test_a_bucket_policy_alone_may_allow(aws: Aws) -> None:
    bucket, user = aws.make_bucket(), aws.make_user()
    assert put(aws, user, bucket, "x") == "AccessDenied"
    statement = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")["Statement"][0]
    policy = document({**statement, "Principal": {"AWS": user["Arn"]}})
    aws("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert put(aws, user, bucket, "x") is None
    assert put(aws, aws.make_user(), bucket, "x") == "AccessDenied"


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [("a.b/*", "a.b/x", "axb/x"), ("a+/*", "a+/x", "aa/x"), ("a?/*", "ab/x", "a/x"), ("a${*}/*", "a*/x", "ab/x")],
)
def test_wildcards_are_iams_and_no_regular_expressions(aws: Aws, pattern: str, inside: str, outside: str) -> None:
    bucket = aws.make_bucket()
    user = aws.make_user(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/{pattern}"))
    assert put(aws, user, bucket, inside) is None
    assert put(aws, user, bucket, outside) == "AccessDenied"


def test_a_copy_needs_the_right_to_read_its_source(aws: Aws) -> None:
    bucket = aws.make_bucket()
    aws("s3").put_object(Bucket=bucket, Key="closed/x", Body=b"secret")
    user = aws.make_user(allow("s3:*", f"arn:aws:s3:::{bucket}/own/*"))
    wish = {"Bucket": bucket, "Key": "own/x", "CopySource": {"Bucket": bucket, "Key": "closed/x"}}
    assert refusal(aws("s3", user).copy_object, **wish) == "AccessDenied"
    upload = aws("s3", user).create_multipart_upload(Bucket=bucket, Key="own/x")["UploadId"]
    assert refusal(aws("s3", user).upload_part_copy, **wish, UploadId=upload, PartNumber=1) == "AccessDenied"
