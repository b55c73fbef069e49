"""`audit verify --checkpoint` and keys: forged checkpoints, and handing over from one key to another."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from cellenium_admin.core.models import AuditCheckpoint
from cellenium_admin.core.services.audit_signatures import load_signing_key, make_key_pair
from cellenium_admin.core.services.audit_statements import Checkpoint, Statement
from tests.core.audit.conftest import Signing, record, rewrite
from tests.core.audit.verifying import failures, kinds, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Sign = Callable[..., AuditCheckpoint]
Tampering = Callable[[], Any]


def altered(document: dict[str, Any], **changes: Any) -> bytes:
    statement = {**document["statement"], **{name: value for name, value in changes.items() if name != "signature"}}
    signature = changes.get("signature", document["signature"])
    return json.dumps({**document, "statement": statement, "signature": signature}).encode()


def put(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": "0" * 64},
        {"seq": 12},
        {"events": 1},
        {"at": "2026-01-01T00:00:00.000000Z"},
        {"previous": "0" * 64},
        {"signature": "0" * 128},
        {"next_key": "0" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_forged_checkpoint_is_named(signed: Signing, changes: dict[str, Any]) -> None:
    path, document = signed.files()[1], signed.documents()[1]
    put(path, altered(document, **changes))
    found = kinds("--checkpoint", path)
    assert found == [(changes.get("seq", 11), "forged")]
    assert "forged" in {kind for _, kind in kinds("--checkpoint", signed.place)}


def test_a_checkpoint_of_another_key_is_forged(signed: Signing, tmp_path: Path, tampering: Tampering) -> None:
    """Whoever rewrites the trail can sign it as well, with a key that nobody trusts."""
    with tampering() as superuser:
        rewrite(superuser, 1)
        (digest,) = superuser.execute("SELECT hash FROM core_auditevent WHERE seq = 13").fetchone()
    make_key_pair(tmp_path / "evil.key")
    evil = load_signing_key(tmp_path / "evil.key")
    statement = Statement("here", 13, bytes(digest).hex(), 13, "2026-01-01T00:00:00.000000Z", evil.public.id, "", "")
    (tmp_path / "evil.json").write_bytes(Checkpoint.sign(statement, evil).document())
    assert failures("--checkpoint", tmp_path / "evil.json") == [
        f"13: forged: {tmp_path}/evil.json is signed by the key {evil.public.id}, which was not given as trusted"
    ]
    assert run("--checkpoint", tmp_path / "evil.json", "--public-key", tmp_path / "evil.key.pub")[0] == 0
    # The key id is a claim like any other.
    claimed = json.loads((tmp_path / "evil.json").read_text())
    claimed["statement"]["key_id"] = signed.documents()[0]["statement"]["key_id"]
    (tmp_path / "evil.json").write_text(json.dumps(claimed))
    assert kinds("--checkpoint", tmp_path / "evil.json") == [(13, "forged")]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"statement": {}}', b"1" * 70000])
def test_what_is_no_checkpoint_is_forged(signed: Signing, content: bytes) -> None:
    put(signed.files()[1], content)
    found = failures("--checkpoint", signed.place)
    assert any(line.startswith("11: forged: ") and "it is not a checkpoint" in line for line in found)


def test_a_checkpoint_under_another_number_is_forged(signed: Signing) -> None:
    shutil.copy(signed.files()[0], signed.place / f"{12:020d}.json")
    assert kinds("--checkpoint", signed.place) == [(12, "forged")]


def test_a_rotated_key_is_followed(signed: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    new = rotate(tmp_path / "new.key", settings)
    sign("under the new key")
    assert run("--checkpoint", signed.place, "--public-key", signed.public)[0] == 0
    assert run("--checkpoint", signed.place, "--public-key", signed.public, "--public-key", f"{new}.pub")[0] == 0
    # The old checkpoints are of a key that was not given.
    assert "forged" in {kind for _, kind in kinds("--checkpoint", signed.place, "--public-key", f"{new}.pub")}
    assert run("--checkpoint", signed.files()[-1], "--public-key", f"{new}.pub")[0] == 0


def rotate(path: Path, settings: Any) -> Path:
    """Make a key, hand over to it and have it sign from now on."""
    make_key_pair(path)
    with transaction.atomic():
        record("something")
    call_command("audit", "rotate-key", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    settings.CHECKPOINT_KEY_FILE = str(path)
    return path


def test_keys_may_be_rotated_again_and_again(signed: Signing, sign: Sign, settings: Any, tmp_path: Path) -> None:
    for name in ("second.key", "third.key"):
        rotate(tmp_path / name, settings)
    sign()
    assert run("--checkpoint", signed.place) == (0, "audit verify: ok (20 events, 6 checkpoints)")


def test_a_key_that_handed_over_is_not_believed_any_more(
    signed: Signing, sign: Sign, settings: Any, tmp_path: Path
) -> None:
    rotate(tmp_path / "new.key", settings)
    last = Checkpoint.parse(signed.files()[-1].read_bytes())
    row = sign("under the new key")
    old = load_signing_key(signed.private)
    statement = Statement(
        "here", row.seq, bytes(row.hash).hex(), 2, "2026-01-01T00:00:00.000000Z", old.public.id, last.digest, ""
    )
    put(signed.files()[-1], Checkpoint.sign(statement, old).document())
    assert (row.seq, "forged") in kinds("--checkpoint", signed.place)


def test_a_handover_the_new_key_did_not_sign_is_forged(signed: Signing, settings: Any, tmp_path: Path) -> None:
    rotate(tmp_path / "new.key", settings)
    handover = json.loads(signed.files()[-1].read_bytes())
    put(signed.files()[-1], json.dumps({**handover, "next_signature": handover["signature"]}).encode())
    assert "forged" in {kind for _, kind in kinds("--checkpoint", signed.place)}
    put(signed.files()[-1], json.dumps({**handover, "next_signature": ""}).encode())
    assert "forged" in {kind for _, kind in kinds("--checkpoint", signed.place)}


def test_a_checkpoint_beside_the_chain_is_named(signed: Signing, tmp_path: Path) -> None:
    """Two statements after the same one: somebody with the key has signed past this program."""
    key = load_signing_key(signed.private)
    first = Checkpoint.parse(signed.files()[0].read_bytes())
    statement = Statement("here", 10, "1" * 64, 1, "2026-01-01T00:00:00.000000Z", key.public.id, first.digest, "")
    (signed.place / f"{10:020d}.json").write_bytes(Checkpoint.sign(statement, key).document())
    assert (10, "rewritten") in kinds("--checkpoint", signed.place)


def test_somebody_must_be_trusted(signed: Signing, settings: Any) -> None:
    settings.CHECKPOINT_PUBLIC_KEY_FILES = []
    with pytest.raises(CommandError, match="--public-key FILE"):
        run("--checkpoint", signed.place)
    assert run("--checkpoint", signed.place, "--public-key", signed.public)[0] == 0


def test_a_private_key_is_not_taken_for_a_public_one(signed: Signing) -> None:
    with pytest.raises(CommandError, match="no public key"):
        run("--checkpoint", signed.place, "--public-key", signed.private)
