"""Buckets and their settings: what a new one has, what is refused, and what goes with it."""

import json
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, document, refusal

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def policy(bucket: str, principal: Any, **more: Any) -> str:
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", **more)["Statement"][0]
    return json.dumps(document({**statement, "Principal": principal}))


def test_a_new_bucket_is_closed_and_encrypted(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(BLOCKS, True)
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    owners = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owners == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert refusal(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == aws.region


def test_settings_come_back_and_go_with_the_bucket(aws: Aws) -> None:
    s3, bucket, logs = aws("s3"), aws.make_bucket(), aws.make_bucket()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_bucket_logging(
        Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": logs, "TargetPrefix": "a/"}}
    )
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(BLOCKS, False))
    found = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == rule["ApplyServerSideEncryptionByDefault"]
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == {"TargetBucket": logs, "TargetPrefix": "a/"}
    s3.delete_public_access_block(Bucket=bucket)
    assert refusal(s3.get_public_access_block, Bucket=bucket) == "NoSuchPublicAccessBlockConfiguration"
    s3.delete_bucket(Bucket=bucket)
    assert refusal(s3.get_bucket_encryption, Bucket=bucket) == "NoSuchBucket"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_a_log_needs_a_bucket_to_go_to(aws: Aws) -> None:
    wish = {"LoggingEnabled": {"TargetBucket": "there-is-none-of-it", "TargetPrefix": ""}}
    code = refusal(aws("s3").put_bucket_logging, Bucket=aws.make_bucket(), BucketLoggingStatus=wish)
    assert code == "InvalidTargetBucketForLogging"


def test_names_and_places_of_buckets(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    here = {"LocationConstraint": aws.region}
    assert refusal(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=here) == "BucketAlreadyOwnedByYou"
    assert refusal(s3.create_bucket, Bucket=aws.name("b")) == "IllegalLocationConstraintException"
    for name in ("UPPER", "192.168.0.1", "a..b", "-dash", "under_score"):
        assert refusal(s3.create_bucket, Bucket=name, CreateBucketConfiguration=here) == "InvalidBucketName", name


def test_a_bucket_that_holds_anything_stays(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket(versioned=True)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert refusal(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="k")
    assert refusal(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    listed = s3.list_object_versions(Bucket=bucket)
    for found in listed["Versions"] + listed["DeleteMarkers"]:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=found["VersionId"])
    s3.delete_bucket(Bucket=bucket)
    assert refusal(s3.head_bucket, Bucket=bucket) == "404"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (lambda bucket: "{", "no JSON"),
        (lambda bucket: policy("another-bucket", {"AWS": "*"}), "invalid resource"),
        (lambda bucket: policy(bucket, {"AWS": "arn:aws:iam::123456789012:user/nobody"}), "Invalid principal"),
        (lambda bucket: policy(bucket, {"AWS": "123456789012"}, Effect="Perhaps"), "Effect"),
        (lambda bucket: policy(bucket, {"AWS": "123456789012"}, Sid="x" * 21_000), "20 KB"),
    ],
)  # fmt: skip
def test_a_bad_bucket_policy_is_told_why(aws: Aws, wish: Any, why: str) -> None:
    bucket = aws.make_bucket()
    with pytest.raises(ClientError, match=why) as refused:
        aws("s3").put_bucket_policy(Bucket=bucket, Policy=wish(bucket))
    assert refused.value.response["Error"]["Code"] == "MalformedPolicy"


def test_a_public_policy_needs_the_block_lifted(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    s3.put_object(Bucket=bucket, Key="k", Body=b"for all")
    assert refusal(s3.put_bucket_policy, Bucket=bucket, Policy=policy(bucket, "*")) == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, "*"))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    stranger = aws.make_user()
    assert aws("s3", stranger).get_object(Bucket=bucket, Key="k")["Body"].read() == b"for all"
    restricted = {"RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=restricted)
    assert refusal(aws("s3", stranger).get_object, Bucket=bucket, Key="k") is None
    assert _anonymously(aws, bucket) == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    assert _anonymously(aws, bucket) is None


def test_a_policy_comes_back_as_it_was_written(aws: Aws) -> None:
    s3, bucket = aws("s3"), aws.make_bucket()
    text = policy(bucket, {"AWS": aws.account}).replace(",", " ,\n")
    s3.put_bucket_policy(Bucket=bucket, Policy=text)
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    s3.delete_bucket_policy(Bucket=bucket)
    assert refusal(s3.get_bucket_policy, Bucket=bucket) == "NoSuchBucketPolicy"


def test_a_refused_head_tells_the_region(aws: Aws) -> None:
    bucket = aws.make_bucket()
    with pytest.raises(ClientError) as refused:
        aws("s3", aws.make_user()).head_bucket(Bucket=bucket)
    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == aws.region


def _anonymously(aws: Aws, bucket: str) -> str | None:
    return refusal(aws("s3", config=Config(signature_version=UNSIGNED)).get_object, Bucket=bucket, Key="k")
