"""The parts of a stack for uploads: made once, put right, merged with what others have set; only ours taken away."""

import json
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws
from grants.models import Location
from grants.services import ownership, stack, stack_destroy
from grants.services.stack_desired import Stack, desired
from grants.services.stack_steps import Step
from tests.grants.stack.conftest import ORIGIN
from tests.support.sandbox import Aws as Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

THEIR_CORS = {"ID": "theirs", "AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
THEIR_LIFECYCLE = {
    "ID": "theirs",
    "Status": "Enabled",
    "Filter": {"Prefix": "logs/"},
    "Expiration": {"Days": 30},
}


def quiet(step: Step) -> None:
    del step


def up(gateway: Aws, wanted: Stack, actor: Actor) -> dict[str, Step]:
    return {step.part: step for step in stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)}


def plan(gateway: Aws, wanted: Stack) -> dict[str, str]:
    return {step.part: step.status for step in stack.plan(gateway, wanted)}


def changed(gateway: Aws, wanted: Stack) -> dict[str, str]:
    return {part: status for part, status in plan(gateway, wanted).items() if status != "ok"}


def destroy(gateway: Aws, wanted: Stack, actor: Actor) -> dict[str, str]:
    seen: dict[str, str] = {}
    stack_destroy.destroy(
        aws=gateway, stack=wanted, actor=actor, report=lambda step: seen.update({step.part: step.status})
    )
    return seen


def queue_of_others(aws: Sandbox, bucket: str) -> str:
    """Make a queue that takes what the bucket tells, and give its ARN."""
    name = aws.name("theirs")
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws("sqs").create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})
    return arn


def of_others(aws: Sandbox, bucket: str, prefix: str = "logs/", event: str = "s3:ObjectCreated:*") -> dict[str, Any]:
    return {
        "Id": "theirs",
        "QueueArn": queue_of_others(aws, bucket),
        "Events": [event],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}},
    }


def notify(aws: Sandbox, bucket: str, *entries: dict[str, Any]) -> None:
    document = {"QueueConfigurations": list(entries)}
    aws("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=document)


def test_everything_for_uploads_is_made_once(
    aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor, settings: Any
) -> None:
    up(gateway, wanted, actor)
    assert changed(gateway, wanted) == {}
    assert all(not step.calls for step in up(gateway, wanted, actor).values())
    s3, sqs = aws("s3"), aws("sqs")
    (cors,) = s3.get_bucket_cors(Bucket=wanted.bucket)["CORSRules"]
    assert cors["AllowedOrigins"] == [ORIGIN]
    assert set(cors["AllowedMethods"]) == {"GET", "PUT"}
    assert cors["ExposeHeaders"] == ["ETag", "x-amz-checksum-sha256"]
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=wanted.bucket)["Rules"]
    assert (rule["Filter"], rule["AbortIncompleteMultipartUpload"]) == (
        {"Prefix": "input/"},
        {"DaysAfterInitiation": 7},
    )
    url = sqs.get_queue_url(QueueName=f"{settings.DEPLOYMENT}-{wanted.bucket}-events")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["SqsManagedSseEnabled"] == "true"
    redrive = json.loads(attributes["RedrivePolicy"])
    assert (redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])) == (f"{attributes['QueueArn']}-dead", 5)
    (told,) = s3.get_bucket_notification_configuration(Bucket=wanted.bucket)["QueueConfigurations"]
    assert told["QueueArn"] == attributes["QueueArn"]


def test_new_objects_are_told_below_the_prefix_alone(aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    up(gateway, wanted, actor)
    s3, sqs = aws("s3"), aws("sqs")
    url = sqs.get_queue_url(QueueName=wanted.uploads.events.name)["QueueUrl"]
    (test,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(test["Body"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=wanted.bucket, Key="other/x.h5ad", Body=b"1")
    s3.put_object(Bucket=wanted.bucket, Key="input/a/x.h5ad", Body=b"1")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    (record,) = json.loads(message["Body"])["Records"]
    assert record["s3"]["object"]["key"] == "input/a/x.h5ad"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_what_others_have_set_stays(aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    s3, bucket = aws("s3"), wanted.bucket
    gateway.buckets.create(bucket)
    theirs = of_others(aws, bucket)
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [THEIR_CORS]})
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [THEIR_LIFECYCLE]})
    notify(aws, bucket, theirs)
    up(gateway, wanted, actor)
    assert changed(gateway, wanted) == {}
    assert [rule["ID"] for rule in gateway.buckets.cors(bucket)] == [wanted.uploads.cors_id, "theirs"]
    assert THEIR_LIFECYCLE in gateway.buckets.lifecycle(bucket)["Rules"]
    entries = gateway.buckets.notification(bucket)["QueueConfigurations"]
    assert theirs in entries
    assert len(entries) == 2
    destroy(gateway, wanted, actor)
    assert gateway.buckets.cors(bucket) == [THEIR_CORS]
    assert gateway.buckets.lifecycle(bucket)["Rules"] == [THEIR_LIFECYCLE]
    assert gateway.buckets.notification(bucket) == {"QueueConfigurations": [theirs]}
    assert aws("sqs").get_queue_url(QueueName=theirs["QueueArn"].rpartition(":")[2])


