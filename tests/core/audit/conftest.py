"""A short trail, and connections past Django's."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditCheckpoint
from cellenium_admin.core.services import audit, audit_checkpoints
from cellenium_admin.core.services.audit_signatures import make_key_pair
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "sandbox"]

ACTOR = Actor.system("test")


def record(label: str = "", **changes: Any) -> None:
    """Record a small event inside the surrounding transaction."""
    subject = audit.ObjectRef(type="upload", id=label, label=label)
    audit.record(**{"action": Action.UPLOAD_FOUND, "actor": ACTOR, "obj": subject, **changes})


def record_and_roll_back(label: str) -> None:
    """Record a small event in a transaction that does not commit."""

    def fail() -> None:
        record(label)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transaction.atomic(fail)()


@pytest.fixture
def eight_events(transactional_db: None) -> None:
    """Commit eight events, each in a transaction of its own."""
    for number in range(1, 9):
        with transaction.atomic():
            record(f"file {number}", details={"uri": f"s3://bucket/ä {number}", "size": number}, reason="why")


@pytest.fixture
def connect(db: None) -> Iterator[Callable[[str], psycopg.Connection]]:
    """Open plain connections as the role of a database alias; closed at the end of the test."""
    opened = []

    def open_as(alias: str) -> psycopg.Connection:
        parameters = connections[alias].get_connection_params()
        wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port")}
        opened.append(psycopg.connect(**wanted))
        return opened[-1]

    yield open_as
    for connection in opened:
        connection.close()


@pytest.fixture
def tampering(superuser_connection: psycopg.Connection) -> Callable[[], Any]:
    """Open a transaction of a superuser who has switched every trigger off."""

    @contextmanager
    def tamper() -> Iterator[psycopg.Connection]:
        with superuser_connection.transaction():
            superuser_connection.execute("SET LOCAL session_replication_role = replica")
            yield superuser_connection

    return tamper


@dataclass(frozen=True)
class Signing:
    """Keys and the place checkpoints are written to, as the settings name them."""

    private: Path
    public: Path
    place: Path

    def files(self) -> list[Path]:
        """List the checkpoints, the oldest first."""
        return sorted(path for path in self.place.iterdir() if not path.name.startswith("."))

    def documents(self) -> list[dict[str, Any]]:
        """Read the checkpoints, the oldest first."""
        return [json.loads(path.read_bytes()) for path in self.files()]


@pytest.fixture
def signing(tmp_path: Path, settings: Any) -> Signing:
    """Set signing up with a key of its own and a directory."""
    private, place = tmp_path / "checkpoint.key", tmp_path / "checkpoints"
    make_key_pair(private)
    place.mkdir()
    found = Signing(private=private, public=tmp_path / "checkpoint.key.pub", place=place)
    settings.CHECKPOINT_KEY_FILE, settings.CHECKPOINT_TARGET = str(private), str(place)
    settings.CHECKPOINT_PUBLIC_KEY_FILES = [str(found.public)]
    settings.DEPLOYMENT = "here"
    return found


@pytest.fixture
def sign() -> Callable[[], AuditCheckpoint]:
    """Record an event and sign it."""

    def record_and_sign(label: str = "signed") -> AuditCheckpoint:
        with transaction.atomic():
            record(label)
        row = audit_checkpoints.sign(actor=ACTOR)
        assert row is not None
        return row

    return record_and_sign


def cut(superuser: psycopg.Connection, last: int) -> None:
    """Remove what was recorded after an event, so that the chain and its head agree; triggers are off."""
    superuser.execute("DELETE FROM core_auditevent WHERE seq > %s", [last])
    superuser.execute(
        "UPDATE core_audithead h SET seq = e.seq, hash = e.hash FROM core_auditevent e WHERE e.seq = %s", [last]
    )


def rewrite(superuser: psycopg.Connection, seq: int) -> None:
    """Record everything from an event on anew, that one with another reason, by the function that writes the trail."""
    superuser.execute("CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM core_auditevent WHERE seq >= %s", [seq])
    superuser.execute("UPDATE kept SET reason = 'another' WHERE seq = %s", [seq])
    superuser.execute("DELETE FROM core_auditevent WHERE seq >= %s", [seq])
    superuser.execute(
        "UPDATE core_audithead SET seq = %s, hash = coalesce((SELECT hash FROM core_auditevent WHERE seq = %s),"
        " decode(repeat('00', 32), 'hex'))",
        [seq - 1, seq - 1],
    )
    superuser.execute("SELECT core_audit_append(to_jsonb(k)) FROM (SELECT * FROM kept ORDER BY seq) k")


@pytest.fixture
def signed(signing: Signing, sign: Callable[..., AuditCheckpoint]) -> Signing:
    """Checkpoints at 9, 11 and 13; the trail has 14 events."""
    for label in ("one", "two", "three"):
        sign(label)
    return signing
