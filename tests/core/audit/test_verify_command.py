"""`manage.py audit verify` on a trail a superuser has tampered with, and `audit tail`."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from psycopg import sql

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Outcome
from cellenium_admin.core.services import audit_chain
from tests.core.audit.conftest import record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("eight_events")]

Tampering = Callable[[], Any]
FREE = "(SELECT max(seq) + 100 FROM core_auditevent)"
HASH = "UPDATE core_auditevent e SET hash = core_audit_hash(e)"


def run(*arguments: str) -> tuple[int, str]:
    """Run the command; give its exit code and what it printed."""
    out = io.StringIO()
    try:
        call_command("audit", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue().strip()
    return 0, out.getvalue().strip()


def swap(first: int, second: int) -> list[str]:
    return [
        f"UPDATE core_auditevent SET seq = -1 WHERE seq = {first}",
        f"UPDATE core_auditevent SET seq = {first} WHERE seq = {second}",
        f"UPDATE core_auditevent SET seq = {second} WHERE seq = -1",
    ]


def shift(start: int, by: int) -> list[str]:
    return [
        f"UPDATE core_auditevent SET seq = seq + 1000 WHERE seq >= {start}",
        f"UPDATE core_auditevent SET seq = seq - 1000 + ({by}) WHERE seq >= 1000",
    ]


def copy(source: int, target: int) -> list[str]:
    return [
        f"CREATE TEMP TABLE made ON COMMIT DROP AS SELECT * FROM core_auditevent WHERE seq = {source}",
        f"UPDATE made SET seq = {target}, reason = 'forged'",
        "INSERT INTO core_auditevent SELECT * FROM made",
    ]


CASES: dict[str, tuple[list[str], str]] = {
    "edit": (["UPDATE core_auditevent SET reason = 'other' WHERE seq = 4"], "4: edited"),
    "edit and hash": (
        ["UPDATE core_auditevent SET reason = 'other' WHERE seq = 4", f"{HASH} WHERE seq = 4"],
        "4: edited",
    ),
    "edit and hash of the last": (
        ["UPDATE core_auditevent SET reason = 'other' WHERE seq = 8", f"{HASH} WHERE seq = 8"],
        "8: edited",
    ),
    "remove": (["DELETE FROM core_auditevent WHERE seq = 4"], "4: removed"),
    "remove the first": (["DELETE FROM core_auditevent WHERE seq = 1"], "1: removed"),
    "remove the last": (["DELETE FROM core_auditevent WHERE seq = 8"], "8: removed"),
    "remove and renumber": (["DELETE FROM core_auditevent WHERE seq = 4", *shift(5, -1)], "4: removed"),
    "remove all": (["TRUNCATE core_auditevent"], "1: removed"),
    "insert": ([*shift(4, 1), *copy(1, 4)], "4: inserted"),
    "insert with a hash that fits": (
        [
            *shift(4, 1),
            *copy(1, 4),
            "UPDATE core_auditevent SET prev_hash = (SELECT hash FROM core_auditevent WHERE seq = 3) WHERE seq = 4",
            f"{HASH} WHERE seq = 4",
        ],
        "4: inserted",
    ),
    "insert behind the head": (copy(8, 9), "9: inserted"),
    "insert before the first": (copy(1, 0), "0: inserted"),
    "insert the same number": (
        ["ALTER TABLE core_auditevent DROP CONSTRAINT core_auditevent_pkey", *copy(3, 4)],
        "4: inserted",
    ),
    "swap": (swap(3, 6), "3: reordered"),
    "swap neighbours": (swap(3, 4), "3: reordered"),
    "move away": ([f"UPDATE core_auditevent SET seq = {FREE} WHERE seq = 3"], "3: reordered"),
    "head back": (
        ["UPDATE core_audithead h SET seq = 7, hash = e.hash FROM core_auditevent e WHERE e.seq = 7"],
        "8: inserted",
    ),
    "head number": (["UPDATE core_audithead SET seq = 7"], "7: edited"),
    "head ahead": (["UPDATE core_audithead SET seq = 9"], "9: removed"),
    "head hash": (["UPDATE core_audithead SET hash = decode(repeat('00', 32), 'hex')"], "8: edited"),
    "head gone": (["DELETE FROM core_audithead"], "0: removed"),
}


@pytest.mark.parametrize(("statements", "expected"), CASES.values(), ids=CASES)
def test_tampering_is_named(tampering: Tampering, statements: list[str], expected: str, restore: None) -> None:
    with tampering() as superuser:
        for statement in statements:
            superuser.execute(statement)
    code, printed = run("verify")
    assert code == 1
    assert printed.startswith(f"audit verify: FAILED at seq {expected}: ")


@pytest.fixture
def restore(superuser_connection: Any) -> Any:
    """Give the head and the primary key back, which the reset after a test takes for granted."""
    yield
    with superuser_connection.transaction():
        superuser_connection.execute("SET LOCAL session_replication_role = replica")
        superuser_connection.execute("TRUNCATE core_auditevent")
        superuser_connection.execute("ALTER TABLE core_auditevent DROP CONSTRAINT IF EXISTS core_auditevent_pkey")
        superuser_connection.execute("ALTER TABLE core_auditevent ADD PRIMARY KEY (seq)")
        superuser_connection.execute("INSERT INTO core_audithead VALUES (1, 0, '') ON CONFLICT DO NOTHING")


OTHER_VALUES = {
    "at": "at + interval '1 microsecond'",
    "before": "jsonb_build_object('a', 1)",
    "after": "'{}'",
    "details": "jsonb_set(details, '{size}', '4')",
    "version": "2",
    "prev_hash": "set_byte(prev_hash, 31, get_byte(prev_hash, 31) # 1)",
    "hash": "set_byte(hash, 0, get_byte(hash, 0) # 1)",
}
COLUMNS = [field.column for field in AuditEvent._meta.concrete_fields if field.column != "seq"]
EQUAL_AS_JSON = {"after"}


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in EQUAL_AS_JSON])
def test_no_column_can_be_changed(tampering: Tampering, column: str) -> None:
    value = OTHER_VALUES.get(column, f"{column} || 'x'")
    with tampering() as superuser:
        statement = "UPDATE core_auditevent SET {} = {} WHERE seq = 3"
        superuser.execute(sql.SQL(statement).format(sql.Identifier(column), sql.SQL(value)))
    assert run("verify")[1].startswith("audit verify: FAILED at seq 3: edited: ")


@pytest.mark.parametrize(
    "change",
    [
        "at = 'infinity'",
        "at = '-infinity'",
        "at = '0044-03-15 BC'",
        "after = ('{\"username\": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb",
        "details = jsonb_set(details, '{size}', repeat('9', 5000)::jsonb)",
        "details = jsonb_set(details, '{size}', '3.0')",
        "before = 'null'",
        "hash = ''",
    ],
)
def test_values_that_cannot_be_read_do_not_stop_it(tampering: Tampering, change: str) -> None:
    with tampering() as superuser:
        superuser.execute(f"UPDATE core_auditevent SET {change} WHERE seq = 3")
    assert run("verify")[1].startswith("audit verify: FAILED at seq 3: edited: ")


def test_numbers_only_postgresql_would_write_are_verified_as_they_are(tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET details = '{\"size\": 1.50}' WHERE seq = 8")
        superuser.execute(f"{HASH} WHERE seq = 8")
        superuser.execute("UPDATE core_audithead h SET hash = e.hash FROM core_auditevent e WHERE e.seq = 8")
    assert run("verify") == (0, "audit verify: ok (8 events)")


def test_an_untouched_trail_is_ok() -> None:
    assert run("verify") == (0, "audit verify: ok (8 events)")
    newest = AuditEvent.objects.latest("seq")
    assert json.loads(run("verify", "--json")[1]) == {"ok": True, "events": 8, "hash": bytes(newest.hash).hex()}


def test_json_names_the_row_too(tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("DELETE FROM core_auditevent WHERE seq = 4")
    code, printed = run("verify", "--json")
    assert code == 1
    assert json.loads(printed) == {"ok": False, "seq": 4, "kind": "removed", "explanation": "event 4 is missing"}


def test_from_a_number_on(tampering: Tampering) -> None:
    with tampering() as superuser:
        superuser.execute("UPDATE core_auditevent SET reason = 'other' WHERE seq = 4")
    assert run("verify", "--from", "5") == (0, "audit verify: ok (4 events)")
    assert run("verify", "--from", "9") == (0, "audit verify: ok (0 events)")
    assert run("verify", "--from", "4")[0] == 1


@pytest.mark.parametrize("start", ["0", "10"])
def test_from_a_number_that_is_not_there(start: str) -> None:
    with pytest.raises(CommandError, match="give a number from 1 to 9"):
        run("verify", "--from", start)


def test_events_recorded_meanwhile_do_not_disturb_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def links(trail: Any, start: int) -> Any:
        record_elsewhere()
        return original(trail, start)

    original = audit_chain.DatabaseTrail.links
    monkeypatch.setattr(audit_chain.DatabaseTrail, "links", links)
    assert run("verify") == (0, "audit verify: ok (8 events)")


def record_elsewhere() -> None:
    """Commit an event through another connection while this one reads."""
    import threading

    from django.db import connection

    def go() -> None:
        with transaction.atomic():
            record("meanwhile")
        connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(10)


def test_more_rows_than_are_fetched_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chain, "CHUNK", 3)
    assert run("verify") == (0, "audit verify: ok (8 events)")


def test_tail_shows_the_newest_last_and_cannot_be_steered() -> None:
    with transaction.atomic():
        record(
            "a\x1b[2Jb\nc",
            action=Action.STUDY_VISIBILITY_CHANGED,
            actor=Actor("user", "1", "ada"),
            outcome=Outcome.REFUSED,
            on_behalf_of="grace",
            reason="she asked",
        )
    lines = run("tail", "--limit", "3")[1].splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["#7", "#8", "#9"]
    assert lines[2].endswith(
        'study.visibility_changed (refused)  by ada  for grace  on upload a\\x1b[2Jb\\nc  because "she asked"'
    )


def test_tail_of_nothing() -> None:
    with pytest.raises(CommandError, match="1 or more"):
        run("tail", "--limit", "0")
