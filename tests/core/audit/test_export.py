"""`audit export`: what is chosen, how it is written, what the trail tells of it, and that others can verify it."""

import csv as standard
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent
from cellenium_admin.core.services import audit_export
from cellenium_admin.core.services.audit_export import Selection
from tests.core.audit.conftest import ACTOR, Signing, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "audit-trail.md"
Tampering = Callable[[], Any]
Sign = Callable[..., AuditCheckpoint]


def run(path: Path, *arguments: Any) -> dict[str, Any]:
    """Export; give the manifest."""
    call_command("audit", "export", "-o", str(path), *map(str, arguments), stdout=io.StringIO(), stderr=io.StringIO())
    return dict(json.loads(Path(f"{path}.manifest.json").read_text()))


def lines(path: Path) -> list[dict[str, Any]]:
    # Not splitlines(), which takes U+2028 for an end.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    directory = tmp_path / "exports"
    directory.mkdir()
    return directory / "trail.out"


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    """Take the program the documents give to whoever wants to verify an export without us."""
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    path = tmp_path / "verify_export.py"
    path.write_text(program)
    return path


def verified(verifier: Path, export: Path) -> tuple[int, str]:
    """Run it as a stranger would: another process that knows nothing of this project."""
    done = subprocess.run(
        [sys.executable, "-I", str(verifier), str(export)], check=False, capture_output=True, text=True
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def test_every_event_with_its_hashes(target: Path) -> None:
    with transaction.atomic():
        record('=Zürich\t"68k"\n\x1f', action=Action.STUDY_CREATED, actor=Actor("user", "5f", "curator@example.org"))
    manifest = run(target)
    events = list(AuditEvent.objects.filter(seq__lte=9).order_by("seq"))
    found = lines(target)
    assert [line["seq"] for line in found] == [event.seq for event in events]
    assert [line["hash"] for line in found] == [bytes(event.hash).hex() for event in events]
    assert [line["prev_hash"] for line in found] == [bytes(event.prev_hash).hex() for event in events]
    names = ("action", "actor_label", "object_label", "before", "after", "details", "reason", "request_id")
    for line, event in zip(found, events, strict=True):
        assert {name: line["event"][name] for name in names} == {name: getattr(event, name) for name in names}
        assert line["event"]["at"] == event.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (manifest["count"], manifest["first_seq"], manifest["last_seq"]) == (9, 1, 9)
    assert manifest["head"] == {"seq": 9, "hash": bytes(events[-1].hash).hex()}
    assert manifest["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_stranger_can_verify_it(target: Path, verifier: Path) -> None:
    with transaction.atomic():
        record('Zürich "68k" \N{GRINNING FACE}\n\x1f\x7f\u2028', details={"uri": None, "size": -(2**62)}, reason="é\\")
    run(target)
    code, said = verified(verifier, target)
    assert (code, said) == (0, f"9 events, the last one {lines(target)[-1]['hash']}")


@pytest.mark.parametrize("name", ["reason", "at", "details", "actor_label"])
def test_a_stranger_finds_what_was_changed(target: Path, verifier: Path, name: str) -> None:
    run(target)
    found = lines(target)
    found[3]["event"][name] = "other"
    target.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in found))
    code, said = verified(verifier, target)
    assert code == 1
    assert "event 4" in said


def test_a_stranger_finds_what_was_put_in_between(target: Path, verifier: Path) -> None:
    run(target)
    found = lines(target)
    found[4]["prev_hash"] = "00" * 32
    forged = found[4]
    text = json.dumps(forged["event"], ensure_ascii=False)
    hashed = f"cellenium-admin/audit\n{forged['version']}\n{forged['seq']}\n{forged['prev_hash']}\n{text}"
    forged["hash"] = hashlib.sha256(hashed.encode()).hexdigest()
    target.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in found))
    assert verified(verifier, target)[0] == 1


