"""The trail against checkpoints kept outside: what neither its owner nor an old backup can make fit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from cellenium_admin.core.exceptions import InvalidInputError
from cellenium_admin.core.models import Action, AuditCheckpoint, AuditEvent, Outcome
from cellenium_admin.core.services.audit_anchors import Anchors, Found, judge
from cellenium_admin.core.services.audit_chain import Verdict, database_trail, verify
from cellenium_admin.core.services.audit_diagnosis import Breach, Kind
from cellenium_admin.core.services.audit_signatures import PublicKey, load_public_key
from cellenium_admin.core.services.audit_statements import NAME, BadCheckpointError, Checkpoint, file_name
from cellenium_admin.core.storage.write_once import S3, WriteOncePlace, open_place

SIGNING = (Action.CHECKPOINT_SIGNED, Action.CHECKPOINT_KEY_CHANGED)


@dataclass(frozen=True, slots=True)
class Report:
    """How the trail was found, how many checkpoints it was compared with, and all that is wrong, the worst first."""

    verdict: Verdict
    checkpoints: int
    breaches: Sequence[Breach]


@dataclass(frozen=True, slots=True)
class _Source:
    """Files to read: one, or all checkpoints of a place."""

    place: WriteOncePlace
    name: str | None


def trusted_keys(paths: Sequence[str]) -> list[PublicKey]:
    """Read the keys somebody trusts, or those of the settings. Raises KeyFileError, InvalidInputError for none."""
    keys = [load_public_key(Path(path)) for path in paths or settings.CHECKPOINT_PUBLIC_KEY_FILES]
    if not keys:
        raise InvalidInputError(
            "Name the public key you trust: --public-key FILE, or CELLENIUM_CHECKPOINT_PUBLIC_KEY_FILES."
        )
    return keys


def verify_against(locations: Sequence[str], *, keys: Sequence[PublicKey], start: int = 1) -> Report:
    """Judge checkpoints, then every row from a number on, and compare the two.

    Raises InvalidInputError for a place that cannot be one, UnavailableError for one that does not answer.
    """
    sources = [_source(location) for location in locations]
    whole = [source.place for source in sources if source.name is None]
    found, unreadable = _read(sources, start)
    anchors = judge(found, keys=keys, deployment=settings.DEPLOYMENT, whole=bool(whole) and start == 1)
    with database_trail() as trail:
        verdict = verify(trail, start=start, anchors=anchors.hashes)
        told = _told(start) if whole else {}
    for item in found:
        told.pop(item.checkpoint.statement.seq, None)
    others = [*unreadable, *_missing(told, whole)]
    if not found and not unreadable:
        where = f"{', '.join(locations)}{f' from event {start - 1} on' if start > 1 else ''}"
        others.append(Breach(0, Kind.GAP, f"there is no checkpoint in {where}"))
    return Report(verdict, len(anchors.hashes), _in_order(verdict, anchors, others))


def _in_order(verdict: Verdict, anchors: Anchors, others: Sequence[Breach]) -> list[Breach]:
    return [*([verdict.breach] if verdict.breach else []), *anchors.breaches, *others]


def _source(location: str) -> _Source:
    """Tell a file from a place: objects by their ending, since a bucket has no directories."""
    if location.startswith(S3):
        folder, _, name = location.rpartition("/")
        return _Source(open_place(folder), name) if name.endswith(".json") else _Source(open_place(location), None)
    path = Path(location)
    if path.is_dir():
        return _Source(open_place(location), None)
    return _Source(open_place(str(path.parent)), path.name)


def _read(sources: Sequence[_Source], start: int) -> tuple[list[Found], list[Breach]]:
    """Read the checkpoints from the event before a number on; a file's name tells its number, or it is forged."""
    found, unreadable = [], []
    for source in sources:
        listed = () if source.name else source.place.names(file_name(max(start - 2, 0)))
        for name in [source.name] if source.name else [name for name in listed if NAME.fullmatch(name)]:
            try:
                found.append(_checkpoint(source, name))
            except BadCheckpointError as error:
                seq = int(name.removesuffix(".json")) if NAME.fullmatch(name) else 0
                unreadable.append(Breach(seq, Kind.FORGED, f"{source.place.uri(name)}: {error}"))
    return [item for item in found if item.checkpoint.statement.seq >= start - 1], unreadable


def _checkpoint(source: _Source, name: str) -> Found:
    uri, content = source.place.uri(name), source.place.read(name)
    if content is None:
        raise InvalidInputError(f"There is nothing at {uri}.")
    return Found(uri=uri, checkpoint=Checkpoint.parse(content, name="" if source.name else name))


def _told(start: int) -> dict[int, str]:
    """List the checkpoints the trail tells of, by number, with where they are to be; those not written yet left out."""
    events = AuditEvent.objects.filter(action__in=SIGNING, outcome=Outcome.OK, seq__gte=start)
    told = {seq: "" for seq in events.values_list("details__seq", flat=True) if isinstance(seq, int) and seq >= start}
    for row in AuditCheckpoint.objects.filter(seq__in=told).only("seq", "uri", "written_at"):
        told[row.seq] = row.uri
        if row.written_at is None:
            del told[row.seq]
    return told


def _missing(told: dict[int, str], places: Sequence[WriteOncePlace]) -> Iterator[Breach]:
    """Look again for those that were not listed: one signed after the listing is there now."""
    for seq, uri in sorted(told.items()):
        name = file_name(seq)
        elsewhere = uri and uri not in {place.uri(name) for place in places}
        if not elsewhere and not any(place.read(name) for place in places):
            yield Breach(seq, Kind.GAP, f"the trail tells of a checkpoint at {seq}, which is not among them")
