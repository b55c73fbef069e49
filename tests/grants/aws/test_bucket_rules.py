"""CORS, lifecycle and notification documents of a bucket, whose it must be, and queues."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from grants.aws.buckets import Boto3Buckets
from grants.aws.errors import AwsError, AwsInvalidError, AwsNotFoundError, AwsNotSettledError, translate
from grants.aws.gateway import Aws
from tests.grants.aws.test_buckets import Answers
from tests.support.sandbox import Aws as Sandbox

RULE = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}


def test_every_change_names_the_account_the_bucket_must_be_of() -> None:
    answers: Any = Answers()
    buckets = Boto3Buckets(answers, "eu-central-1", account="111122223333")
    buckets.create("b")
    buckets.block_public_access("b")
    buckets.put_cors("b", [])
    buckets.put_lifecycle("b", {"Rules": []})
    buckets.put_notification("b", {})
    buckets.delete("b")
    owners = [parameters.get("ExpectedBucketOwner") for _, parameters in answers.sent]
    assert owners == [None, *["111122223333"] * 5]


def test_what_s3_keeps_beside_the_lifecycle_rules_stays() -> None:
    there = {"Rules": [RULE], "TransitionDefaultMinimumObjectSize": "varies_by_storage_class", "ResponseMetadata": {}}
    answers: Any = Answers(get_bucket_lifecycle_configuration=there)
    buckets = Boto3Buckets(answers, "eu-central-1")
    found = buckets.lifecycle("b")
    buckets.put_lifecycle("b", {**found, "Rules": [RULE, {**RULE, "ID": "b"}]})
    _, sent = answers.sent[0]
    assert sent["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    assert [rule["ID"] for rule in sent["LifecycleConfiguration"]["Rules"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("NoSuchCORSConfiguration", AwsNotFoundError),
        ("NoSuchLifecycleConfiguration", AwsNotFoundError),
        ("AWS.SimpleQueueService.NonExistentQueue", AwsNotFoundError),
        ("QueueDoesNotExist", AwsNotFoundError),
        ("AWS.SimpleQueueService.QueueDeletedRecently", AwsNotSettledError),
        ("InvalidArgument", AwsNotSettledError),
    ],
)
def test_what_passes_by_itself_and_what_is_not_there(code: str, kind: type[AwsError]) -> None:
    message = "Unable to validate the following destination configurations"
    answer: Any = {"Error": {"Code": code, "Message": message}}
    answer["ResponseMetadata"] = {"HTTPStatusCode": 400, "RequestId": "R1"}
    assert type(translate("X", ClientError(answer, "X"))) is kind


def test_another_invalid_argument_is_no_reason_to_wait() -> None:
    answer: Any = {"Error": {"Code": "InvalidArgument", "Message": "Rule ID must be unique"}}
    answer["ResponseMetadata"] = {"HTTPStatusCode": 400, "RequestId": "R1"}
    assert type(translate("X", ClientError(answer, "X"))) is AwsInvalidError


def test_a_bucket_without_rules_has_none(gateway: Aws, aws: Sandbox) -> None:
    bucket = aws.make_bucket()
    assert gateway.buckets.cors(bucket) == []
    assert gateway.buckets.lifecycle(bucket) == {"Rules": []}
    assert gateway.buckets.notification(bucket) == {}
    gateway.buckets.put_lifecycle(bucket, {"Rules": [RULE]})
    assert gateway.buckets.lifecycle(bucket)["Rules"] == [RULE]
    gateway.buckets.put_lifecycle(bucket, {"Rules": []})
    assert gateway.buckets.lifecycle(bucket) == {"Rules": []}


def test_the_life_of_a_queue(gateway: Aws, aws: Sandbox) -> None:
    name = aws.name("queue")
    assert gateway.queues.queue(name) is None
    gateway.queues.create(name, {"VisibilityTimeout": "7"}, {"a": "b"})
    gateway.queues.create(name, {"VisibilityTimeout": "7"}, {"a": "b"})
    found = gateway.queues.queue(name)
    assert found is not None
    assert found.arn == f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    assert gateway.queues.tags(found.url) == {"a": "b"}
    gateway.queues.change(found.url, {"VisibilityTimeout": "8"})
    again = gateway.queues.queue(name)
    assert again is not None
    assert again.attributes["VisibilityTimeout"] == "8"
    gateway.queues.delete(found.url)
    assert gateway.queues.queue(name) is None
    with pytest.raises(AwsNotFoundError):
        gateway.queues.tags(found.url)
