"""What a checkpoint says and how it is written: canonical JSON (RFC 8785) of a statement, and its signatures."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from cellenium_admin.core.services.audit_signatures import PublicKey, SigningKey

TYPE = "cellenium-admin/checkpoint"
VERSION = 1
MOST_BYTES = 16 * 1024
HASH = re.compile(r"[0-9a-f]{64}")
OPTIONAL_HASH = re.compile(r"([0-9a-f]{64})?")
KEY_ID = re.compile(r"[0-9a-f]{32}")
SIGNATURE = re.compile(r"[0-9a-f]{128}")
OPTIONAL_SIGNATURE = re.compile(r"([0-9a-f]{128})?")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
NAME = re.compile(r"\d{20}\.json")


class BadCheckpointError(ValueError):
    """A document is no checkpoint, or not one of a version this program knows."""


@dataclass(frozen=True, slots=True)
class Statement:
    """How far the trail of a deployment had come, and what was signed before.

    `hash` is that of event `seq`; `events` counts those since the checkpoint before; `previous` is the SHA-256 of its
    signature, empty for the first; `next_key` is the public key that signs from now on, empty while it stays.
    """

    deployment: str
    seq: int
    hash: str
    events: int
    at: str
    key_id: str
    previous: str
    next_key: str

    def message(self) -> bytes:
        """Write what is signed."""
        return canonical({"type": TYPE, "version": VERSION, **asdict(self)})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement with the signature of its key, and of the next one where the key changes."""

    statement: Statement
    signature: str
    next_signature: str

    @classmethod
    def sign(cls, statement: Statement, key: SigningKey, next_key: SigningKey | None = None) -> Self:
        """Sign a statement."""
        message = statement.message()
        return cls(statement, key.sign(message).hex(), next_key.sign(message).hex() if next_key else "")

    @classmethod
    def parse(cls, document: bytes, *, name: str = "") -> Self:
        """Read a document, whatever it claims; raises BadCheckpointError for what is no checkpoint at all.

        A file among others must have the name of its number: a copy of an old one must not pass for the newest.
        """
        try:
            found = cls._read(json.loads(document) if len(document) <= MOST_BYTES else None)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BadCheckpointError("it is not a checkpoint of this program") from error
        if name and name != found.name:
            raise BadCheckpointError(f"it is the checkpoint at {found.statement.seq} under another name")
        return found

    @classmethod
    def _read(cls, found: Any) -> Self:
        statement = found["statement"]
        if set(found) != {"statement", "signature", "next_signature"} or set(statement) != STATEMENT_KEYS:
            raise ValueError("other members")
        if (statement["type"], statement["version"]) != (TYPE, VERSION):
            raise ValueError("another type or version")
        read = Statement(**{name: _checked(name, statement[name]) for name in FORMS})
        if not 0 < read.events <= read.seq:
            raise ValueError("numbers that cannot be")
        if read.next_key:
            PublicKey.from_hex(read.next_key)
        return cls(read, _text(SIGNATURE, found["signature"]), _text(OPTIONAL_SIGNATURE, found["next_signature"]))

    def document(self) -> bytes:
        """Write the file: one line."""
        statement = json.loads(self.statement.message())
        return (
            canonical({"statement": statement, "signature": self.signature, "next_signature": self.next_signature})
            + b"\n"
        )

    @property
    def name(self) -> str:
        """Name the file, so that names sort as the numbers do."""
        return file_name(self.statement.seq)

    @property
    def digest(self) -> str:
        """Give what the next checkpoint calls `previous`."""
        return hashlib.sha256(bytes.fromhex(self.signature)).hexdigest()

    @property
    def signing_key_after(self) -> str:
        """Name the key that must sign the next one."""
        return PublicKey.from_hex(self.statement.next_key).id if self.statement.next_key else self.statement.key_id

    def is_signed_by(self, key: PublicKey) -> bool:
        """Tell whether it carries the signatures it must, the first of them of this key."""
        message = self.statement.message()
        return (
            key.id == self.statement.key_id
            and key.verifies(bytes.fromhex(self.signature), message)
            and self._is_accepted(message)
        )

    def is_accepted_by(self, key: PublicKey) -> bool:
        """Tell whether it hands over to this key, which signed that too."""
        return self.statement.next_key == key.raw.hex() and self._is_accepted(self.statement.message())

    def _is_accepted(self, message: bytes) -> bool:
        if not self.statement.next_key:
            return not self.next_signature
        return PublicKey.from_hex(self.statement.next_key).verifies(bytes.fromhex(self.next_signature), message)


FORMS: dict[str, re.Pattern[str] | None] = {
    "deployment": re.compile(r"[^\0]{1,255}"),
    "seq": None,
    "hash": HASH,
    "events": None,
    "at": TIME,
    "key_id": KEY_ID,
    "previous": OPTIONAL_HASH,
    "next_key": OPTIONAL_HASH,
}
STATEMENT_KEYS = {"type", "version", *(field.name for field in fields(Statement))}


def file_name(seq: int) -> str:
    """Name the file of the checkpoint at a number."""
    return f"{seq:020d}.json"


def canonical(value: Any) -> bytes:
    """Write JSON as RFC 8785 does, for ASCII names, text, and whole numbers below 2**53."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _checked(name: str, value: Any) -> Any:
    form = FORMS[name]
    if form is not None:
        return _text(form, value)
    if type(value) is not int or not 0 < value < 2**53:
        raise ValueError(f"{name} is no number of an event")
    return value


def _text(form: re.Pattern[str], value: str) -> str:
    if not form.fullmatch(value):
        raise ValueError("a member of another form")
    return value
