"""Copies events of the trail into a file, as NDJSON that can be verified without us, or as a table.

The event that tells of the export is committed before the file gets its name: what anybody holds is in the trail, and
the worst that is left by a crash in between is an export that is told of and was never handed out.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from cellenium_admin.core import csv
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, UnavailableError
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit_canonical import JSON_COLUMNS, TEXT_COLUMNS
from cellenium_admin.core.services.audit_chain import DatabaseTrail, database_trail, link_of
from cellenium_admin.core.services.audit_diagnosis import Head

Format = Literal["ndjson", "csv"]
FORMATS: tuple[Format, ...] = ("ndjson", "csv")
HEADER = ("seq", "version", "prev_hash", "hash", *TEXT_COLUMNS, *JSON_COLUMNS)
MANIFEST = ".manifest.json"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events; what is not given selects all. `until` and no other bound is exclusive."""

    first: int | None = None
    last: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    actions: tuple[str, ...] = ()
    object_type: str = ""
    object_id: str = ""

    def condition(self) -> Q:
        """Write it as a condition on events."""
        plain = {
            "seq__gte": self.first,
            "seq__lte": self.last,
            "at__gte": self.since,
            "at__lt": self.until,
            "action__in": self.actions,
            "object_type": self.object_type,
            "object_id": self.object_id,
        }
        condition = Q(**{name: value for name, value in plain.items() if value not in (None, "", ())})
        return condition & (Q(actor_id=self.actor) | Q(actor_label=self.actor)) if self.actor else condition

    def told(self) -> dict[str, Any]:
        """Name what was given, for the trail."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, "", ())}
        return {name: _plain(value) for name, value in given.items()}


@dataclass(slots=True)
class Counted:
    """How many events were written, the first and the last of them, and the SHA-256 of the bytes."""

    count: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    digest: Any = field(default_factory=hashlib.sha256, repr=False)

    def add(self, seq: int) -> None:
        """Count an event."""
        self.count += 1
        self.first_seq = seq if self.first_seq is None else self.first_seq
        self.last_seq = seq


def export(
    *, selection: Selection, form: Format, path: Path, actor: Actor, replace: bool = False, reason: str = ""
) -> dict[str, Any]:
    """Write the selected events to `path` and a manifest beside it, both for their owner alone; gives the manifest.

    Raises ConflictError when one of the two is there and is not to be replaced, InvalidInputError for a place where
    nothing can be written, and whatever `audit.record` raises; then neither file is there.
    """
    if path.is_dir():
        raise InvalidInputError(f"{path} is a directory; name a file in it.")
    manifest_path = path.with_name(f"{path.name}{MANIFEST}")
    for taken in (path, manifest_path):
        if taken.exists() and not replace:
            raise ConflictError(f"{taken} is there already; name another file, or add --force.")
    with _answering(path), _unnamed(path) as (file, release), _unnamed(manifest_path) as (beside, release_manifest):
        manifest = _write(selection, form, path.name, file)
        beside.write(json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n")
        _record(manifest, actor, reason)
        release_manifest(replace)
        release(replace)
    return manifest


def _write(selection: Selection, form: Format, name: str, file: IO[bytes]) -> dict[str, Any]:
    with database_trail() as trail:
        head = trail.head() or Head(seq=0, hash=b"")
        counted = _write_events(trail, selection, form, file)
        checkpoint = AuditCheckpoint.objects.first()
    return {
        "file": name,
        "format": form,
        "deployment": settings.DEPLOYMENT,
        "filters": selection.told(),
        "count": counted.count,
        "first_seq": counted.first_seq,
        "last_seq": counted.last_seq,
        "sha256": counted.digest.hexdigest(),
        "head": {"seq": head.seq, "hash": head.hash.hex()},
        "checkpoint": {"uri": checkpoint.uri, **json.loads(checkpoint.document)} if checkpoint else None,
    }


def _write_events(trail: DatabaseTrail, selection: Selection, form: Format, file: IO[bytes]) -> Counted:
    counted = Counted()

    def put(text: str) -> None:
        content = text.encode()
        counted.digest.update(content)
        file.write(content)

    if form == "csv":
        put(csv.line(HEADER))
    for row in _rows(trail, selection):
        put(_as_table_row(row) if form == "csv" else _as_json_line(row))
        counted.add(row[0])
    return counted


def _rows(trail: DatabaseTrail, selection: Selection) -> Iterator[tuple[Any, ...]]:
    """Let Django write the condition, and PostgreSQL the texts that were hashed."""
    chosen = AuditEvent.objects.filter(selection.condition()).order_by().values("seq")
    condition, parameters = chosen.query.sql_with_params()
    return trail.rows(f"seq IN ({condition})", parameters)


def _as_json_line(row: tuple[Any, ...]) -> str:
    """Put the very text that was hashed behind `event`."""
    link = link_of(row)
    if link.content is None:
        raise ConflictError(f"Event {link.seq} cannot be read; see `audit verify`, and export the others by --to.")
    head = f'"seq": {link.seq}, "version": {link.version}'
    hashes = f'"prev_hash": "{link.prev_hash.hex()}", "hash": "{link.hash.hex()}"'
    return f'{{{head}, {hashes}, "event": {link.content}}}\n'


def _as_table_row(row: tuple[Any, ...]) -> str:
    seq, version, prev_hash, digest, *texts = row
    return csv.line([seq, version, bytes(prev_hash or b"").hex(), bytes(digest or b"").hex(), *texts])


def _record(manifest: Mapping[str, Any], actor: Actor, reason: str) -> None:
    copied = ("file", "format", "filters", "count", "first_seq", "last_seq", "sha256")
    checkpoint = manifest["checkpoint"]
    details = {
        **{name: manifest[name] for name in copied},
        "head_seq": manifest["head"]["seq"],
        "head_hash": manifest["head"]["hash"],
        "checkpoint_seq": checkpoint and checkpoint["statement"]["seq"],
    }
    with transaction.atomic():
        audit.record(action=Action.TRAIL_EXPORTED, actor=actor, details=details, reason=reason)


@contextmanager
def _unnamed(path: Path) -> Iterator[tuple[IO[bytes], Any]]:
    """Open a file beside `path` that only its owner can read, and give what moves it there; else it is removed."""
    file = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with file:
            yield file, lambda replace: _release(file, path, replace=replace)
    finally:
        Path(file.name).unlink(missing_ok=True)


def _release(file: Any, path: Path, *, replace: bool) -> None:
    file.flush()
    os.fsync(file.fileno())
    if replace:
        os.replace(file.name, path)  # noqa: PTH105 -- mirrors os.link below
    else:
        os.link(file.name, path)


@contextmanager
def _answering(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConflictError(f"{error.filename2} appeared meanwhile; nothing was written over it.") from error
    except OSError as error:
        place = path.parent
        if place.is_dir():
            raise UnavailableError(f"{path} cannot be written: {error.strerror}.") from error
        raise InvalidInputError(f"{place} is not a directory; make it first.") from error


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return list(value)
    return value
