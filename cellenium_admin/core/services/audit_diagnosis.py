"""What was done to a broken chain, told from the first row that does not follow and from what stands after it.

The hash of an event keeps its number, so a row that was only moved still says where it belongs.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from cellenium_admin.core.services.audit_canonical import GENESIS, Link

LOOKAHEAD = 1000


class Kind(StrEnum):
    """The ways to break a chain, and those to break what was signed of it."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    REWRITTEN = "rewritten"
    FORGED = "forged"
    FOREIGN = "foreign"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Breach:
    """The first row that is not what was recorded there."""

    seq: int
    kind: Kind
    explanation: str


@dataclass(frozen=True, slots=True)
class Head:
    """Number and hash of the newest event, kept apart from the events."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a diagnosis may look at: the row that does not follow, the row before it, the rows after it."""

    bad: Link
    previous: Link
    rest: Iterator[Link]
    head: Head
    find: Callable[[int], Link | None]

    @property
    def expected(self) -> int:
        """The number that should stand here."""
        return self.previous.seq + 1

    def continues(self, link: Link) -> bool:
        """Tell whether this is the event that was recorded after the last good one, wherever it stands now."""
        return link.prev_hash == self.previous.hash and link.is_genuine(self.expected)


def diagnose(scene: Scene) -> Breach:
    """Name the first row that was tampered with, and how."""
    bad, expected = scene.bad, scene.expected
    if bad.seq < expected:
        return Breach(bad.seq, Kind.INSERTED, f"number {bad.seq} stands where {expected} should follow")
    if expected > scene.head.seq:
        return _beyond_head(scene)
    if bad.seq > expected:
        return _gap(scene)
    return _wrong_row(scene)


def diagnose_end(last: Link, head: Head) -> Breach | None:
    """Compare the last row, itself good, with the head."""
    if last.seq < head.seq:
        what = f"the trail ends at {last.seq}, the head knows of {head.seq} events"
        return Breach(last.seq + 1, Kind.REMOVED, what)
    if last.hash != head.hash:
        what = "its hash fits its content, but the head was given another: one of the two was written later"
        return Breach(last.seq, Kind.EDITED, what)
    return None


def diagnose_rewritten(seq: int, *, good: int) -> Breach:
    """Say that an event, consistent in itself, is not the one that was signed; `good` is the last that was found so."""
    since = f", after seq {good}" if good else ""
    what = f"it is not the event that was signed: the trail was rewritten at or before seq {seq}{since}"
    return Breach(seq, Kind.REWRITTEN, what)


def diagnose_cut(head: Head, *, signed: int) -> Breach | None:
    """Compare the newest event with the newest one that was signed; the event of the signing itself comes after it."""
    if not signed or head.seq > signed:
        return None
    what = f"{_missing(head.seq + 1, signed + 1)} missing: event {signed} was signed, and the next tells of that"
    return Breach(head.seq + 1, Kind.CUT, what)


def _missing(first: int, last: int) -> str:
    return f"event {first} is" if last == first else f"events {first} to {last} are"


def _wrong_row(scene: Scene) -> Breach:
    """Judge a row that has the right number and does not follow from the row before."""
    number = _original_number(scene)
    if number is None:
        return _pushed_in_or_edited(scene, "its content does not fit its hash")
    if number == scene.expected:
        return _broken_link(scene)
    return _earlier_event(scene, number) if number < scene.expected else _later_event(scene, number)


def _beyond_head(scene: Scene) -> Breach:
    """Judge rows behind the newest event: new ones, or old ones pushed up by what was put in before them."""
    for link in itertools.islice(itertools.chain([scene.bad], scene.rest), LOOKAHEAD):
        numbers = range(max(1, link.seq - LOOKAHEAD), scene.head.seq + 1)
        number = next((number for number in numbers if link.is_genuine(number)), None)
        if number is not None and (breach := _pushed_up(scene, link, number)):
            return breach
    what = f"the head knows of {scene.head.seq} events only"
    return diagnose_end(scene.previous, scene.head) or Breach(scene.bad.seq, Kind.INSERTED, what)


