"""What somebody with keys for their own prefix could do to the uploads of all, and what a removal must never take."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cellenium_admin.core import storage
from cellenium_admin.core.event_queue import Message
from cellenium_admin.core.models import User
from cellenium_admin.core.storage import StoredFile
from cellenium_admin.core.storage.multipart import Begun, MultipartStore
from imports.models import ImportRun, Upload
from imports.services import events, removal, sending, upkeep, uploads
from tests.imports.uploads.conftest import ACTOR, MIB, Sender
from tests.support.sandbox import Aws

pytestmark = pytest.mark.django_db(transaction=True)
PREFIX = "input/uploader@example.org/"
State = Upload.State


def key_of(upload: Upload) -> str:
    return sending.key_of(upload)


def seen(aws: Aws, bucket: str, name: str, body: bytes = b"x") -> Upload:
    """Have a file put straight into the bucket, found, and its import over."""
    aws("s3").put_object(Bucket=bucket, Key=f"{PREFIX}{name}", Body=body)
    uploads.scan(actor=ACTOR)
    ImportRun.objects.update(state=ImportRun.State.REJECTED)
    return Upload.objects.get(uri=f"s3://{bucket}/{PREFIX}{name}")


def test_a_small_promise_does_not_open_the_quota(bucket: str, sender: Sender, aws: Aws, settings: Any) -> None:
    settings.UPLOAD_QUOTA_BYTES = 100
    begun = sender.begin(1)
    key = begun["uri"].partition(f"{bucket}/")[2]
    aws("s3").put_object(Bucket=bucket, Key=key, Body=b"x" * 1000)
    uploads.scan(actor=ACTOR)
    large = Upload.objects.get(size=1000)
    assert large.state == State.HELD
    assert not ImportRun.objects.exists()


def test_what_was_cancelled_does_not_open_the_quota(bucket: str, sender: Sender, aws: Aws, settings: Any) -> None:
    settings.UPLOAD_QUOTA_FILES = 1
    for _ in range(2):
        begun = sender.begin(1)
        sender.call("post", f"uploads/{begun['id']}/cancel", {})
        aws("s3").put_object(Bucket=bucket, Key=begun["uri"].partition(f"{bucket}/")[2], Body=b"x")
    for _ in range(2):
        uploads.scan(actor=ACTOR)
    assert ImportRun.objects.count() == 1
    assert Upload.objects.filter(state=State.HELD).count() == 1


def test_another_file_under_the_key_ends_what_was_being_put_together(
    bucket: str, sender: Sender, aws: Aws, monkeypatch: Any
) -> None:
    begun = sender.begin(5)
    sender.send(begun, b"hello")
    real = MultipartStore.complete

    def complete(self: MultipartStore, key: str, *arguments: Any) -> None:
        real(self, key, *arguments)
        aws("s3").put_object(Bucket=bucket, Key=key, Body=b"something else")

    monkeypatch.setattr(MultipartStore, "complete", complete)
    assert sender.complete(begun).json()["state"] == "expired"
    assert sorted(Upload.objects.values_list("source", "state", "size")) == [
        ("browser", "expired", 5),
        ("bucket", "received", 14),
    ]
    assert uploads.scan(actor=ACTOR).new == 0


def test_a_file_larger_than_any_may_be_is_held(bucket: str, uploader: User, aws: Aws, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    aws("s3").put_object(Bucket=bucket, Key=f"{PREFIX}a.h5ad", Body=b"x" * 11)
    uploads.scan(actor=ACTOR)
    assert Upload.objects.get().state == State.HELD


@pytest.mark.parametrize("name", ["\x00.h5ad", "x\x00y/a.h5ad"])
def test_a_name_postgresql_cannot_hold_stops_no_scan(
    name: str, bucket: str, uploader: User, neighbour: User, monkeypatch: Any
) -> None:
    """S3 takes any Unicode character in a key."""

    def file(key: str) -> StoredFile:
        return StoredFile(f"s3://{bucket}/{key}", key, "v1", 1, datetime(2026, 1, 1, tzinfo=UTC))

    found = [file(f"{PREFIX}{name}"), file(f"{neighbour.upload_prefix}honest.h5ad")]
    monkeypatch.setattr(storage, "list_files", lambda _: iter(found))
    assert uploads.scan(actor=ACTOR).new == 1
    assert Upload.objects.get().owner == neighbour


@pytest.mark.parametrize("key", ["a%00.h5ad", "\\ud800.h5ad", "k" * 2000])
def test_a_name_nobody_can_ask_for_stops_no_queue(
    key: str, bucket: str, uploader: User, aws: Aws, monkeypatch: Any, settings: Any
) -> None:
    aws("s3").put_object(Bucket=bucket, Key=f"{PREFIX}good.h5ad", Body=b"x")
    template = '{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"%s"},"object":{"key":"%s"}}}]}'
    bodies = [template % (bucket, f"{PREFIX}{name}") for name in (key, "good.h5ad")]
    waiting = [[Message(str(number), str(number), body) for number, body in enumerate(bodies)]]
    deleted: list[str] = []

    class Queue:
        def __init__(self, _: str) -> None: ...

        def receive(self, *, wait_seconds: int) -> list[Message]:
            return waiting.pop() if waiting else []

        def delete(self, messages: list[Message]) -> None:
            deleted.extend(message.id for message in messages)

    monkeypatch.setattr(events, "EventQueue", Queue)
    assert events.read_queue()["new"] == 1
    assert "1" in deleted


def test_files_for_nobody_are_bounded(bucket: str, uploader: User, monkeypatch: Any, settings: Any) -> None:
    settings.UPLOAD_QUOTA_FILES = 20
    when = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        StoredFile(f"s3://{bucket}/{PREFIX}{number}.txt", f"{PREFIX}{number}.txt", "v1", 1, when)
        for number in range(100)
    ]
    monkeypatch.setattr(storage, "list_files", lambda _: iter(found))
    uploads.scan(actor=ACTOR)
    assert Upload.objects.count() == 20


def test_one_persons_held_files_do_not_keep_others_waiting(
    bucket: str, uploader: User, neighbour: User, monkeypatch: Any, settings: Any
) -> None:
    monkeypatch.setattr(upkeep, "MOST", 3)
    settings.UPLOAD_QUOTA_BYTES = 10
    facts = {"state": State.HELD, "revision": "v", "modified_at": timezone.now()}
    for number in range(3):
        Upload.objects.create(uri=f"s3://{bucket}/{PREFIX}{number}.h5ad", size=11, owner=uploader, **facts)
    honest = Upload.objects.create(uri=f"s3://{bucket}/b.h5ad", size=1, owner=neighbour, **facts)
    for _ in range(2):
        upkeep.tidy()
    honest.refresh_from_db()
    assert honest.state == State.RECEIVED


def test_a_removal_takes_nothing_from_another_bucket(
    aws: Aws, uploader: User, aws_environment: None, settings: Any
) -> None:
    old, new = aws.make_bucket(versioned=False), aws.make_bucket(versioned=False)
    settings.H5AD_STORE = f"s3://{old}"
    upload = seen(aws, old, "a.h5ad")
    aws("s3").put_object(Bucket=new, Key=key_of(upload), Body=b"x")
    settings.H5AD_STORE = f"s3://{new}"
    with pytest.raises(Exception, match="store"):
        removal.remove(upload=upload, actor=ACTOR, reason="x")
    assert aws("s3").list_objects_v2(Bucket=new)["KeyCount"] == 1
    assert Upload.objects.get(pk=upload.pk).state == State.RECEIVED


def test_a_removal_takes_nothing_that_came_meanwhile(
    aws: Aws, uploader: User, aws_environment: None, settings: Any, monkeypatch: Any
) -> None:
    bucket = aws.make_bucket(versioned=False)
    settings.H5AD_STORE = f"s3://{bucket}"
    upload = seen(aws, bucket, "a.h5ad")
    real = MultipartStore._head

    def head(self: MultipartStore, key: str, bound: Any) -> Any:
        found = real(self, key, bound)
        aws("s3").put_object(Bucket=bucket, Key=key, Body=b"newer")
        return found

    monkeypatch.setattr(MultipartStore, "_head", head)
    try:
        removal.remove(upload=upload, actor=ACTOR, reason="x")
    finally:
        assert aws("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_what_was_there_before_versions_is_really_removed(
    aws: Aws, uploader: User, aws_environment: None, settings: Any
) -> None:
    bucket = aws.make_bucket(versioned=False)
    settings.H5AD_STORE = f"s3://{bucket}"
    upload = seen(aws, bucket, "a.h5ad")
    aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert removal.remove(upload=upload, actor=ACTOR, reason="x").state == State.REMOVED
    assert not aws("s3").list_object_versions(Bucket=bucket).get("Versions")


def test_an_upload_of_another_tool_that_goes_on_is_not_ended(
    bucket: str, uploader: User, aws: Aws, monkeypatch: Any
) -> None:
    s3, key = aws("s3"), f"{PREFIX}large.h5ad"
    begun = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    s3.upload_part(Bucket=bucket, Key=key, UploadId=begun, PartNumber=1, Body=b"x" * MIB)
    long_ago = timezone.now() - timedelta(days=4)
    monkeypatch.setattr(MultipartStore, "begun", lambda self, prefix: iter([Begun(key, begun, long_ago)]))
    assert upkeep.end_unknown() == 0
    assert s3.list_parts(Bucket=bucket, Key=key, UploadId=begun)["Parts"]
