"""The written form of a checkpoint, which must never change, and what is no checkpoint."""

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from cellenium_admin.core.services.audit_signatures import SigningKey
from cellenium_admin.core.services.audit_statements import BadCheckpointError, Checkpoint, Statement, canonical

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
NEXT = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
STATEMENT = Statement(
    deployment='zürich "1"',
    seq=12,
    hash="ab" * 32,
    events=5,
    at="2026-11-22T10:11:12.000345Z",
    key_id=KEY.public.id,
    previous="cd" * 32,
    next_key="",
)
MESSAGE = (
    '{"at":"2026-11-22T10:11:12.000345Z","deployment":"zürich \\"1\\"","events":5,"hash":"' + "ab" * 32 + '",'
    '"key_id":"a050837d85070582ccf7394b0988847c","next_key":"","previous":"' + "cd" * 32 + '","seq":12,'
    '"type":"cellenium-admin/checkpoint","version":1}'
).encode()
GOLDEN = (
    "90b0d9581e4c6adba24c8465da257e1e8e1d5c5fd8c13e4b369463ac2ed3c5d6"
    "91370173f8ea6cef4c6b71ee21f6715e068d546507086fde2568b5fc14f8be0a"
)
SIGNED = Checkpoint.sign(STATEMENT, KEY)


def test_golden_vector() -> None:
    assert STATEMENT.message() == MESSAGE
    assert SIGNED.signature == GOLDEN
    assert (
        SIGNED.document()
        == b'{"next_signature":"","signature":"' + GOLDEN.encode() + b'","statement":' + MESSAGE + b"}\n"
    )


def test_it_is_read_as_it_was_written() -> None:
    handover = Checkpoint.sign(replace(STATEMENT, next_key=NEXT.public.raw.hex()), KEY, NEXT)
    for checkpoint in (SIGNED, handover):
        assert Checkpoint.parse(checkpoint.document()) == checkpoint
        assert Checkpoint.parse(json.dumps(json.loads(checkpoint.document()), indent=2).encode()) == checkpoint
        assert checkpoint.is_signed_by(KEY.public)
        assert not checkpoint.is_signed_by(NEXT.public)
    assert handover.is_accepted_by(NEXT.public)
    assert not SIGNED.is_accepted_by(NEXT.public)
    assert not handover.is_accepted_by(KEY.public)


def test_a_checkpoint_with_one_signature_too_many_or_too_few_is_not_signed() -> None:
    assert not replace(SIGNED, next_signature=SIGNED.signature).is_signed_by(KEY.public)
    handover = Checkpoint.sign(replace(STATEMENT, next_key=NEXT.public.raw.hex()), KEY)
    assert not handover.is_signed_by(KEY.public)


CHANGES: list[dict[str, Any]] = [
    {"type": "other"},
    {"version": 2},
    {"version": None},
    {"seq": 0},
    {"seq": -1},
    {"seq": 1.5},
    {"seq": True},
    {"seq": "12"},
    {"seq": 2**53},
    {"events": 0},
    {"events": 13},
    {"hash": "AB" * 32},
    {"hash": "ab" * 31},
    {"hash": ""},
    {"hash": "ab" * 32 + "\n"},
    {"at": "yesterday"},
    {"at": 5},
    {"key_id": ""},
    {"previous": "x"},
    {"next_key": "x"},
    {"deployment": ""},
    {"deployment": "x" * 300},
    {"more": 1},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_statement_of_another_form_is_none(change: dict[str, Any]) -> None:
    document = json.loads(SIGNED.document())
    document["statement"] |= change
    with pytest.raises(BadCheckpointError):
        Checkpoint.parse(json.dumps(document).encode())


@pytest.mark.parametrize("name", json.loads(MESSAGE))
def test_no_member_may_be_left_out(name: str) -> None:
    document = json.loads(SIGNED.document())
    del document["statement"][name]
    with pytest.raises(BadCheckpointError):
        Checkpoint.parse(json.dumps(document).encode())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_anything_else_is_no_checkpoint(content: bytes) -> None:
    with pytest.raises(BadCheckpointError):
        Checkpoint.parse(content)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(0, len(SIGNED.document()) - 2), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, mask: int) -> None:
    """The last byte, a line end, says nothing."""
    content = bytearray(SIGNED.document())
    content[place] ^= mask
    try:
        read = Checkpoint.parse(bytes(content))
    except BadCheckpointError:
        return
    assert not read.is_signed_by(KEY.public)


def test_canonical_json_is_that_of_the_standard() -> None:
    """RFC 8785, section 3.2.3 and its appendix: members by name, no blanks, characters as they are."""
    value = {"\u20ac": "Euro Sign", "1": "One", "ö": "Latin", "b": {"z": 1, "a": [True, None, "\n\x0f"]}, "\r": "CR"}
    written = '{"\\r":"CR","1":"One","b":{"a":[true,null,"\\n\\u000f"],"z":1},"ö":"Latin","€":"Euro Sign"}'
    assert canonical(value) == written.encode()