def _gap(scene: Scene) -> Breach:
    moved = next((link for link in itertools.chain([scene.bad], scene.rest) if scene.continues(link)), None)
    if moved is not None:
        return Breach(scene.expected, Kind.REORDERED, f"this event stands at {moved.seq} now")
    which = _missing(scene.expected, scene.bad.seq - 1)
    return Breach(scene.expected, Kind.REMOVED, f"{which} missing")


def _broken_link(scene: Scene) -> Breach:
    """Judge a row that is consistent in itself but does not continue the row before.

    Either that row was rewritten together with its hash, or this one was; whoever follows tells which.
    """
    bad, previous, expected = scene.bad, scene.previous, scene.expected
    if previous.seq and bad.prev_hash == previous.prev_hash:
        return Breach(
            previous.seq, Kind.INSERTED, f"events {previous.seq} and {expected} both follow {previous.seq - 1}"
        )
    following = next(scene.rest, None)
    if following is not None and following.seq == expected:
        return Breach(expected, Kind.INSERTED, f"number {expected} is used twice")
    anchor = following.prev_hash if following else scene.head.hash
    if anchor == bad.hash and previous.seq:
        what = f"it was given a new hash, but event {expected} was recorded after another"
        return Breach(previous.seq, Kind.EDITED, what)
    return Breach(expected, Kind.EDITED, "it was given a new hash, and does not follow the event before it")


def _earlier_event(scene: Scene, number: int) -> Breach:
    """Judge a row whose own number is lower: pushed up by rows put in before it, or a copy."""
    return _pushed_up(scene, scene.bad, number) or _pushed_in_or_edited(scene, f"it was recorded as event {number}")


def _pushed_up(scene: Scene, link: Link, number: int) -> Breach | None:
    """Find out whether the rows before an old event were put in, with hashes that fit, after an event that was good."""
    twin, before = scene.find(number), GENESIS if number == 1 else scene.find(number - 1)
    is_copy = twin is not None and twin.hash == link.hash
    if is_copy or before is None or before.hash != link.prev_hash:
        return None
    return Breach(number, Kind.INSERTED, f"the event recorded as {number} stands at {link.seq} now")


def _later_event(scene: Scene, number: int) -> Breach:
    """Judge a row whose own number is higher: events before it are gone, or it changed places with them."""
    moved_to, copied = None, False
    for link in scene.rest:
        copied = copied or link.hash == scene.bad.hash
        if moved_to is None and scene.continues(link):
            moved_to = link.seq
    if copied:
        kind = Kind.EDITED if moved_to is None else Kind.INSERTED
        return Breach(scene.expected, kind, f"it is a copy of event {number}")
    if moved_to is not None:
        what = f"event {number} stands here, and this event at {moved_to}"
        return Breach(scene.expected, Kind.REORDERED, what)
    return Breach(scene.expected, Kind.REMOVED, f"event {number} was given the number of one that is missing")


def _pushed_in_or_edited(scene: Scene, what: str) -> Breach:
    """Tell a row put in from one overwritten: behind the first, events stand higher than they were recorded."""
    for place, link in enumerate(itertools.islice(scene.rest, LOOKAHEAD), start=scene.expected + 1):
        if link.is_genuine(link.seq) and link.seq >= place:
            break
        shifted = next((number for number in range(scene.expected, place) if link.is_genuine(number)), None)
        if shifted is not None:
            explanation = f"{what}, and the event recorded as {shifted} stands behind it"
            return Breach(scene.expected, Kind.INSERTED, explanation)
    return Breach(scene.expected, Kind.EDITED, what)


def _original_number(scene: Scene) -> int | None:
    """Find the number under which the row was recorded, nearest first; costs one hash for each number tried."""
    expected, highest = scene.expected, scene.head.seq
    for distance in range(max(expected, highest - expected + 1)):
        for number in {expected - distance, expected + distance}:
            if 1 <= number <= highest and scene.bad.is_genuine(number):
                return number
    return None