def test_a_filtered_export_can_be_verified_line_by_line(target: Path, verifier: Path) -> None:
    with transaction.atomic():
        record(action=Action.USER_LOGGED_IN)
        record()
        record(action=Action.USER_LOGGED_IN)
    run(target, "--action", "user.logged_in")
    assert [line["seq"] for line in lines(target)] == [9, 11]
    assert verified(verifier, target)[0] == 0


def test_as_a_table(target: Path) -> None:
    with transaction.atomic():
        record("=cmd|' /C calc'!A1", reason="@SUM(A1)", actor=Actor("user", "1", "+curator@example.org"))
    manifest = run(target, "--format", "csv")
    content = target.read_bytes()
    header, *rows = list(standard.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    assert header[:5] == ["seq", "version", "prev_hash", "hash", "at"]
    table = [dict(zip(header, row, strict=True)) for row in rows]
    events = list(AuditEvent.objects.filter(seq__lte=9).order_by("seq"))
    assert [row["seq"] for row in table] == [str(event.seq) for event in events]
    assert [row["hash"] for row in table] == [bytes(event.hash).hex() for event in events]
    assert [json.loads(row["details"]) for row in table] == [event.details for event in events]
    last = table[-1]
    assert (last["object_id"], last["reason"], last["actor_label"]) == (
        "'=cmd|' /C calc'!A1",
        "'@SUM(A1)",
        "'+curator@example.org",
    )
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["count"] == 9


@pytest.fixture
def mixed() -> list[datetime]:
    """Record three more events, and give the times of all eleven."""
    with transaction.atomic():
        record("a", action=Action.USER_LOGGED_IN, actor=Actor("user", "5f", "curator@example.org"))
    with transaction.atomic():
        record("b", action=Action.STUDY_CREATED, actor=Actor("user", "60", "curator@example.org"))
    with transaction.atomic():
        record("c", action=Action.USER_LOGGED_OUT, actor=Actor("user", "5f", "renamed@example.org"))
    return list(AuditEvent.objects.order_by("seq").values_list("at", flat=True))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [*range(1, 12)]),
        (["--from", 10], [10, 11]),
        (["--to", 2], [1, 2]),
        (["--from", 3, "--to", 3], [3]),
        (["--actor", "curator@example.org"], [9, 10]),
        (["--actor", "5f"], [9, 11]),
        (["--action", "user.logged_in", "--action", "user.logged_out"], [9, 11]),
        (["--object-id", "b"], [10]),
        (["--object-type", "upload", "--object-id", "file 3"], [3]),
        (["--object-type", "study"], []),
        (["--actor", "5f", "--action", "user.logged_out", "--from", 2], [11]),
        (["--from", 500], []),
    ],
    ids=str,
)
def test_filters(target: Path, mixed: list[datetime], arguments: list[Any], expected: list[int]) -> None:
    manifest = run(target, *arguments)
    assert [line["seq"] for line in lines(target)] == expected
    assert manifest["count"] == len(expected)
    assert (manifest["first_seq"], manifest["last_seq"]) == ((expected[0], expected[-1]) if expected else (None, None))


def test_times_are_half_open(target: Path, mixed: list[datetime]) -> None:
    since, until = mixed[2].isoformat(), mixed[5].isoformat()
    run(target, "--since", since, "--until", until)
    assert [line["seq"] for line in lines(target)] == [3, 4, 5]
    east = datetime.fromisoformat(since).astimezone(tz=None).isoformat()
    manifest = run(target, "--since", east, "--until", until, "--force")
    assert manifest["count"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday"], "no time in ISO 8601"),
        (["--since", "2026-05-01T00:00"], "has no offset"),
        (["--action", "no.such"], "invalid choice"),
        (["--format", "xml"], "invalid choice"),
    ],
)
def test_bad_arguments_say_what_is_wrong(target: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(target, *arguments)
    assert list(target.parent.iterdir()) == []


def test_the_trail_tells_of_it(target: Path, signing: Signing, sign: Sign) -> None:
    row = sign()
    manifest = run(target, "--from", 2, "--action", "upload.found", "--reason", "asked for by the auditor")
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.reason) == ("trail.exported", "asked for by the auditor")
    assert event.details == {
        "file": "trail.out",
        "format": "ndjson",
        "filters": {"first": 2, "actions": ["upload.found"]},
        "count": 8,
        "first_seq": 2,
        "last_seq": 9,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "head_seq": 10,
        "head_hash": manifest["head"]["hash"],
        "checkpoint_seq": row.seq,
    }
    assert manifest["checkpoint"] == {"uri": row.uri, **json.loads(row.document)}


