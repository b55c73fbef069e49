"""botocore's service models judge the raw answers of SQS, and of the S3 operations that uploads and events need."""

import json
from typing import Any

import pytest

from grants.sandbox import wire
from tests.sandbox.s3.test_cors import RULE
from tests.sandbox.s3.test_lifecycle import RULE as UNFINISHED
from tests.sandbox.sqs import json_judge
from tests.support import judge
from tests.support.sandbox import Aws, allow, document


class Judge:
    """Hears every raw answer that a client gets."""

    def __init__(self, faults_of: Any) -> None:
        self.faults_of = faults_of
        self.heard: set[str] = set()
        self.faults: list[str] = []

    def client(self, aws: Aws, service: str) -> Any:
        client = aws.sandbox.client(service)
        client.meta.events.register("before-parse", self.hear)
        return client

    def hear(self, operation_model: Any, response_dict: Any, **_: Any) -> None:
        body = response_dict["body"]
        if response_dict["status_code"] < 300:
            self.heard.add(operation_model.name)
            raw = body if isinstance(body, bytes) else b""
            self.faults += self.faults_of(operation_model, response_dict["status_code"], response_dict["headers"], raw)


def test_every_sqs_operation(aws: Aws) -> None:
    found = Judge(json_judge.faults_of)
    sqs, name = found.client(aws, "sqs"), aws.name("judged")
    queue = {"QueueUrl": sqs.create_queue(QueueName=name, tags={"a": "b"})["QueueUrl"]}
    sqs.get_queue_url(QueueName=name)
    sqs.list_queues(MaxResults=1)
    sqs.set_queue_attributes(**queue, Attributes={"VisibilityTimeout": "60"})
    sqs.get_queue_attributes(**queue, AttributeNames=["All"])
    sqs.tag_queue(**queue, Tags={"c": "d"})
    sqs.list_queue_tags(**queue)
    sqs.untag_queue(**queue, TagKeys=["a", "c"])
    sqs.list_queue_tags(**queue)
    given = {"raw": {"DataType": "Binary", "BinaryValue": b"\xff"}}
    sqs.send_message(**queue, MessageBody="1", MessageAttributes=given)
    sqs.send_message_batch(**queue, Entries=[{"Id": "a", "MessageBody": "2"}, {"Id": "b", "MessageBody": ""}])
    taken = sqs.receive_message(**queue, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"])
    one, two = (message["ReceiptHandle"] for message in taken["Messages"])
    sqs.change_message_visibility(**queue, ReceiptHandle=one, VisibilityTimeout=9)
    entries = [{"Id": "a", "ReceiptHandle": two}, {"Id": "b", "ReceiptHandle": "none"}]
    sqs.change_message_visibility_batch(**queue, Entries=[{**entry, "VisibilityTimeout": 9} for entry in entries])
    sqs.delete_message(**queue, ReceiptHandle=one)
    sqs.delete_message_batch(**queue, Entries=entries)
    sqs.receive_message(**queue)
    sqs.list_dead_letter_source_queues(**queue)
    sqs.purge_queue(**queue)
    sqs.delete_queue(**queue)
    assert found.faults == []
    assert len(found.heard) == 18


def test_the_s3_operations_of_uploads_and_events(aws: Aws) -> None:
    found = Judge(judge.faults_of)
    s3, bucket = found.client(aws, "s3"), {"Bucket": aws.make_bucket()}
    s3.put_bucket_cors(**bucket, CORSConfiguration={"CORSRules": [RULE]})
    s3.get_bucket_cors(**bucket)
    s3.delete_bucket_cors(**bucket)
    s3.put_bucket_lifecycle_configuration(**bucket, LifecycleConfiguration={"Rules": [UNFINISHED]})
    s3.get_bucket_lifecycle_configuration(**bucket)
    s3.delete_bucket_lifecycle(**bucket)
    s3.get_bucket_notification_configuration(**bucket)
    arn = opened(aws, bucket["Bucket"])
    rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a/"}]}}
    entry = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules}
    s3.put_bucket_notification_configuration(**bucket, NotificationConfiguration={"QueueConfigurations": [entry]})
    s3.get_bucket_notification_configuration(**bucket)
    uploads(s3, bucket)
    assert found.faults == []
    assert {
        "PutBucketCors", "GetBucketCors", "DeleteBucketCors", "PutBucketLifecycleConfiguration",
        "GetBucketLifecycleConfiguration", "DeleteBucketLifecycle", "GetBucketNotificationConfiguration",
        "PutBucketNotificationConfiguration", "ListParts", "ListMultipartUploads", "AbortMultipartUpload",
        "CompleteMultipartUpload",
    } <= found.heard  # fmt: skip


def opened(aws: Aws, bucket: str) -> str:
    """Make a queue that S3 may send to, and give its ARN."""
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{aws.name('events')}"
    here = {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}}
    statement = allow("sqs:SendMessage", arn, Principal={"Service": "s3.amazonaws.com"}, Condition=here)
    policy = json.dumps(document(*statement["Statement"]))
    aws("sqs").create_queue(QueueName=arn.rpartition(":")[2], Attributes={"Policy": policy})
    return arn


def uploads(s3: Any, bucket: dict[str, str]) -> None:
    named = {**bucket, "Key": "a/x"}
    for ending in ("complete", "abort"):
        upload = {**named, "UploadId": s3.create_multipart_upload(**named, ChecksumAlgorithm="SHA256")["UploadId"]}
        part = s3.upload_part(**upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
        s3.list_parts(**upload)
        s3.list_multipart_uploads(**bucket)
        s3.list_multipart_uploads(**bucket, Delimiter="/", EncodingType="url", MaxUploads=1)
        if ending == "abort":
            s3.abort_multipart_upload(**upload)
        else:
            parts = [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]
            s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    s3.list_multipart_uploads(**bucket)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetQueueUrl", b'{"QueueUrl": "u", "Nothing": 1}'),
        ("GetQueueUrl", b'{"QueueUrl": 1}'),
        ("SendMessageBatch", b'{"Successful": []}'),
        ("GetQueueAttributes", b'{"Attributes": {"DelaySeconds": 0}}'),
        ("DeleteQueue", b'{"a": 1}'),
    ],
)
def test_the_judge_hears_what_is_wrong(operation: str, body: bytes) -> None:
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    assert len(json_judge.faults_of(wire.model("sqs").operation_model(operation), 200, headers, body)) == 1
