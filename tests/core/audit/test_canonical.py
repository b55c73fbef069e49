"""The canonical form in Python against the one in PostgreSQL, and against vectors that must never change."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellenium_admin.core.services.audit_canonical import Link, canonical, content_of, parse

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers() | st.integers(min_value=10**30, max_value=10**60) | st.just(0)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=25,
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value=-(10**12), max_value=10**12)
POSTGRES = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_postgres(connection: psycopg.Connection, document: str) -> str:
    (text,) = connection.execute("SELECT %s::jsonb::text", [document]).fetchone() or ("",)
    return str(text)


@POSTGRES
@given(value=VALUES)
def test_equals_jsonb_text(superuser_connection: psycopg.Connection, value: Any) -> None:
    text = as_postgres(superuser_connection, json.dumps(value))
    assert canonical(value) == text
    assert canonical(parse(text)) == text


@POSTGRES
@given(number=DECIMALS)
def test_numbers_it_never_writes_are_read_as_they_stand(
    superuser_connection: psycopg.Connection, number: Decimal
) -> None:
    text = as_postgres(superuser_connection, json.dumps({"n": 0}).replace("0", f"{number:E}"))
    assert canonical(parse(text)) == text


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ('{"bb": 1, "a": 2, "ä": 3, "B": 4, "": 5}', '{"": 5, "B": 4, "a": 2, "bb": 1, "ä": 3}'),
        (r'"\u0001\u001f\u007f\b\f\n\r\t\"\\\/"', r'"\u0001\u001f' + "\x7f" + r'\b\f\n\r\t\"\\/"'),
        ('"\\ud83d\\ude00 \u2028"', '"\N{GRINNING FACE} \u2028"'),
        ("[-0, 0, -0.0, 1.10, 1e3, 1E-7]", "[0, 0, 0.0, 1.10, 1000, 0.0000001]"),
        ("9" * 5000, "9" * 5000),
        ('{"a": 1, "a": 2}', '{"a": 2}'),
        ("[true, false, null, [], {}]", "[true, false, null, [], {}]"),
    ],
)
def test_known_forms(superuser_connection: psycopg.Connection, document: str, text: str) -> None:
    assert as_postgres(superuser_connection, document) == text
    assert canonical(parse(text)) == text


def test_what_has_no_canonical_form() -> None:
    for value in (1.5, {1}, b"x"):
        with pytest.raises(ValueError, match="has no"):
            canonical(value)


COLUMNS = {
    "at": "2026-11-22T10:11:12.000345Z",
    "action": "study.created",
    "outcome": "ok",
    "actor_type": "user",
    "actor_id": "5f0c",
    "actor_label": "ada@example.org",
    "on_behalf_of": "",
    "request_id": "r-1",
    "address": "192.0.2.7",
    "object_type": "study",
    "object_id": "7",
    "object_label": 'Zürich "68k"\n',
    "reason": "",
}
DOCUMENTS = {"before": "{}", "after": '{"name": "PBMC", "size": 12}', "details": '{"uri": null}'}
CONTENT = (
    '{"at": "2026-11-22T10:11:12.000345Z", "after": {"name": "PBMC", "size": 12}, "action": "study.created", '
    '"before": {}, "reason": "", "address": "192.0.2.7", "details": {"uri": null}, "outcome": "ok", '
    '"actor_id": "5f0c", "object_id": "7", "actor_type": "user", "request_id": "r-1", '
    '"actor_label": "ada@example.org", "object_type": "study", "object_label": "Zürich \\"68k\\"\\n", '
    '"on_behalf_of": ""}'
)
PREVIOUS = bytes(range(32))
GOLDEN = "15fd1d1456b2b96fbcfb01af0d1d02c472bdb1011fb3f1709271f3c8889bdc04"


def test_golden_vector() -> None:
    content = content_of(COLUMNS, DOCUMENTS)
    assert content == CONTENT
    link = Link(seq=3, version=1, prev_hash=PREVIOUS, hash=b"", content=content)
    hashed = f"cellenium-admin/audit\n1\n3\n{PREVIOUS.hex()}\n{CONTENT}".encode()
    assert link.digest(3) == hashlib.sha256(hashed).digest()
    assert link.digest(3).hex() == GOLDEN


def test_golden_vector_in_postgresql(superuser_connection: psycopg.Connection) -> None:
    row = {**COLUMNS, **{name: json.loads(text) for name, text in DOCUMENTS.items()}}
    row |= {"seq": 3, "version": 1, "prev_hash": f"\\x{PREVIOUS.hex()}"}
    found = superuser_connection.execute(
        "SELECT core_audit_canonical(e), encode(core_audit_hash(e), 'hex')"
        " FROM jsonb_populate_record(NULL::core_auditevent, %s::jsonb) AS e",
        [json.dumps(row)],
    ).fetchone()
    assert found == (CONTENT, GOLDEN)


def test_columns_that_cannot_be_read_have_no_content() -> None:
    assert content_of(COLUMNS, {**DOCUMENTS, "after": "[" * 100_000 + "]" * 100_000}) is None