def test_times_in_the_trail_can_be_read(target: Path) -> None:
    run(target, "--since", "2026-05-01T00:00:00+02:00")
    assert AuditEvent.objects.latest("seq").details["filters"] == {"since": "2026-05-01T00:00:00+02:00"}


def test_what_the_trail_cannot_tell_of_is_not_handed_out(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the moment the event is recorded, no file has its name yet."""
    seen: list[list[str]] = []

    def fail(**_: Any) -> None:
        seen.append([path.name for path in target.parent.iterdir() if not path.name.startswith(".")])
        raise ZeroDivisionError

    monkeypatch.setattr(audit_export.audit, "record", fail)
    with pytest.raises(ZeroDivisionError):
        audit_export.export(selection=Selection(), form="ndjson", path=target, actor=ACTOR)
    assert seen == [[]]
    assert list(target.parent.iterdir()) == []


def test_files_are_for_their_owner(target: Path) -> None:
    previous = os.umask(0)
    try:
        run(target)
    finally:
        os.umask(previous)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in target.parent.iterdir()} == {
        "trail.out": 0o600,
        "trail.out.manifest.json": 0o600,
    }


@pytest.mark.parametrize("taken", ["trail.out", "trail.out.manifest.json"])
def test_nothing_is_written_over(target: Path, taken: str) -> None:
    (target.parent / taken).write_text("mine")
    with pytest.raises(CommandError, match=f"{taken} is there already"):
        run(target)
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [(taken, "mine")]
    assert run(target, "--force")["count"] == 8
    assert len(lines(target)) == 8


def test_a_file_that_appears_meanwhile_stays(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        target.write_text("mine")

    original = audit_export._record
    monkeypatch.setattr(audit_export, "_record", late)
    with pytest.raises(CommandError, match="appeared meanwhile"):
        run(target)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("name", ["nowhere/trail.out", "trail.out/below"])
def test_a_place_that_is_none(target: Path, name: str) -> None:
    target.write_text("a file")
    with pytest.raises(CommandError, match="is not a directory; make it first"):
        run(target.parent / name)


def test_an_event_that_cannot_be_read_stops_it(target: Path, tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute(
            "UPDATE core_auditevent SET after = (repeat('[', 5000) || repeat(']', 5000))::jsonb WHERE seq = 3"
        )
    with pytest.raises(CommandError, match="Event 3 cannot be read"):
        run(target)
    assert list(target.parent.iterdir()) == []
    assert run(target, "--to", 2)["count"] == 2


def test_events_recorded_meanwhile_are_not_half_in_it(target: Path) -> None:
    first = run(target)
    second = run(target, "--force")
    assert (first["count"], first["head"]["seq"]) == (8, 8)
    assert (second["count"], second["head"]["seq"]) == (9, 9)
    assert datetime.now(UTC) - AuditEvent.objects.latest("seq").at < timedelta(hours=1)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_memory_does_not_grow_with_the_trail(target: Path, tampering: Tampering, verifier: Path, form: str) -> None:
    events = 120_000
    with tampering() as superuser:
        superuser.execute(
            "SELECT count(core_audit_append((to_jsonb(e) - 'seq') || jsonb_build_object('object_id', n::text)))"
            " FROM core_auditevent e, generate_series(1, %s) n WHERE e.seq = 1",
            [events],
        )
    tracemalloc.start()
    try:
        manifest = run(target, "--format", form)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert manifest["count"] == events + 8
    assert target.stat().st_size > 300 * events
    assert peak < 20 * 1024**2
    if form == "ndjson":
        assert verified(verifier, target)[0] == 0
