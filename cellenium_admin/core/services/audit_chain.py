"""Recomputes the chain of the trail, row by row in bounded memory, and names the first row that breaks it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import connections, transaction

from cellenium_admin.core.services.audit_canonical import (
    GENESIS,
    GENESIS_HASH,
    JSON_COLUMNS,
    TEXT_COLUMNS,
    Link,
    content_of,
)
from cellenium_admin.core.services.audit_diagnosis import Breach, Head, Kind, Scene, diagnose, diagnose_end

CHUNK = 2000
LOWEST = -(2**63)
UTC_TEXT = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
COLUMNS = ", ".join(
    ["seq", "version", "prev_hash", "hash", UTC_TEXT, *TEXT_COLUMNS[1:], *(f"{name}::text" for name in JSON_COLUMNS)]
)


class Trail(Protocol):
    """Where rows and head come from."""

    def head(self) -> Head | None:
        """Give the head, None when its row is gone."""

    def links(self, start: int) -> Iterator[Link]:
        """Give the rows from a number on, by number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows were found good, and the first that was not."""

    events: int
    hash: bytes
    breach: Breach | None


def verify(trail: Trail, *, start: int = 1) -> Verdict:
    """Check every row from a number on; what stands before it is taken as good."""
    head = trail.head()
    if head is None:
        return Verdict(0, GENESIS_HASH, Breach(0, Kind.REMOVED, "the head of the chain is missing"))
    rows = trail.links(LOWEST if start == 1 else start - 1)
    previous = GENESIS if start == 1 else next(rows, GENESIS)
    if previous.seq != start - 1:
        what = f"event {start - 1}, from which to go on, is missing"
        return Verdict(0, GENESIS_HASH, Breach(start - 1, Kind.REMOVED, what))
    return _walk(trail, previous, rows, head)


def _walk(trail: Trail, previous: Link, rows: Iterator[Link], head: Head) -> Verdict:
    events = 0
    for link in rows:
        if not _follows(link, previous) or link.seq > head.seq:
            scene = Scene(bad=link, previous=previous, rest=rows, head=head, find=_finder(trail))
            return Verdict(events, previous.hash, diagnose(scene))
        previous, events = link, events + 1
    return Verdict(events, previous.hash, diagnose_end(previous, head))


def _follows(link: Link, previous: Link) -> bool:
    return link.seq == previous.seq + 1 and link.prev_hash == previous.hash and link.is_genuine(link.seq)


def _finder(trail: Trail) -> Callable[[int], Link | None]:
    def find(seq: int) -> Link | None:
        link = next(trail.links(seq), None)
        return link if link is not None and link.seq == seq else None

    return find


class DatabaseTrail:
    """The trail as the application's role reads it, through cursors kept on the server."""

    def __init__(self, using: str) -> None:
        """Keep the connection's alias."""
        self._connection = connections[using]

    def head(self) -> Head | None:
        """Read the head."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT seq, hash FROM core_audithead")
            row = cursor.fetchone()
        return None if row is None else Head(seq=row[0], hash=bytes(row[1]))

    def links(self, start: int) -> Iterator[Link]:
        """Stream rows; a list of them would not fit into memory one day."""
        with self._connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT {COLUMNS} FROM core_auditevent WHERE seq >= %s ORDER BY seq", [start])  # noqa: S608
            while rows := cursor.fetchmany(CHUNK):
                yield from map(_link, rows)


@contextmanager
def database_trail(using: str = "default") -> Iterator[DatabaseTrail]:
    """Read head and rows at one point in time, while the application goes on recording."""
    connection = connections[using]
    outermost = not connection.in_atomic_block
    with transaction.atomic(using=using):
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield DatabaseTrail(using)


def _link(row: tuple[Any, ...]) -> Link:
    seq, version, prev_hash, digest, *columns = row
    texts = dict(zip(TEXT_COLUMNS, columns, strict=False))
    documents = dict(zip(JSON_COLUMNS, columns[len(TEXT_COLUMNS) :], strict=True))
    content = content_of(texts, documents)
    return Link(seq=seq, version=version, prev_hash=bytes(prev_hash or b""), hash=bytes(digest or b""), content=content)
