"""Buckets and their settings through the gateway."""

from typing import Any

import pytest

from grants.aws.buckets import Boto3Buckets
from grants.aws.errors import AwsError, AwsExistsError, AwsInvalidError, AwsNotFoundError
from grants.aws.gateway import Aws
from tests.support.sandbox import Aws as Sandbox


def test_a_bucket_comes_and_goes(gateway: Aws, aws: Sandbox) -> None:
    name, buckets = aws.name("bucket"), gateway.buckets
    assert buckets.bucket(name) is None
    assert buckets.create(name).request_id
    found = buckets.bucket(name)
    assert found is not None
    assert (found.name, found.region, found.versioned, found.logging_target) == (name, gateway.region, False, "")
    with pytest.raises(AwsExistsError):
        buckets.create(name)
    assert buckets.delete(name).status == 204
    assert buckets.bucket(name) is None
    with pytest.raises(AwsNotFoundError):
        buckets.delete(name)


def test_its_settings_are_made_and_seen(gateway: Aws, aws: Sandbox) -> None:
    name, log, buckets = aws.make_bucket(), aws.make_bucket(), gateway.buckets
    calls = [
        buckets.block_public_access(name),
        buckets.encrypt(name),
        buckets.version(name),
        buckets.log_to(name, log, "access/"),
    ]
    assert all(receipt.request_id and receipt.attempts == 1 for receipt in calls)
    found = buckets.bucket(name)
    assert found is not None
    assert (found.public_access_blocked, found.versioned) == (True, True)
    assert (found.encryption, found.logging_target) == ("AES256", f"{log}/access/")
    key = f"arn:aws:kms:{gateway.region}:{gateway.account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    buckets.encrypt(name, key)
    again = buckets.bucket(name)
    assert again is not None
    assert again.encryption == key


def test_a_bucket_half_open_is_open(gateway: Aws, aws: Sandbox) -> None:
    name = aws.make_bucket()
    half = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": True,
    }
    aws("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=half)
    found = gateway.buckets.bucket(name)
    assert found is not None
    assert not found.public_access_blocked


def test_its_policy_comes_and_goes(gateway: Aws, aws: Sandbox) -> None:
    name, buckets = aws.make_bucket(), gateway.buckets
    assert buckets.policy(name) is None
    wish = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TLS",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
    assert buckets.put_policy(name, wish).status < 300
    assert buckets.policy(name) == wish
    assert buckets.delete_policy(name).status < 300
    assert buckets.policy(name) is None
    with pytest.raises(AwsInvalidError):
        buckets.put_policy(name, {"Version": "never"})


def test_a_full_bucket_stays_and_says_what_to_do(gateway: Aws, aws: Sandbox) -> None:
    name = aws.make_bucket()
    aws("s3").put_object(Bucket=name, Key="k", Body=b"kept")
    with pytest.raises(AwsInvalidError) as refused:
        gateway.buckets.delete(name)
    assert refused.value.code == "BucketNotEmpty"
    assert name in refused.value.message
    assert "Delete its objects" in refused.value.message
    assert refused.value.request_id
    assert aws("s3").get_object(Bucket=name, Key="k")["Body"].read() == b"kept"


def test_a_bucket_we_may_not_see_is_not_a_missing_one(gateway: Aws, aws: Sandbox, sandbox: Any) -> None:
    name = aws.make_bucket()
    sandbox.control.faults(
        [{"service": "s3", "operation": "GetBucketLocation", "code": "AccessDenied", "status": 403, "times": 9}]
    )
    with pytest.raises(AwsError) as refused:
        gateway.buckets.bucket(name)
    assert refused.value.code == "AccessDenied"


class Answers:
    """What S3 would say, by operation; None where it knows of none."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.answers.get(operation) or {}

    ask_or_none = ask

    def change(self, operation: str, **parameters: Any) -> tuple[dict[str, Any], None]:
        self.sent.append((operation, parameters))
        return {}, None


@pytest.mark.parametrize(
    ("said", "region"), [(None, "us-east-1"), ("EU", "eu-west-1"), ("eu-central-1", "eu-central-1")]
)
def test_old_regions_have_odd_names(said: str | None, region: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    answers: Any = Answers(
        get_bucket_location={"LocationConstraint": said},
        get_bucket_encryption={"ServerSideEncryptionConfiguration": {"Rules": [rule]}},
        get_public_access_block={"PublicAccessBlockConfiguration": {}},
    )
    found = Boto3Buckets(answers, "us-east-1").bucket("b")
    assert found is not None
    assert found.region == region


def test_the_first_region_is_never_named() -> None:
    here, there = Answers(), Answers()
    Boto3Buckets(here, "us-east-1").create("b")  # type: ignore[arg-type]
    Boto3Buckets(there, "eu-west-3").create("b")  # type: ignore[arg-type]
    assert here.sent == [("create_bucket", {"Bucket": "b"})]
    assert there.sent[0][1]["CreateBucketConfiguration"] == {"LocationConstraint": "eu-west-3"}
