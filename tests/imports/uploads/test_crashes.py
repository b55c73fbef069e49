"""Deaths at every arrow of an upload: whoever comes next finishes it or gives it up, and no file becomes two."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.storage.multipart import MultipartStore
from imports.models import ImportRun, Upload
from imports.services import arrivals, events, removal, sending, upkeep, uploads
from tests.imports.uploads.conftest import ACTOR, MIB, Sender, begun, dying, start, stored
from tests.support.sandbox import Aws

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = b"x" * MIB
State = Upload.State


def later() -> None:
    """Come back as the sweeper when all patience is over."""
    for _ in range(2):
        upkeep.tidy(now=timezone.now() + timedelta(days=4))
    upkeep.end_unknown(now=timezone.now() + timedelta(days=4))


def by_scan() -> None:
    uploads.scan(actor=ACTOR)


def by_event() -> None:
    name = Upload.objects.get().uri.split("/", 3)[3]
    events._look(name)


def sent(uploader: User) -> Upload:
    """Have all parts of an upload in S3."""
    sender = Sender(uploader)
    upload = sender.begin(MIB)
    sender.send(upload, CONTENT)
    return Upload.objects.get(pk=upload["id"])


def arrived(bucket: str, aws: Aws) -> bool:
    """Look whether the file is there once, whole, and known once."""
    assert Upload.objects.count() == 1
    found = Upload.objects.get()
    there = stored(bucket, aws)
    assert (found.state == State.RECEIVED) == (list(there.values()) == [CONTENT])
    assert ImportRun.objects.count() == (found.state == State.RECEIVED)
    return found.state == State.RECEIVED


def test_01_before_s3_is_asked_to_begin(bucket: str, store: MultipartStore, uploader: User) -> None:
    with dying(MultipartStore, "begin"):
        start(uploader)
    assert Upload.objects.get().state == State.STARTING
    later()
    assert (Upload.objects.get().state, begun(store)) == (State.EXPIRED, [])


def test_02_after_s3_has_begun(bucket: str, store: MultipartStore, uploader: User) -> None:
    with dying(MultipartStore, "begin", after=True):
        start(uploader)
    assert len(begun(store)) == 1
    later()
    assert (Upload.objects.get().state, begun(store)) == (State.EXPIRED, [])
    assert AuditEvent.objects.filter(action="upload.expired").count() == 2


def test_03_cancelled_while_it_begins(bucket: str, store: MultipartStore, uploader: User, monkeypatch: Any) -> None:
    real = MultipartStore.begin

    def begin(self: MultipartStore, key: str) -> str:
        sending.cancel(upload=Upload.objects.get(), actor=ACTOR)
        return real(self, key)

    monkeypatch.setattr(MultipartStore, "begin", begin)
    with pytest.raises(Exception, match="cancelled while it began"):
        start(uploader)
    assert (Upload.objects.get().state, begun(store)) == (State.CANCELLED, [])


@pytest.mark.parametrize("heal", [later, by_scan], ids=["sweeper", "scan"])
def test_04_before_the_parts_are_put_together(
    heal: Callable[[], None], bucket: str, uploader: User, aws: Aws, store: MultipartStore
) -> None:
    upload = sent(uploader)
    with dying(MultipartStore, "complete"):
        sending.complete(upload=upload, actor=ACTOR)
    assert Upload.objects.get().state == State.COMPLETING
    heal()
    assert arrived(bucket, aws) == (heal is later)
    sending.complete(upload=upload, actor=ACTOR)
    assert arrived(bucket, aws)
    assert begun(store) == []


@pytest.mark.parametrize("heal", [later, by_scan, by_event], ids=["sweeper", "scan", "event"])
def test_05_after_the_parts_were_put_together(heal: Callable[[], None], bucket: str, uploader: User, aws: Aws) -> None:
    upload = sent(uploader)
    with dying(MultipartStore, "complete", after=True):
        sending.complete(upload=upload, actor=ACTOR)
    assert Upload.objects.get().state == State.COMPLETING
    heal()
    assert arrived(bucket, aws)
    assert sending.complete(upload=upload, actor=ACTOR).state == State.RECEIVED
    assert arrived(bucket, aws)


def test_06_before_the_arrival_is_written_down(bucket: str, uploader: User, aws: Aws) -> None:
    upload = sent(uploader)
    with dying(arrivals, "record"):
        sending.complete(upload=upload, actor=ACTOR)
    assert sending.complete(upload=upload, actor=ACTOR).state == State.RECEIVED
    assert arrived(bucket, aws)


def test_07_the_import_is_queued_with_the_arrival_or_not_at_all(bucket: str, uploader: User, aws: Aws) -> None:
    upload = sent(uploader)
    with dying(arrivals, "queue_import"):
        sending.complete(upload=upload, actor=ACTOR)
    assert (Upload.objects.get().state, ImportRun.objects.count()) == (State.COMPLETING, 0)
    by_scan()
    assert arrived(bucket, aws)


def test_08_before_the_parts_are_thrown_away(bucket: str, uploader: User, store: MultipartStore) -> None:
    upload = sent(uploader)
    with dying(MultipartStore, "end"):
        sending.cancel(upload=upload, actor=ACTOR)
    assert (Upload.objects.get().state, len(begun(store))) == (State.CANCELLED, 1)
    later()
    assert (Upload.objects.get().multipart_id, begun(store)) == ("", [])


def test_09_a_cancelled_upload_whose_parts_were_put_together_all_the_same(
    bucket: str, uploader: User, aws: Aws
) -> None:
    """S3 was slow, the person cancelled, then the object appeared: it is theirs and is not thrown away."""
    upload = sent(uploader)
    parts = sending.parts_of(upload)
    with dying(MultipartStore, "end"):
        sending.cancel(upload=upload, actor=ACTOR)
    MultipartStore().complete(sending.key_of(upload), upload.multipart_id, parts)
    by_scan()
    assert arrived(bucket, aws)


def test_10_before_a_removal_is_carried_out(bucket: str, uploader: User, aws: Aws) -> None:
    upload = imported(uploader)
    with dying(MultipartStore, "remove"):
        removal.remove(upload=upload, actor=ACTOR, reason="x")
    assert (Upload.objects.get().state, len(stored(bucket, aws))) == (State.REMOVING, 1)
    later()
    assert (Upload.objects.get().state, stored(bucket, aws)) == (State.REMOVED, {})
    by_scan()
    assert Upload.objects.count() == 1


def test_11_after_a_removal_was_carried_out(bucket: str, uploader: User, aws: Aws) -> None:
    upload = imported(uploader)
    with dying(MultipartStore, "remove", after=True):
        removal.remove(upload=upload, actor=ACTOR, reason="x")
    assert removal.remove(upload=upload, actor=ACTOR, reason="x").state == State.REMOVED
    assert stored(bucket, aws) == {}


def imported(uploader: User) -> Upload:
    """Have an upload whose import has ended."""
    upload = sent(uploader)
    sending.complete(upload=upload, actor=ACTOR)
    ImportRun.objects.update(state=ImportRun.State.REJECTED)
    return Upload.objects.get(pk=upload.pk)


def test_nothing_is_removed_without_a_reason_or_while_it_is_imported(bucket: str, uploader: User, aws: Aws) -> None:
    upload = sent(uploader)
    sending.complete(upload=upload, actor=ACTOR)
    for reason, match in (("x", "being imported"), (" ", "Say why")):
        with pytest.raises(Exception, match=match):
            removal.remove(upload=upload, actor=ACTOR, reason=reason)
    assert len(stored(bucket, aws)) == 1


def test_a_removal_takes_its_own_revision_alone(bucket: str, uploader: User, aws: Aws) -> None:
    upload = imported(uploader)
    aws("s3").put_object(Bucket=bucket, Key=sending.key_of(upload), Body=b"newer")
    removal.remove(upload=upload, actor=ACTOR, reason="x")
    assert list(stored(bucket, aws).values()) == [b"newer"]
    orders = AuditEvent.objects.filter(action__in=["upload.removal_ordered", "upload.removed"]).order_by("seq")
    assert [(event.action, event.reason) for event in orders] == [
        ("upload.removal_ordered", "x"),
        ("upload.removed", ""),
    ]
