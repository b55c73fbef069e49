"""Judges a set of checkpoints by keys somebody trusts: which are genuine, and whether one is missing between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cellenium_admin.core.services.audit_diagnosis import Breach, Kind
from cellenium_admin.core.services.audit_signatures import PublicKey
from cellenium_admin.core.services.audit_statements import Checkpoint


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint and where it lay."""

    uri: str
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the genuine ones among some checkpoints say, and what is wrong with the others."""

    hashes: Mapping[int, bytes]
    breaches: Sequence[Breach]


@dataclass(slots=True)
class _State:
    """How far the judge has come: whom to trust, the last genuine checkpoint, whose key must be next."""

    trusted: dict[str, PublicKey]
    last: Checkpoint | None = None


def judge(found: Iterable[Found], *, keys: Iterable[PublicKey], deployment: str, whole: bool) -> Anchors:
    """Check signatures, deployment and order; `whole` says that the set is to have its first one too.

    A checkpoint that hands over to another key, signed by both, makes that key a trusted one.
    """
    state = _State(trusted={key.id: key for key in keys})
    hashes: dict[int, bytes] = {}
    breaches: list[Breach] = []
    for item in sorted(found, key=lambda item: item.checkpoint.statement.seq):
        if item.checkpoint == state.last:
            continue
        fault = _fault(item, state, deployment)
        if fault is not None:
            breaches.append(fault)
            continue
        breaches.extend(_gap(item, state.last, whole=whole))
        hashes[item.checkpoint.statement.seq] = bytes.fromhex(item.checkpoint.statement.hash)
        _follow(item.checkpoint, state)
    return Anchors(hashes=hashes, breaches=breaches)


def _fault(item: Found, state: _State, deployment: str) -> Breach | None:
    statement = item.checkpoint.statement
    if statement.deployment != deployment:
        what = f"{item.uri} is a checkpoint of the deployment {statement.deployment!r}, not of {deployment!r}"
        return Breach(statement.seq, Kind.FOREIGN, what)
    key = state.trusted.get(statement.key_id)
    if key is None:
        what = f"{item.uri} is signed by the key {statement.key_id}, which was not given as trusted"
        return Breach(statement.seq, Kind.FORGED, what)
    if not item.checkpoint.is_signed_by(key):
        return Breach(statement.seq, Kind.FORGED, f"the signature in {item.uri} does not fit what it says")
    return _out_of_turn(item, state.last)


def _out_of_turn(item: Found, last: Checkpoint | None) -> Breach | None:
    """Refuse what a key signed after it had handed over; behind a gap nothing can be said."""
    statement = item.checkpoint.statement
    if last is None or statement.previous != last.digest or statement.key_id == last.signing_key_after:
        return None
    what = f"{item.uri} is signed by the key {statement.key_id}, where {last.signing_key_after} was to sign"
    return Breach(statement.seq, Kind.FORGED, what)


def _gap(item: Found, last: Checkpoint | None, *, whole: bool) -> list[Breach]:
    statement = item.checkpoint.statement
    expected = last.digest if last else "" if whole else statement.previous
    if statement.previous == expected:
        return []
    before = statement.seq - statement.events
    what = f"the checkpoint before the one at {statement.seq}, signed at {before}, is not among them"
    return [Breach(before, Kind.GAP, what)]


def _follow(checkpoint: Checkpoint, state: _State) -> None:
    state.last = checkpoint
    if checkpoint.statement.next_key:
        key = PublicKey.from_hex(checkpoint.statement.next_key)
        state.trusted[key.id] = key
