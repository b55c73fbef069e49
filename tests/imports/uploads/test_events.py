"""What the bucket tells by its queue, over the local AWS: late, twice, in the wrong order, or nonsense."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cellenium_admin.core.models import User
from cellenium_admin.core.storage.place import BucketPlace
from grants.sandbox.embedded import EmbeddedSandbox
from imports.models import ImportRun, Upload
from imports.services import events, upkeep, uploads
from tests.imports.uploads.conftest import ACTOR, Sender
from tests.support.sandbox import Aws

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = "input/uploader@example.org/"


@pytest.fixture
def queue(bucket: str, aws: Aws, settings: Any, sandbox: EmbeddedSandbox) -> Iterator[str]:
    """A queue to which the bucket tells of new objects."""
    sqs, name = aws("sqs"), aws.name("events")
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "VisibilityTimeout": "0"})
    tell = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    aws("s3").put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [tell]}
    )
    settings.EVENT_QUEUE_URL = url
    yield url
    sandbox.control.set_knobs(event_copies=1, event_lag=0, event_disorder=False)


def put(aws: Aws, bucket: str, name: str, body: bytes = b"x") -> None:
    aws("s3").put_object(Bucket=bucket, Key=f"{PREFIX}{name}", Body=body)


def read() -> dict[str, int]:
    """Read until nothing comes any more: what is late comes within seconds, what follows it within one."""
    done: dict[str, int] = {}
    for _ in range(5):
        found = events.read_queue(wait_seconds=1, rounds=20)
        for name, number in found.items():
            done[name] = done.get(name, 0) + number
        if done and not any(found.values()):
            break
    return done


@pytest.mark.parametrize("name", ["a.h5ad", "my study + ä %2F.h5ad", "deep/er/a b.H5AD"])
def test_an_event_becomes_an_upload_of_whose_prefix_it_is(
    name: str, queue: str, bucket: str, uploader: User, aws: Aws
) -> None:
    put(aws, bucket, name)
    assert read()["new"] == 1
    upload = Upload.objects.get()
    assert (upload.uri, upload.owner, upload.state) == (f"s3://{bucket}/{PREFIX}{name}", uploader, "received")
    assert uploads.scan(actor=ACTOR).new == 0
    assert ImportRun.objects.count() == 1


def test_the_same_event_three_times_and_in_the_wrong_order(
    queue: str, bucket: str, uploader: User, aws: Aws, sandbox: EmbeddedSandbox
) -> None:
    sandbox.control.set_knobs(event_copies=3, event_disorder=True)
    for number in range(3):
        put(aws, bucket, f"{number}.h5ad")
    put(aws, bucket, "0.h5ad", b"newer")
    found = read()
    assert found["new"] + found["known"] == 12
    scanned = uploads.scan(actor=ACTOR)
    assert scanned.new == 0
    assert Upload.objects.count() == ImportRun.objects.count() == found["new"]
    assert Upload.objects.filter(uri__endswith="/0.h5ad", size=5).count() == 1
    newest = {row.uri: row.revision for row in Upload.objects.order_by("modified_at", "found_at")}
    listed = aws("s3").list_object_versions(Bucket=bucket)["Versions"]
    assert newest == {f"s3://{bucket}/{one['Key']}": one["VersionId"] for one in listed if one["IsLatest"]}


def test_a_browsers_upload_is_told_of_as_well(queue: str, bucket: str, uploader: User, aws: Aws) -> None:
    sender = Sender(uploader)
    upload = sender.begin(5)
    sender.send(upload, b"hello")
    sender.complete(upload)
    assert read() == {"known": 1, "other": 1}
    assert Upload.objects.count() == 1


def test_what_is_no_news_for_us(queue: str, bucket: str, uploader: User, aws: Aws) -> None:
    put(aws, bucket, "gone.h5ad")
    aws("s3").delete_object(Bucket=bucket, Key=f"{PREFIX}gone.h5ad")
    aws("s3").put_object(Bucket=bucket, Key="elsewhere/a.h5ad", Body=b"x")
    put(aws, bucket, "folder/")
    assert "new" not in read()
    assert not Upload.objects.exists()


def test_other_files_are_listed_and_left_alone(queue: str, bucket: str, uploader: User, aws: Aws) -> None:
    put(aws, bucket, "notes.txt")
    aws("s3").put_object(Bucket=bucket, Key="input/stranger@example.org/notes.txt", Body=b"x")
    read()
    upload = Upload.objects.get()
    assert (upload.state, upload.owner) == ("unrecognized", uploader)
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    "body",
    ["", "nonsense", "[]", "{}", '{"Records": 3}', '{"Records": [{}]}', '{"Records": [{"eventName": 1}]}', "[" * 5000],
)
def test_messages_that_are_none_stay_for_the_redrive(
    body: str, queue: str, bucket: str, uploader: User, aws: Aws
) -> None:
    place = BucketPlace(bucket, "")
    with pytest.raises(events.MalformedMessageError):
        list(events.names_in(body, place))
    if body:
        aws("sqs").send_message(QueueUrl=queue, MessageBody=body)
        put(aws, bucket, "a.h5ad")
        found = events.read_queue(rounds=3)
        assert (found["bad"] > 0, found["new"]) == (True, 1)
        assert aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1)["Messages"][0]["Body"] == body


def test_a_file_beyond_the_quota_waits_and_is_kept(
    queue: str, bucket: str, uploader: User, aws: Aws, settings: Any
) -> None:
    settings.UPLOAD_QUOTA_FILES = 1
    put(aws, bucket, "a.h5ad")
    put(aws, bucket, "b.h5ad")
    read()
    assert sorted(Upload.objects.values_list("state", flat=True)) == ["held", "received"]
    assert ImportRun.objects.count() == 1
    upkeep.tidy()
    assert ImportRun.objects.count() == 1
    ImportRun.objects.update(state=ImportRun.State.PUBLISHED)
    upkeep.tidy()
    assert sorted(Upload.objects.values_list("state", flat=True)) == ["received", "received"]
    assert ImportRun.objects.count() == 2
