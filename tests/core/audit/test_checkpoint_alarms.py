"""What keeps the trail from being signed, each an alarm in the log and in the trail itself."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from cellenium_admin.core import tasks
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent, Outcome
from cellenium_admin.core.services import audit_checkpoints
from cellenium_admin.core.services.audit_checkpoints import TrailBrokenError, sign
from cellenium_admin.core.services.audit_diagnosis import Kind
from cellenium_admin.core.services.audit_signatures import load_signing_key, make_key_pair
from cellenium_admin.core.services.audit_statements import Checkpoint
from tests.core.audit.conftest import ACTOR, Signing, cut, record, rewrite

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Sign = Callable[..., AuditCheckpoint]
Tampering = Callable[[], Any]


def broken() -> Kind:
    """Sign, and give the kind of breach that keeps it from that, which the trail must tell of."""
    with pytest.raises(TrailBrokenError) as found:
        sign(actor=ACTOR)
    newest = AuditEvent.objects.latest("seq")
    assert (newest.action, newest.outcome) == (Action.CHECKPOINT_SIGNED, Outcome.FAILED)
    assert newest.details["code"] == "trail_broken"
    assert newest.details["detail"] == found.value.detail
    return found.value.breach.kind


def test_a_broken_stretch_is_not_signed(
    signing: Signing, sign: Sign, tampering: Tampering, caplog: pytest.LogCaptureFixture
) -> None:
    sign()
    with transaction.atomic():
        record("then edited")
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET reason = 'other' WHERE seq = 11")
    with caplog.at_level(logging.ERROR):
        assert broken() is Kind.EDITED
    assert "Nothing was signed. At seq 11: edited" in caplog.text
    assert len(signing.files()) == 1


def test_what_was_verified_before_is_not_read_again(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    sign()
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET reason = 'other' WHERE seq = 4")
    sign()
    assert len(signing.files()) == 2


def test_a_cut_trail_is_not_signed(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    sign()
    with tampering() as superuser:
        cut(superuser, 5)
    assert broken() is Kind.CUT


def test_a_trail_without_its_last_checkpoint_event_was_cut(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    seq = sign().seq
    with tampering() as superuser:
        cut(superuser, seq)
    assert broken() is Kind.CUT


def test_a_rewritten_trail_is_not_signed(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    sign()
    with tampering() as superuser:
        rewrite(superuser, 3)
    assert broken() is Kind.REWRITTEN


def test_the_place_outside_counts_and_not_the_table(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    """Rows removed together with what they tell of: the newest file still says what was there."""
    sign()
    sign()
    with tampering() as superuser:
        superuser.execute("TRUNCATE core_auditcheckpoint")
        rewrite(superuser, 2)
    assert broken() is Kind.REWRITTEN


def test_a_checkpoint_that_is_gone_is_an_alarm(signing: Signing, sign: Sign) -> None:
    sign()
    signing.files()[0].unlink()
    assert broken() is Kind.GAP


@pytest.mark.parametrize("content", [b"", b"{}", b'{"statement": 1}', b"\xff", b"[" * 30000])
def test_a_checkpoint_that_was_changed_is_an_alarm(signing: Signing, sign: Sign, content: bytes) -> None:
    sign()
    path = signing.files()[0]
    path.chmod(0o600)
    path.write_bytes(content)
    assert broken() is Kind.FORGED


def test_even_another_genuine_checkpoint_in_its_place_is_an_alarm(signing: Signing, sign: Sign) -> None:
    """Somebody with the key has signed past this program."""
    found = Checkpoint.parse(sign().document.encode())
    other = replace(found.statement, at="2026-01-01T00:00:00.000000Z")
    path = signing.files()[0]
    path.chmod(0o600)
    path.write_bytes(Checkpoint.sign(other, load_signing_key(signing.private)).document())
    assert broken() is Kind.FORGED


def test_a_newer_file_that_is_no_checkpoint_is_an_alarm(signing: Signing, sign: Sign) -> None:
    sign()
    (signing.place / "00000000000000000999.json").write_bytes(b"{}")
    assert broken() is Kind.FORGED


def test_an_old_checkpoint_under_a_higher_number_does_not_hide_the_newest(
    signing: Signing, sign: Sign, tampering: Tampering
) -> None:
    """The trail after the old one was rewritten; whoever may write to the place copies that one to its end."""
    sign()
    sign()
    with tampering() as superuser:
        rewrite(superuser, 10)
    (signing.place / "00000000000000000999.json").write_bytes(signing.files()[0].read_bytes())
    assert broken() is Kind.FORGED


def test_an_old_document_in_a_higher_row_does_not_hide_the_newest(
    signing: Signing, sign: Sign, tampering: Tampering
) -> None:
    first = sign()
    sign()
    with tampering() as superuser:
        rewrite(superuser, 10)
        superuser.execute("DELETE FROM core_auditcheckpoint WHERE seq > 9")
        superuser.execute("UPDATE core_auditcheckpoint SET seq = 999, uri = 'elsewhere'")
    assert broken() is Kind.FORGED
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditcheckpoint SET seq = %s", [first.seq])
    assert broken() is Kind.REWRITTEN


def test_a_checkpoint_nobody_trusted_has_signed_is_an_alarm(signing: Signing, sign: Sign, tmp_path: Path) -> None:
    row = sign()
    make_key_pair(tmp_path / "evil.key")
    evil = load_signing_key(tmp_path / "evil.key")
    found = Checkpoint.parse(row.document.encode())
    statement = replace(found.statement, seq=10, events=1, key_id=evil.public.id, previous=found.digest)
    (signing.place / f"{10:020d}.json").write_bytes(Checkpoint.sign(statement, evil).document())
    assert broken() is Kind.FORGED


def test_a_place_used_by_another_deployment_is_not_shared(signing: Signing, sign: Sign, settings: Any) -> None:
    sign()
    AuditCheckpoint.objects.all().delete()
    settings.DEPLOYMENT = "there"
    assert broken() is Kind.FOREIGN


def test_a_file_in_the_way_is_an_alarm_and_stays(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    """It appears after the place was looked at."""

    def late(*args: Any, **kwargs: Any) -> Any:
        (signing.place / "00000000000000000008.json").write_bytes(b"mine")
        return original(*args, **kwargs)

    original = audit_checkpoints._keep
    monkeypatch.setattr(audit_checkpoints, "_keep", late)
    assert broken() is Kind.FORGED
    assert signing.files()[0].read_bytes() == b"mine"


def test_a_forged_row_is_not_written_out(signing: Signing, sign: Sign) -> None:
    row = sign()
    forged = json.loads(row.document)
    forged["statement"]["seq"] = 500
    AuditCheckpoint.objects.create(
        seq=500, hash=b"", at=row.at, key_id="", previous="x", signature=b"", document=json.dumps(forged), uri=""
    )
    assert broken() is Kind.FORGED
    assert len(signing.files()) == 1


def test_the_task_signs_and_fails_loudly(signing: Signing, tampering: Tampering) -> None:
    tasks.sign_checkpoint()
    assert AuditEvent.objects.latest("seq").actor_id == "core.sign_checkpoint"
    with tampering() as superuser:
        rewrite(superuser, 1)
    with pytest.raises(TrailBrokenError):
        tasks.sign_checkpoint()


def test_the_command_ends_with_an_error(signing: Signing, sign: Sign, tampering: Tampering) -> None:
    sign()
    with tampering() as superuser:
        rewrite(superuser, 1)
    with pytest.raises(CommandError, match=r"Nothing was signed\. At seq 9: rewritten"):
        call_command("audit", "checkpoint")
