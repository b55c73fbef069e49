"""What the service can do with its own policy and nothing else: all of its work, and nothing beside its bucket."""

import base64
import hashlib
import json
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from grants.aws.factory import connect
from grants.aws.gateway import Aws
from grants.services import stack, stack_destroy
from grants.services.stack_desired import Stack, desired
from grants.services.stack_steps import Step
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

DENIED = {"AccessDenied", "AccessDeniedException", "403"}


def quiet(step: Step) -> None:
    del step


@pytest.fixture
def service(aws: Sandbox, wanted: Stack) -> dict[str, str]:
    """Make the service an IAM user with its managed policy, and give its credentials."""
    user = aws.make_user(name=aws.name("service"))
    iam = aws("iam")
    document = json.dumps(wanted.service_policy, separators=(",", ":"))
    policy = iam.create_policy(PolicyName=user["UserName"], PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=user["UserName"], PolicyArn=policy)
    return user


@pytest.fixture
def ours(service: dict[str, str], gateway: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Give AWS as the service itself sees it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", service["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", service["SecretAccessKey"])
    return connect()


def test_it_can_make_and_take_down_its_own_stack(wanted: Stack, ours: Aws, actor: Actor, aws: Sandbox) -> None:
    if aws("s3control").list_access_grants_instances(AccountId=aws.account)["AccessGrantsInstancesList"] == []:
        aws("s3control").create_access_grants_instance(AccountId=aws.account)
    mine = desired(ours, bucket=wanted.bucket)
    stack.up(aws=ours, stack=mine, actor=actor, report=quiet)
    assert {step.status for step in stack.plan(ours, mine)} == {"ok"}
    stack_destroy.destroy(aws=ours, stack=mine, actor=actor, report=quiet, confirm_bucket=wanted.bucket)
    assert ours.buckets.bucket(wanted.bucket) is None


def test_it_can_take_an_upload_read_its_event_and_remove_it(
    wanted: Stack, service: dict[str, str], gateway: Aws, actor: Actor, aws: Sandbox
) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    s3, sqs = aws("s3", service), aws("sqs", service)
    where = {"Bucket": wanted.bucket, "Key": "input/uploader@example.org/uploads/x.h5ad"}
    begun = s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]
    checksum = base64.b64encode(hashlib.sha256(b"part").digest()).decode()
    part = {"PartNumber": 1, "UploadId": begun, **where}
    etag = s3.upload_part(**part, Body=b"part", ChecksumSHA256=checksum)["ETag"]
    assert [one["Size"] for one in s3.list_parts(**where, UploadId=begun)["Parts"]] == [4]
    assert s3.list_multipart_uploads(Bucket=wanted.bucket, Prefix="input/")["Uploads"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag, "ChecksumSHA256": checksum}]}
    s3.complete_multipart_upload(**where, UploadId=begun, MultipartUpload=parts)
    other = s3.create_multipart_upload(**where)["UploadId"]
    s3.abort_multipart_upload(**where, UploadId=other)
    (version,) = s3.list_object_versions(Bucket=wanted.bucket, Prefix="input/")["Versions"]
    url = sqs.get_queue_url(QueueName=wanted.uploads.events.name)["QueueUrl"]
    bodies = [_take(sqs, url) for _ in range(2)]
    assert "input/uploader%40example.org" in bodies[1] or "input/uploader@example.org" in bodies[1]
    s3.delete_object(**where, VersionId=version["VersionId"])
    assert "Versions" not in s3.list_object_versions(Bucket=wanted.bucket, Prefix="input/")


def test_it_can_do_nothing_beside_its_bucket_prefix_and_queues(
    wanted: Stack, service: dict[str, str], gateway: Aws, actor: Actor, aws: Sandbox
) -> None:
    stack.up(aws=gateway, stack=wanted, actor=actor, report=quiet)
    s3, sqs, neighbour = aws("s3", service), aws("sqs", service), aws.make_bucket(versioned=True)
    aws("s3").put_object(Bucket=neighbour, Key="input/x", Body=b"1")
    aws("s3").put_object(Bucket=wanted.bucket, Key="studies/x", Body=b"1")
    there = {"Bucket": neighbour, "Key": "input/x"}
    beside = {"Bucket": wanted.bucket, "Key": "studies/x"}
    foreign = aws("sqs").create_queue(QueueName=aws.name("neighbour"))["QueueUrl"]
    rule = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
    refused = [
        refusal(s3.get_object, **there),
        refusal(s3.put_object, **there, Body=b"2"),
        refusal(s3.delete_object, **there),
        refusal(s3.create_multipart_upload, **there),
        refusal(s3.list_objects_v2, Bucket=neighbour),
        refusal(s3.list_multipart_uploads, Bucket=neighbour),
        refusal(s3.put_bucket_cors, Bucket=neighbour, CORSConfiguration=rule),
        refusal(s3.get_bucket_notification_configuration, Bucket=neighbour),
        refusal(s3.put_object, **beside, Body=b"2"),
        refusal(s3.delete_object, **beside),
        refusal(s3.put_object, Bucket=wanted.bucket, Key="inputs/x", Body=b"2"),
        refusal(sqs.receive_message, QueueUrl=foreign),
        refusal(sqs.create_queue, QueueName=aws.name("another")),
        refusal(sqs.send_message, QueueUrl=_url(aws, wanted), MessageBody="forged"),
    ]
    assert [code for code in refused if code not in DENIED] == []
    assert refusal(s3.get_object, **beside) is None


def _url(aws: Sandbox, wanted: Stack) -> str:
    return str(aws("sqs").get_queue_url(QueueName=wanted.uploads.events.name)["QueueUrl"])


def _take(sqs: Any, url: str) -> str:
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])
