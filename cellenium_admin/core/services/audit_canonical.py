"""What is hashed of an event, computed without PostgreSQL, so that the verifier does not trust what it verifies."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

DOMAIN = "cellenium-admin/audit"
GENESIS_HASH = bytes(32)
TEXT_COLUMNS = (
    "at",
    "action",
    "outcome",
    "actor_type",
    "actor_id",
    "actor_label",
    "on_behalf_of",
    "request_id",
    "address",
    "object_type",
    "object_id",
    "object_label",
    "reason",
)
JSON_COLUMNS = ("before", "after", "details")


class Number(str):
    """A number as PostgreSQL printed it: Python would round it, shorten it or refuse its length."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=Number)


@dataclass(frozen=True, slots=True)
class Link:
    """One event as the chain sees it; `content` is None when its columns cannot even be read."""

    seq: int
    version: int
    prev_hash: bytes
    hash: bytes
    content: str | None

    def digest(self, number: int) -> bytes:
        """Compute the hash this event would have under a number."""
        head = f"{DOMAIN}\n{self.version}\n{number}\n{self.prev_hash.hex()}\n"
        return hashlib.sha256((head + (self.content or "")).encode()).digest()

    def is_genuine(self, number: int) -> bool:
        """Tell whether the event carries the hash it would have been given under a number."""
        return self.content is not None and self.digest(number) == self.hash


GENESIS = Link(seq=0, version=1, prev_hash=b"", hash=GENESIS_HASH, content=None)


def content_of(texts: Mapping[str, str | None], documents: Mapping[str, str | None]) -> str | None:
    """Write the canonical form of an event from its text columns and the text of its JSON columns."""
    try:
        values = {name: _text_value(text) for name, text in texts.items()}
        values |= {name: _document_value(document) for name, document in documents.items()}
    except (ValueError, RecursionError):
        return None
    return "{" + ", ".join([label + values[name] for name, label in LABELS]) + "}"


def parse(document: str) -> Any:
    """Read the text of a jsonb column, numbers untouched."""
    return _DECODER.decode(document)


def _text_value(text: str | None) -> str:
    return "null" if text is None else encode_basestring(text)


def _document_value(document: str | None) -> str:
    # Most events leave one or two of the three empty.
    return document if document == "{}" else "null" if document is None else canonical(parse(document))


def canonical(value: Any) -> str:
    """Write a value as `jsonb::text` does: keys by length in UTF-8, then bytes; one way to write everything.

    PostgreSQL 14 to 18: JsonbPairCmp in jsonb_util.c, escape_json in json.c.
    """
    match value:
        case dict():
            return _canonical_object(value)
        case list():
            return "[" + ", ".join(map(canonical, value)) + "]"
        case str() if not isinstance(value, Number):
            return encode_basestring(value)
    return _canonical_word(value)


def _canonical_word(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | Number():
            return str(value)
    raise ValueError(f"The canonical form has no {type(value).__name__}.")


def _canonical_object(value: Mapping[str, Any]) -> str:
    keys = sorted(value, key=_key_order)
    return "{" + ", ".join(f"{encode_basestring(key)}: {canonical(value[key])}" for key in keys) + "}"


def _key_order(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


# Every event has the same keys, so their order and what stands before each value is known in advance.
LABELS = tuple((name, f"{encode_basestring(name)}: ") for name in sorted(TEXT_COLUMNS + JSON_COLUMNS, key=_key_order))
