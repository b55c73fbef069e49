"""Signing: what is signed and when, what stands in the way, and what an interrupted attempt leaves."""

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, UnavailableError
from cellenium_admin.core.models import AuditCheckpoint, AuditEvent, User
from cellenium_admin.core.services import audit_checkpoints
from cellenium_admin.core.services.audit_checkpoints import change_key, sign
from cellenium_admin.core.services.audit_signatures import load_public_key, load_signing_key, make_key_pair
from cellenium_admin.core.services.audit_statements import Checkpoint
from cellenium_admin.core.storage.write_once import DirectoryPlace
from tests.builders.people import person
from tests.core.audit.conftest import ACTOR, Signing, cut, record, rewrite
from tests.core.audit.verifying import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Sign = Callable[..., AuditCheckpoint]
Tampering = Callable[[], Any]


def test_the_first_statement_tells_how_far_the_trail_had_come(signing: Signing) -> None:
    newest = AuditEvent.objects.latest("seq")
    row = sign(actor=ACTOR)
    assert row is not None
    (document,) = signing.documents()
    public = load_public_key(signing.public)
    assert document["statement"] == {
        "type": "cellenium-admin/checkpoint",
        "version": 1,
        "deployment": "here",
        "seq": 8,
        "hash": bytes(newest.hash).hex(),
        "events": 8,
        "at": row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "key_id": public.id,
        "previous": "",
        "next_key": "",
    }
    assert signing.files()[0].name == "00000000000000000008.json"
    assert Checkpoint.parse(signing.files()[0].read_bytes()).is_signed_by(public)


def test_each_follows_the_one_before(signing: Signing, sign: Sign) -> None:
    rows = [sign(), sign(), sign()]
    checkpoints = [Checkpoint.parse(path.read_bytes()) for path in signing.files()]
    assert [checkpoint.statement.previous for checkpoint in checkpoints[1:]] == [c.digest for c in checkpoints[:-1]]
    assert [checkpoint.statement.events for checkpoint in checkpoints] == [9, 2, 2]
    assert [row.seq for row in rows] == [checkpoint.statement.seq for checkpoint in checkpoints] == [9, 11, 13]
    assert all(row.written_at for row in rows)
    assert [row.document.encode() for row in rows] == [path.read_bytes() for path in signing.files()]


