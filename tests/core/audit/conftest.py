"""A short trail, and connections past Django's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit

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