def test_what_is_set_between_looking_and_writing_stays(aws: Sandbox, gateway: Aws, wanted: Stack) -> None:
    gateway.buckets.create(wanted.bucket)
    steps = {step.part: step for step in stack.plan(gateway, wanted)}
    aws("s3").put_bucket_cors(Bucket=wanted.bucket, CORSConfiguration={"CORSRules": [THEIR_CORS]})
    steps["browser uploads"].calls[0].make()
    assert [rule["ID"] for rule in gateway.buckets.cors(wanted.bucket)] == [wanted.uploads.cors_id, "theirs"]


def test_destroy_takes_everything_of_ours_and_can_be_repeated(gateway: Aws, wanted: Stack, actor: Actor) -> None:
    up(gateway, wanted, actor)
    parts = ("notification", "event queue", "dead letters", "unfinished uploads", "browser uploads")
    seen = destroy(gateway, wanted, actor)
    assert {seen[part] for part in parts} == {"ours"}
    assert gateway.queues.queue(wanted.uploads.events.name) is None
    assert gateway.queues.queue(wanted.uploads.dead_letters.name) is None
    assert (gateway.buckets.cors(wanted.bucket), gateway.buckets.notification(wanted.bucket)) == ([], {})
    assert gateway.buckets.lifecycle(wanted.bucket) == {"Rules": []}
    again = destroy(gateway, wanted, actor)
    assert {again[part] for part in parts} == {"gone"}


def test_drift_is_shown_and_put_right(aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor) -> None:
    up(gateway, wanted, actor)
    s3, sqs, bucket = aws("s3"), aws("sqs"), wanted.bucket
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [THEIR_CORS, wanted.uploads.cors]})
    loose = {**wanted.uploads.lifecycle, "Status": "Disabled"}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [loose]})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    url = sqs.get_queue_url(QueueName=wanted.uploads.events.name)["QueueUrl"]
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    opened = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [everyone]}), "RedrivePolicy": ""}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=opened)
    assert changed(gateway, wanted) == {
        "browser uploads": "changed",
        "unfinished uploads": "changed",
        "event queue": "changed",
        "notification": "missing",
    }
    up(gateway, wanted, actor)
    assert changed(gateway, wanted) == {}


def test_without_an_origin_no_page_may_send(gateway: Aws, wanted: Stack, actor: Actor, settings: Any) -> None:
    up(gateway, wanted, actor)
    settings.ALLOWED_ORIGIN = ""
    closed = desired(gateway, bucket=wanted.bucket)
    assert changed(gateway, closed) == {"browser uploads": "changed"}
    up(gateway, closed, actor)
    assert changed(gateway, closed) == {}
    assert gateway.buckets.cors(wanted.bucket) == []


def test_a_notification_in_the_way_is_named_and_left_alone(
    aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor
) -> None:
    gateway.buckets.create(wanted.bucket)
    theirs = of_others(aws, wanted.bucket, prefix="", event="s3:ObjectCreated:Put")
    notify(aws, wanted.bucket, theirs)
    with pytest.raises(ConflictError, match="theirs -> arn:aws:sqs") as refused:
        up(gateway, wanted, actor)
    assert refused.value.code == "not_ours"
    assert gateway.buckets.notification(wanted.bucket) == {"QueueConfigurations": [theirs]}
    assert Location.objects.get(scope=wanted.scope).state == "active"
    assert changed(gateway, wanted) == {"notification": "foreign"}


def test_a_queue_of_somebody_else_is_named_and_left_alone(
    aws: Sandbox, gateway: Aws, wanted: Stack, actor: Actor
) -> None:
    name = wanted.uploads.events.name
    aws("sqs").create_queue(QueueName=name, tags={ownership.DEPLOYMENT_TAG: "another"})
    before = gateway.queues.queue(name)
    with pytest.raises(ConflictError, match="left alone"):
        up(gateway, wanted, actor)
    assert destroy(gateway, wanted, actor)["event queue"] == "foreign"
    assert gateway.queues.queue(name) == before


def test_the_address_of_the_queue_is_told_until_it_is_read(
    gateway: Aws, wanted: Stack, actor: Actor, settings: Any
) -> None:
    up(gateway, wanted, actor)
    found = gateway.queues.queue(wanted.uploads.events.name)
    assert found is not None
    details = {step.part: step.detail for step in stack.plan(gateway, wanted)}
    assert details["event queue"] == f"set CELLENIUM_EVENT_QUEUE_URL={found.url}"
    settings.EVENT_QUEUE_URL = found.url
    assert {step.part: step.detail for step in stack.plan(gateway, wanted)}["event queue"] == ""
