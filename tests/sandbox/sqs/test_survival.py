"""Queues, messages, notifications and unfinished uploads are there after a restart and after a `kill -9`."""

import base64
import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from grants.sandbox.embedded import EmbeddedSandbox
from tests.sandbox.sqs.test_judge import opened
from tests.support.sandbox import Aws, refusal

pytestmark = pytest.mark.slow
ATTRIBUTES = ["Policy", "RedrivePolicy", "CreatedTimestamp", "LastModifiedTimestamp", "VisibilityTimeout", "QueueArn"]


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def told(sqs: Any, url: str) -> Any:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=ATTRIBUTES)["Attributes"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_queues_messages_and_uploads_survive(tmp_path: Path, number: signal.Signals) -> None:
    sandbox = EmbeddedSandbox(tmp_path / "state")
    sandbox.start()
    try:
        aws = Aws(sandbox)
        bucket = aws.make_bucket()
        arn, dead = opened(aws, bucket), opened(aws, bucket)
        url = aws("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 3})
        aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": redrive, "VisibilityTimeout": "90"})
        entry = {"Id": "uploads", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        aws("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [entry]}
        )
        for body in ("kept", "deleted", "in hand"):
            aws("sqs").send_message(QueueUrl=url, MessageBody=body)
        for message in aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
            if message["Body"] == "deleted":
                aws("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        upload = begun(aws, bucket)
        before = told(aws("sqs"), url)
        os.kill(sandbox.pid or 0, number)
        sandbox.start()
        aws = Aws(sandbox)
        assert told(aws("sqs"), url) == before
        finish(aws, upload)
        check(aws, url, dead)
    finally:
        sandbox.stop()


def begun(aws: Aws, bucket: str) -> dict[str, str]:
    """Begin an upload and put its first part twice."""
    named = {"Bucket": bucket, "Key": "whole"}
    upload = {**named, "UploadId": aws("s3").create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]}
    for body in (b"first", b"second"):
        aws("s3").upload_part(**upload, PartNumber=1, Body=body, ChecksumAlgorithm="SHA256")
    return upload


def finish(aws: Aws, upload: dict[str, str]) -> None:
    (part,) = aws("s3").list_parts(**upload)["Parts"]
    assert part["ChecksumSHA256"] == digest(b"second")
    wrong = {"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": digest(b"first")}
    completing = aws("s3").complete_multipart_upload
    assert refusal(completing, **upload, MultipartUpload={"Parts": [wrong]}) == "InvalidPart"
    right = {**wrong, "ChecksumSHA256": digest(b"second")}
    assert refusal(completing, **upload, MultipartUpload={"Parts": [right]}) is None


def check(aws: Aws, url: str, dead: str) -> None:
    messages = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    kinds = [json.loads(found["Body"]) if found["Body"].startswith("{") else found["Body"] for found in messages]
    assert [kind["Event"] for kind in kinds[:1]] == ["s3:TestEvent"]
    assert kinds[1:3] == ["kept", "in hand"]
    assert kinds[3]["Records"][0]["eventName"] == "ObjectCreated:CompleteMultipartUpload"
    assert len(kinds) == 4
    for _ in range(3):
        for message in messages:
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            aws("sqs").change_message_visibility(**handle, VisibilityTimeout=0)
        messages = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert messages == []
    buried = aws("sqs").get_queue_url(QueueName=dead.rpartition(":")[2])["QueueUrl"]
    assert len(aws("sqs").receive_message(QueueUrl=buried, MaxNumberOfMessages=10)["Messages"]) == 4
