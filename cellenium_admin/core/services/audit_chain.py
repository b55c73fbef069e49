"""Recomputes the chain of the trail, row by row in bounded memory, and names the first row that breaks it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
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
from cellenium_admin.core.services.audit_diagnosis import (
    Breach,
    Head,
    Kind,
    Scene,
    diagnose,
    diagnose_cut,
    diagnose_end,
    diagnose_rewritten,
)

CHUNK = 2000
NONE: Mapping[int, bytes] = MappingProxyType({})
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


def verify(trail: Trail, *, start: int = 1, anchors: Mapping[int, bytes] = NONE) -> Verdict:
    """Check every row from a number on; what stands before it is taken as good.

    `anchors` are hashes kept elsewhere, by number: an event that has another one was rewritten. Those before
    `start - 1` are not looked at.
    """
    head = trail.head()
    if head is None:
        return Verdict(0, GENESIS_HASH, Breach(0, Kind.REMOVED, "the head of the chain is missing"))
    rows = trail.links(LOWEST if start == 1 else start - 1)
    previous = GENESIS if start == 1 else next(rows, GENESIS)
    if previous.seq != start - 1:
        gone = Breach(start - 1, Kind.REMOVED, f"event {start - 1}, from which to go on, is missing")
        return Verdict(0, GENESIS_HASH, diagnose_cut(head, signed=max(anchors, default=0)) or gone)
    if anchors.get(previous.seq, previous.hash) != previous.hash:
        return Verdict(0, GENESIS_HASH, diagnose_rewritten(previous.seq, good=0))
    return _walk(trail, previous, rows, head, anchors)


def _walk(trail: Trail, previous: Link, rows: Iterator[Link], head: Head, anchors: Mapping[int, bytes]) -> Verdict:
    events = good = 0
    for link in rows:
        if not _follows(link, previous) or link.seq > head.seq:
            scene = Scene(bad=link, previous=previous, rest=rows, head=head, find=_finder(trail))
            return Verdict(events, previous.hash, diagnose(scene))
        if link.seq in anchors:
            if anchors[link.seq] != link.hash:
                return Verdict(events, previous.hash, diagnose_rewritten(link.seq, good=good))
            good = link.seq
        previous, events = link, events + 1
    breach = diagnose_end(previous, head) or diagnose_cut(head, signed=max(anchors, default=0))
    return Verdict(events, previous.hash, breach)


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
        return map(link_of, self.rows("seq >= %s", [start]))

    def rows(self, condition: str, parameters: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Stream the rows that meet a condition in SQL, by number; `link_of` tells of their columns."""
        with self._connection.chunked_cursor() as cursor:
            cursor.execute(f"SELECT {COLUMNS} FROM core_auditevent WHERE {condition} ORDER BY seq", parameters)  # noqa: S608
            while rows := cursor.fetchmany(CHUNK):
                yield from rows


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


def link_of(row: tuple[Any, ...]) -> Link:
    """Take a row as the chain sees it: number, version, both hashes, texts, and JSON documents as text."""
    seq, version, prev_hash, digest, *columns = row
    texts = dict(zip(TEXT_COLUMNS, columns, strict=False))
    documents = dict(zip(JSON_COLUMNS, columns[len(TEXT_COLUMNS) :], strict=True))
    content = content_of(texts, documents)
    return Link(seq=seq, version=version, prev_hash=bytes(prev_hash or b""), hash=bytes(digest or b""), content=content)