def test_row_and_event_are_one_change(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    sign(actor=ACTOR)
    event, row = AuditEvent.objects.latest("seq"), AuditCheckpoint.objects.get()
    assert (event.seq, event.action, event.object_type, event.object_id) == (
        9,
        "checkpoint.signed",
        "auditcheckpoint",
        "8",
    )
    assert event.details["signature"] == bytes(row.signature).hex() == signing.documents()[0]["signature"]
    assert event.details["uri"] == row.uri == str(signing.files()[0])

    with transaction.atomic():
        record("more")
    monkeypatch.setattr(audit_checkpoints.audit, "record", fail)
    with pytest.raises(ZeroDivisionError):
        sign(actor=ACTOR)
    assert (AuditCheckpoint.objects.count(), len(signing.files())) == (1, 1)


def fail(**_: Any) -> None:
    raise ZeroDivisionError


def test_nothing_is_signed_twice(signing: Signing) -> None:
    assert sign(actor=ACTOR) is not None
    assert sign(actor=ACTOR) is None
    assert sign(actor=ACTOR) is None
    assert (len(signing.files()), AuditEvent.objects.count()) == (1, 9)


def test_an_empty_trail_is_not_signed(signing: Signing, tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("TRUNCATE core_auditevent")
        superuser.execute("UPDATE core_audithead SET seq = 0, hash = decode(repeat('00', 32), 'hex')")
    assert sign(actor=ACTOR) is None
    assert signing.files() == []


@pytest.mark.parametrize("name", ["CHECKPOINT_KEY_FILE", "CHECKPOINT_TARGET"])
def test_what_is_not_set_up_says_what_to_set(signing: Signing, settings: Any, name: str) -> None:
    setattr(settings, name, "")
    with pytest.raises(InvalidInputError, match=r"Set CELLENIUM_CHECKPOINT_KEY_FILE .* CELLENIUM_CHECKPOINT_TARGET"):
        sign(actor=ACTOR)


def test_lost_rows_do_not_stop_it(signing: Signing, sign: Sign) -> None:
    sign()
    last = sign()
    AuditCheckpoint.objects.all().delete()
    row = sign()
    assert row.previous == Checkpoint.parse(last.document.encode()).digest
    assert len(signing.files()) == 3


def test_files_of_other_names_are_no_business_of_ours(signing: Signing, sign: Sign) -> None:
    (signing.place / "README.txt").write_text("keep out")
    (signing.place / "99999999999999999999.json.bak").write_text("{}")
    sign()
    assert len(signing.files()) == 3


def test_a_place_that_is_away_gets_the_checkpoint_later(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise UnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(DirectoryPlace, "write", away)
        with pytest.raises(UnavailableError):
            sign(actor=ACTOR)
    row = AuditCheckpoint.objects.get()
    assert (row.written_at, signing.files()) == (None, [])
    assert sign(actor=ACTOR) is None
    row.refresh_from_db()
    assert row.written_at is not None
    assert signing.files()[0].read_bytes() == row.document.encode()


def test_one_that_was_written_before_the_crash_is_found_again(signing: Signing, sign: Sign) -> None:
    sign()
    AuditCheckpoint.objects.update(written_at=None)
    assert audit_checkpoints.sign(actor=ACTOR) is None
    assert AuditCheckpoint.objects.get().written_at is not None


def test_a_mistyped_place_is_left_behind(signing: Signing, settings: Any, tmp_path: Path) -> None:
    settings.CHECKPOINT_TARGET = str(tmp_path / "nowhere")
    with pytest.raises(UnavailableError, match=r"nowhere.*mount it or correct"):
        sign(actor=ACTOR)
    settings.CHECKPOINT_TARGET = str(signing.place)
    assert sign(actor=ACTOR) is not None


def test_another_place_goes_on_where_the_old_one_ended(
    signing: Signing, sign: Sign, settings: Any, tmp_path: Path
) -> None:
    first = sign()
    other = tmp_path / "other"
    other.mkdir()
    settings.CHECKPOINT_TARGET = str(other)
    second = sign()
    assert second.previous == Checkpoint.parse(first.document.encode()).digest
    assert [path.name for path in other.iterdir()] == [f"{second.seq:020d}.json"]


def test_a_lost_key_is_replaced_in_another_place(signing: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    sign()
    signing.private.unlink()
    make_key_pair(tmp_path / "new.key")
    other = tmp_path / "other"
    other.mkdir()
    settings.CHECKPOINT_KEY_FILE, settings.CHECKPOINT_TARGET = str(tmp_path / "new.key"), str(other)
    row = sign()
    assert sign().key_id == row.key_id != AuditCheckpoint.objects.get(seq=9).key_id
    new = ("--public-key", f"{tmp_path}/new.key.pub")
    assert run("--checkpoint", signing.place, "--public-key", signing.public)[0] == 0
    assert run("--checkpoint", other, *new, "--from", row.seq)[0] == 0


def test_after_an_old_backup_it_goes_on_in_another_place(
    signing: Signing, sign: Sign, settings: Any, tmp_path: Path, tampering: Callable[[], Any]
) -> None:
    """The backup was made at event 10, and one more was recorded since; checkpoints at 11 and 13 know better."""
    for label in ("one", "two", "three"):
        sign(label)
    with tampering() as superuser:
        cut(superuser, 10)
        superuser.execute("DELETE FROM core_auditcheckpoint WHERE seq > 9")
    with pytest.raises(audit_checkpoints.TrailBrokenError, match="12: cut: events 12 to 14 are missing"):
        sign()
    other = tmp_path / "other"
    other.mkdir()
    settings.CHECKPOINT_TARGET = str(other)
    row = sign("after the restore")
    assert run("--checkpoint", other, "--from", row.seq)[0] == 0
    assert run("--checkpoint", signing.place)[0] == 1


def test_another_key_needs_a_handover(signing: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    sign()
    make_key_pair(tmp_path / "new.key")
    settings.CHECKPOINT_KEY_FILE = str(tmp_path / "new.key")
    with transaction.atomic():
        record()
    with pytest.raises(ConflictError, match="rotate-key"):
        audit_checkpoints.sign(actor=ACTOR)
    assert len(signing.files()) == 1


def test_a_handover_is_signed_by_both_keys(signing: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    sign()
    new = make_key_pair(tmp_path / "new.key")
    old = load_public_key(signing.public)
    row = change_key(new_key=load_signing_key(tmp_path / "new.key"), actor=ACTOR)
    checkpoint = Checkpoint.parse(row.document.encode())
    assert checkpoint.is_signed_by(old)
    assert checkpoint.is_accepted_by(new)
    assert checkpoint.signing_key_after == new.id
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.details["key_id"], event.details["next_key_id"]) == (
        "checkpoint.key_changed",
        old.id,
        new.id,
    )
    assert event.details["next_signature"] == checkpoint.next_signature

    with transaction.atomic():
        record()
    with pytest.raises(ConflictError, match=f"The key {new.id} signs there"):
        audit_checkpoints.sign(actor=ACTOR)
    settings.CHECKPOINT_KEY_FILE = str(tmp_path / "new.key")
    settings.CHECKPOINT_PUBLIC_KEY_FILES = []
    assert sign().key_id == new.id
    assert sign().key_id == new.id


def test_a_key_is_not_handed_to_itself_nor_before_the_first_checkpoint(signing: Signing, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="key that signs now"):
        change_key(new_key=load_signing_key(signing.private), actor=ACTOR)
    make_key_pair(tmp_path / "new.key")
    with pytest.raises(ConflictError, match="Nothing was signed yet"):
        change_key(new_key=load_signing_key(tmp_path / "new.key"), actor=ACTOR)


def test_two_at_the_same_moment_do_not_sign_two_statements(signing: Signing, sign: Sign) -> None:
    """The other process goes from reading to committing while this one is in between."""
    sign()
    with transaction.atomic():
        record()
    original = audit_checkpoints._keep

    def overtaken(*args: Any, **kwargs: Any) -> AuditCheckpoint:
        audit_checkpoints._keep = original
        in_another_thread(lambda: audit_checkpoints.sign(actor=ACTOR))
        return original(*args, **kwargs)

    audit_checkpoints._keep = overtaken  # type: ignore[assignment]
    try:
        with pytest.raises(ConflictError, match="Another process signed"):
            audit_checkpoints.sign(actor=ACTOR)
    finally:
        audit_checkpoints._keep = original
    assert len(signing.files()) == AuditCheckpoint.objects.count() == 2


def in_another_thread(work: Callable[[], Any]) -> None:
    def go() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_events_recorded_meanwhile_are_signed_next_time(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    def moving(*args: Any, **kwargs: Any) -> Any:
        def go() -> None:
            with transaction.atomic():
                record("meanwhile")

        in_another_thread(go)
        return original(*args, **kwargs)

    original = audit_checkpoints._statement
    with monkeypatch.context() as patch:
        patch.setattr(audit_checkpoints, "_statement", moving)
        first = sign(actor=ACTOR)
    assert first is not None
    assert first.seq == 8
    second = sign(actor=ACTOR)
    assert second is not None
    assert second.seq == 10


def test_curators_see_them(signing: Signing, sign: Sign) -> None:
    sign()
    for roles, seen in [(["administrator"], 1), (["curator"], 1), ([], 0)]:
        assert (
            AuditCheckpoint.objects.visible_to(User(username="curator@example.org", system_roles=roles)).count() == seen
        )


def test_its_page_shows_what_was_signed(signing: Signing, sign: Sign, client: Client) -> None:
    row = sign()
    client.force_login(person("curator", "curator"))
    url = reverse("admin:core_auditcheckpoint_change", args=[row.pk])
    shown = client.get(url).content.decode()
    assert bytes(row.hash).hex() in shown
    assert row.uri in shown
    assert client.post(url, {"uri": "elsewhere"}).status_code == 403
    client.force_login(person("member"))
    assert client.get(url).status_code == 302


def test_command_signs_and_says_so(signing: Signing) -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("audit", "checkpoint", stdout=out, stderr=err)
    assert out.getvalue() == f"Signed event 8: {signing.files()[0]}\n"
    call_command("audit", "checkpoint", stdout=out, stderr=err)
    assert err.getvalue() == "Nothing happened since event 8; nothing to sign.\n"


def test_the_superuser_of_the_tests_leaves_a_consistent_chain(
    tampering: Tampering, superuser_connection: psycopg.Connection
) -> None:
    with tampering() as superuser:
        rewrite(superuser, 1)
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue() == "audit verify: ok (8 events)\n"
