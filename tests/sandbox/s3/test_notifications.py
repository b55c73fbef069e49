"""What a queue is told of a bucket's objects: checked when it is set up, in AWS's words, at least once.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from tests.support.sandbox import Aws, allow, document, refusal

EVENTS = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]


@dataclass(frozen=True)
class Told:
    """A bucket, and the queue that hears of it."""

    aws: Aws
    bucket: str
    queue: str
    arn: str

    def configure(self, *entries: Mapping[str, Any], **more: Any) -> None:
        wanted = [{"QueueArn": self.arn, "Events": EVENTS, **entry} for entry in entries or ({},)]
        self.aws("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": wanted}, **more
        )

    def open(self, **conditions: Any) -> None:
        """Let S3 send for this bucket, or under other conditions."""
        usual = {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{self.bucket}"},
            "StringEquals": {"aws:SourceAccount": self.aws.account},
        }
        statement = allow("sqs:SendMessage", self.arn, Condition={**usual, **conditions})["Statement"][0]
        policy = document({**statement, "Principal": {"Service": "s3.amazonaws.com"}})
        self.aws("sqs").set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": json.dumps(policy)})

    def messages(self, wait: int = 0) -> list[dict[str, Any]]:
        """Take all messages there are."""
        found: list[dict[str, Any]] = []
        sqs = self.aws("sqs")
        while got := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get(
            "Messages"
        ):
            found += [json.loads(message["Body"]) for message in got]
            wait = 0
            for message in got:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def records(self, wait: int = 0) -> list[dict[str, Any]]:
        return [record for message in self.messages(wait) for record in message["Records"]]

    def names(self, wait: int = 0) -> list[tuple[str, str]]:
        """Give what happened, and to which key."""
        return [(record["eventName"], unquote_plus(record["s3"]["object"]["key"])) for record in self.records(wait)]


def tellable(aws: Aws, *, versioned: bool = False) -> Told:
    queue = aws("sqs").create_queue(QueueName=aws.name("events"))["QueueUrl"]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account}:{queue.rpartition('/')[2]}"
    return Told(aws, aws.make_bucket(versioned=versioned), queue, arn)


@pytest.fixture
def told(aws: Aws) -> Told:
    found = tellable(aws, versioned=True)
    found.open()
    found.configure()
    found.messages()
    return found


def test_setting_up_sends_a_test_event(aws: Aws) -> None:
    told = tellable(aws)
    told.open()
    told.configure()
    (message,) = told.messages()
    assert (message["Service"], message["Event"], message["Bucket"]) == ("Amazon S3", "s3:TestEvent", told.bucket)
    assert datetime.fromisoformat(message["Time"]) - datetime.now(UTC) < timedelta(minutes=2)
    assert {"RequestId", "HostId"} < set(message)


@pytest.mark.parametrize(
    "conditions",
    [
        {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::another-bucket"}},
        {"StringEquals": {"aws:SourceAccount": "210987654321"}},
    ],
)
def test_the_queue_has_to_let_s3_in_for_this_bucket(aws: Aws, conditions: Any) -> None:
    told = tellable(aws)
    with pytest.raises(ClientError, match="Unable to validate the following destination configurations") as refused:
        told.configure()
    assert refused.value.response["Error"]["Code"] == "InvalidArgument"
    told.open(**conditions)
    with pytest.raises(ClientError, match="Unable to validate"):
        told.configure()
    assert "QueueConfigurations" not in aws("s3").get_bucket_notification_configuration(Bucket=told.bucket)
    told.open()
    told.configure()


def test_an_unchecked_queue_hears_nothing_before_it_opens(aws: Aws) -> None:
    told = tellable(aws)
    told.configure(SkipDestinationValidation=True)
    aws("s3").put_object(Bucket=told.bucket, Key="lost", Body=b"x")
    told.open()
    aws("s3").put_object(Bucket=told.bucket, Key="heard", Body=b"x")
    assert told.names() == [("ObjectCreated:Put", "heard")]


def test_a_put_is_told_in_awss_words(aws: Aws, told: Told) -> None:
    user = aws.make_user(allow("s3:PutObject", f"arn:aws:s3:::{told.bucket}/*"))
    key = "input/uploader@example.org/my cells+é(1).h5ad"
    put = aws("s3", user).put_object(Bucket=told.bucket, Key=key, Body=b"cells")
    (record,) = told.records()
    found = record.pop("s3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    assert record.pop("responseElements")["x-amz-request-id"] == put["ResponseMetadata"]["RequestId"]
    principal = aws("iam").get_user(UserName=user["UserName"])["User"]["UserId"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": aws.region,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:{principal}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
    }
    assert found["s3SchemaVersion"] == "1.0"
    assert found["configurationId"]
    assert (found["bucket"]["name"], found["bucket"]["arn"]) == (told.bucket, f"arn:aws:s3:::{told.bucket}")
    assert re.fullmatch("[0-9A-F]{16,}", found["object"].pop("sequencer"))
    assert found["object"] == {
        "key": "input/uploader%40example.org/my+cells%2B%C3%A9%281%29.h5ad",
        "size": 5,
        "eTag": hashlib.md5(b"cells").hexdigest(),
        "versionId": put["VersionId"],
    }


def test_every_way_to_make_and_remove_an_object(aws: Aws, told: Told) -> None:
    s3, bucket = aws("s3"), told.bucket
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"12345")["VersionId"]
    s3.copy_object(Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "a"})
    named = {"Bucket": bucket, "Key": "c"}
    upload = {**named, "UploadId": s3.create_multipart_upload(**named)["UploadId"]}
    parts = [{"PartNumber": 1, "ETag": s3.upload_part(**upload, PartNumber=1, Body=b"123")["ETag"]}]
    whole = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    marker = s3.delete_object(Bucket=bucket, Key="a")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="a", VersionId=first)
    records = told.records()
    shown = [(record["eventName"], record["s3"]["object"]) for record in records]
    assert [(name, found["key"], found.get("size")) for name, found in shown] == [
        ("ObjectCreated:Put", "a", 5),
        ("ObjectCreated:Copy", "b", 5),
        ("ObjectCreated:CompleteMultipartUpload", "c", 3),
        ("ObjectRemoved:DeleteMarkerCreated", "a", None),
        ("ObjectRemoved:Delete", "a", None),
    ]
    assert shown[2][1]["eTag"] == whole["ETag"].strip('"')
    assert shown[2][1]["versionId"] == whole["VersionId"]
    assert [found["versionId"] for _, found in shown[3:]] == [marker, first]
    sequencers = [found["sequencer"] for _, found in shown]
    assert sequencers == sorted(sequencers)


@pytest.mark.parametrize("quiet", [False, True])
def test_of_many_deletions_each_is_told(aws: Aws, told: Told, quiet: bool) -> None:
    for key in ("a", "b", "kept"):
        aws("s3").put_object(Bucket=told.bucket, Key=key, Body=b"x")
    told.messages()
    user = aws("s3", aws.make_user(allow("s3:DeleteObject", [f"arn:aws:s3:::{told.bucket}/{key}" for key in "ab"])))
    wish = {"Objects": [{"Key": key} for key in ("a", "b", "kept")], "Quiet": quiet}
    answer = user.delete_objects(Bucket=told.bucket, Delete=wish)
    assert ("Deleted" in answer) is not quiet
    assert [error["Key"] for error in answer["Errors"]] == ["kept"]
    assert sorted(told.names()) == [("ObjectRemoved:DeleteMarkerCreated", key) for key in "ab"]


def test_a_quiet_deletion_is_told(aws: Aws, told: Told) -> None:
    aws("s3").put_object(Bucket=told.bucket, Key="a", Body=b"x")
    told.messages()
    answer = aws("s3").delete_objects(Bucket=told.bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
    assert "Deleted" not in answer
    assert told.names() == [("ObjectRemoved:DeleteMarkerCreated", "a")]


def test_what_was_refused_is_not_told(aws: Aws, told: Told) -> None:
    stranger = aws("s3", aws.make_user())
    assert refusal(stranger.put_object, Bucket=told.bucket, Key="k", Body=b"x") == "AccessDenied"
    assert (
        refusal(aws("s3").put_object, Bucket=told.bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==") == "BadDigest"
    )
    assert told.messages() == []


def test_filters_and_events_choose(aws: Aws) -> None:
    told = tellable(aws)
    told.open()
    rules = [{"Name": "prefix", "Value": "input/"}, {"Name": "suffix", "Value": ".h5ad"}]
    chosen = {"Events": ["s3:ObjectCreated:Put"], "Filter": {"Key": {"FilterRules": rules}}}
    told.configure(chosen)
    told.messages()
    for key in ("input/a.h5ad", "input/a.txt", "other/a.h5ad"):
        aws("s3").put_object(Bucket=told.bucket, Key=key, Body=b"x")
    aws("s3").copy_object(Bucket=told.bucket, Key="input/b.h5ad", CopySource=f"{told.bucket}/input/a.h5ad")
    aws("s3").delete_object(Bucket=told.bucket, Key="input/a.h5ad")
    assert told.names() == [("ObjectCreated:Put", "input/a.h5ad")]


def test_a_configuration_comes_back_and_goes(aws: Aws) -> None:
    told, s3 = tellable(aws), aws("s3")
    told.open()
    rules = {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "a b/"}]}}
    told.configure({"Id": "uploads", "Filter": rules})
    shown = s3.get_bucket_notification_configuration(Bucket=told.bucket)["QueueConfigurations"]
    assert shown == [{"Id": "uploads", "QueueArn": told.arn, "Events": EVENTS, "Filter": rules}]
    s3.put_bucket_notification_configuration(Bucket=told.bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=told.bucket)
    told.messages()
    s3.put_object(Bucket=told.bucket, Key="a b/x", Body=b"x")
    assert told.messages() == []


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([{}, {"Events": ["s3:ObjectCreated:Put"]}], "InvalidArgument"),
        ([{"Id": "a", "Events": EVENTS[:1]}, {"Id": "a", "Events": EVENTS[1:]}], "InvalidArgument"),
        ([{"Events": ["s3:ObjectCreated:Everything"]}], "MalformedXML"),
        ([{"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "a"}] * 2}}}], "InvalidArgument"),
        ([{"QueueArn": "arn:aws:sqs:eu-central-1:123456789012:there-is-none"}], "InvalidArgument"),
    ],
)  # fmt: skip
def test_bad_configurations_are_refused(aws: Aws, entries: list[dict[str, Any]], code: str) -> None:
    told = tellable(aws)
    told.open()
    with pytest.raises(ClientError) as refused:
        told.configure(*entries)
    assert refused.value.response["Error"]["Code"] == code
    assert told.messages() == []


def test_two_filters_that_share_no_key_are_taken(aws: Aws) -> None:
    told = tellable(aws)
    told.open()
    filters = [{"Key": {"FilterRules": [{"Name": "prefix", "Value": value}]}} for value in ("a/", "b/")]
    told.configure(*({"Filter": found} for found in filters))
    told.messages()
    aws("s3").put_object(Bucket=told.bucket, Key="b/x", Body=b"x")
    assert told.names() == [("ObjectCreated:Put", "b/x")]


def test_topics_and_functions_are_not_there(aws: Aws) -> None:
    topic = {"TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "Events": EVENTS}
    wish = {"TopicConfigurations": [topic]}
    putting = aws("s3").put_bucket_notification_configuration
    assert refusal(putting, Bucket=aws.make_bucket(), NotificationConfiguration=wish) == "NotImplemented"


def test_notifications_need_their_own_permissions(aws: Aws) -> None:
    told = tellable(aws)
    reader = aws("s3", aws.make_user(allow("s3:GetBucketNotification", f"arn:aws:s3:::{told.bucket}")))
    assert refusal(reader.get_bucket_notification_configuration, Bucket=told.bucket) is None
    wish = {"Bucket": told.bucket, "NotificationConfiguration": {}}
    assert refusal(reader.put_bucket_notification_configuration, **wish) == "AccessDenied"


def test_events_come_often_late_disorderly_or_not_at_all(aws: Aws, told: Told) -> None:
    control, s3 = aws.sandbox.control, aws("s3")
    control.set_knobs(event_copies=3)
    s3.put_object(Bucket=told.bucket, Key="thrice", Body=b"x")
    records = told.records()
    assert len(records) == 3
    assert records[0] == records[1] == records[2]
    control.set_knobs(event_copies=0)
    s3.put_object(Bucket=told.bucket, Key="lost", Body=b"x")
    control.set_knobs(event_copies=1, event_disorder=True)
    for key in "ab":
        s3.put_object(Bucket=told.bucket, Key=key, Body=b"x")
    assert told.names() == [("ObjectCreated:Put", "b"), ("ObjectCreated:Put", "a")]
    control.set_knobs(event_disorder=False, event_lag=0.5)
    s3.put_object(Bucket=told.bucket, Key="late", Body=b"x")
    assert told.names() == []
    assert told.names(wait=20) == [("ObjectCreated:Put", "late")]


def test_a_lost_answer_is_told_all_the_same(aws: Aws, told: Told) -> None:
    """A client that sees its connection end does not know that the object is there; the queue does."""
    fault = {"service": "s3", "operation": "PutObject", "when": "after", "kind": "error", "status": 500}
    aws.sandbox.control.faults([fault])
    assert refusal(aws("s3").put_object, Bucket=told.bucket, Key="k", Body=b"x") == "InternalError"
    assert told.names() == [("ObjectCreated:Put", "k")]


def test_a_bucket_made_anew_tells_nobody(aws: Aws) -> None:
    told, s3 = tellable(aws), aws("s3")
    told.open()
    told.configure()
    told.messages()
    s3.delete_bucket(Bucket=told.bucket)
    s3.create_bucket(Bucket=told.bucket, CreateBucketConfiguration={"LocationConstraint": aws.region})
    s3.put_object(Bucket=told.bucket, Key="k", Body=b"x")
    assert told.messages() == []
