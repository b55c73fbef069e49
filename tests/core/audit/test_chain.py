"""What the verifier says of every way to break a chain, on chains in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellenium_admin.core.services.audit_canonical import GENESIS_HASH, Link
from cellenium_admin.core.services.audit_chain import verify
from cellenium_admin.core.services.audit_diagnosis import Head, Kind

EDITED, REMOVED, INSERTED, REORDERED = Kind.EDITED, Kind.REMOVED, Kind.INSERTED, Kind.REORDERED
Links = list[Link]


@dataclass
class MemoryTrail:
    """A trail made of a list, in the order a database gives it."""

    rows: Links
    newest: Head | None

    def head(self) -> Head | None:
        return self.newest

    def links(self, start: int) -> Iterator[Link]:
        return (link for link in sorted(self.rows, key=lambda link: link.seq) if link.seq >= start)


def event(seq: int, prev_hash: bytes, content: str) -> Link:
    """Make an event whose hash fits."""
    link = Link(seq=seq, version=1, prev_hash=prev_hash, hash=b"", content=content)
    return replace(link, hash=link.digest(seq))


def chain(length: int) -> Links:
    links: Links = []
    for seq in range(1, length + 1):
        links.append(event(seq, links[-1].hash if links else GENESIS_HASH, f'{{"n": {seq}}}'))
    return links


def numbered(links: Links) -> Links:
    """Give the rows the numbers of their places, and leave everything else as it is."""
    return [replace(link, seq=seq) for seq, link in enumerate(links, start=1)]


def rehashed(links: Links, start: int) -> Links:
    """Write the hashes anew from a row on, as somebody does who knows how they are made."""
    out = links[: start - 1]
    for link in links[start - 1 :]:
        out.append(event(link.seq, out[-1].hash if out else GENESIS_HASH, link.content or ""))
    return out


GOOD = chain(8)
HEAD = Head(seq=8, hash=GOOD[-1].hash)
GARBAGE = Link(seq=0, version=1, prev_hash=b"p" * 32, hash=b"h" * 32, content='{"n": "forged"}')


def breach_of(links: Links, head: Head | None = HEAD, *, start: int = 1) -> tuple[int, Kind] | None:
    breach = verify(MemoryTrail(links, head), start=start).breach
    return None if breach is None else (breach.seq, breach.kind)


def without(*seqs: int) -> Links:
    return [link for link in GOOD if link.seq not in seqs]


def changed(seq: int, /, **changes: Any) -> Links:
    return [replace(link, **changes) if link.seq == seq else link for link in GOOD]


def put_in(seq: int, *links: Link) -> Links:
    """Put rows in so that the first becomes number `seq`; all behind it move up."""
    return numbered([*GOOD[: seq - 1], *links, *GOOD[seq - 1 :]])


def forged(seq: int, content: str = '{"n": "forged"}', length: int = 1) -> Links:
    """Make rows that follow row `seq - 1` with hashes that fit."""
    links: Links = []
    for number in range(seq, seq + length):
        links.append(event(number, links[-1].hash if links else GOOD[number - 2].hash, content))
    return links


def moved(source: int, target: int) -> Links:
    rest = without(source)
    return numbered([*rest[: target - 1], GOOD[source - 1], *rest[target - 1 :]])


def swapped(first: int, second: int) -> Links:
    numbers = {first: second, second: first}
    return [replace(link, seq=numbers.get(link.seq, link.seq)) for link in GOOD]


def test_an_untouched_chain_is_good() -> None:
    verdict = verify(MemoryTrail(GOOD, HEAD))
    assert (verdict.events, verdict.breach, verdict.hash) == (8, None, GOOD[-1].hash)


def test_an_empty_trail_is_good() -> None:
    assert verify(MemoryTrail([], Head(0, GENESIS_HASH))).breach is None


@pytest.mark.parametrize("seq", range(1, 9))
@pytest.mark.parametrize(
    "changes",
    [
        {"content": '{"n": 0}'},
        {"content": None},
        {"prev_hash": b"x" * 32},
        {"hash": b"x" * 32},
        {"hash": b""},
        {"version": 2},
    ],
    ids=["content", "unreadable", "prev_hash", "hash", "no hash", "version"],
)
def test_an_edited_row(seq: int, changes: dict[str, Any]) -> None:
    assert breach_of(changed(seq, **changes)) == (seq, EDITED)


def test_a_row_that_cannot_be_read_is_not_good_whatever_its_hash() -> None:
    unreadable = replace(event(1, GENESIS_HASH, ""), content=None)
    assert breach_of([unreadable], Head(1, unreadable.hash)) == (1, EDITED)


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_row_edited_together_with_its_hash(seq: int) -> None:
    previous = GOOD[seq - 2].hash if seq > 1 else GENESIS_HASH
    new = event(seq, previous, '{"n": 0}')
    assert breach_of(changed(seq, content=new.content, hash=new.hash)) == (seq, EDITED)


@pytest.mark.parametrize("seq", range(2, 8))
def test_a_row_edited_together_with_both_its_hashes(seq: int) -> None:
    new = event(seq, b"x" * 32, '{"n": 0}')
    assert breach_of(changed(seq, content=new.content, prev_hash=new.prev_hash, hash=new.hash)) == (seq, EDITED)


@pytest.mark.parametrize("seq", range(1, 9))
def test_all_hashes_written_anew_from_a_row_on(seq: int) -> None:
    links = rehashed(changed(seq, content='{"n": 0}'), seq)
    assert breach_of(links) == (8, EDITED)


def test_a_chain_written_anew_together_with_its_head_is_only_seen_against_a_hash_kept_elsewhere() -> None:
    links = rehashed(changed(3, content='{"n": 0}'), 3)
    verdict = verify(MemoryTrail(links, Head(8, links[-1].hash)))
    assert verdict.breach is None
    assert verdict.hash != GOOD[-1].hash


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_removed_row(seq: int) -> None:
    assert breach_of(without(seq)) == (seq, REMOVED)


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_removed_row_whose_number_was_given_to_the_next(seq: int) -> None:
    assert breach_of(numbered(without(seq))) == (seq, REMOVED)


@pytest.mark.parametrize(
    ("links", "first"),
    [
        (without(3, 4, 5), 3),
        (without(2, 7), 2),
        (without(6, 7, 8), 6),
        ([], 1),
        (numbered(without(3, 4)), 3),
        (GOOD[7:], 1),
    ],
)
def test_several_removed_rows(links: Links, first: int) -> None:
    assert breach_of(links) == (first, REMOVED)


@pytest.mark.parametrize("seq", range(1, 10))
def test_a_row_put_in(seq: int) -> None:
    assert breach_of(put_in(seq, GARBAGE)) == (seq, INSERTED)


@pytest.mark.parametrize("seq", range(2, 10))
@pytest.mark.parametrize("length", [1, 3])
def test_rows_put_in_with_hashes_that_fit(seq: int, length: int) -> None:
    assert breach_of(put_in(seq, *forged(seq, length=length))) == (seq, INSERTED)


@pytest.mark.parametrize("seq", range(2, 9))
def test_a_row_put_in_and_the_next_given_a_hash_for_its_new_number(seq: int) -> None:
    links = put_in(seq, *forged(seq))
    links[seq] = event(seq + 1, GOOD[seq - 1].prev_hash, GOOD[seq - 1].content or "")
    # Put in before the last, nothing that was recorded is left to tell it from the last one edited.
    assert breach_of(links) == (seq, EDITED if seq == 8 else INSERTED)


@pytest.mark.parametrize("seq", range(1, 10))
def test_several_rows_put_in(seq: int) -> None:
    assert breach_of(put_in(seq, GARBAGE, replace(GARBAGE, content="{}"), GARBAGE)) == (seq, INSERTED)


@pytest.mark.parametrize("seq", range(1, 10))
@pytest.mark.parametrize("source", range(1, 9))
def test_a_copy_of_a_row_put_in(seq: int, source: int) -> None:
    # A copy right before its original is the original; the second of the two is then the one too many.
    expected = seq + 1 if source == seq else seq
    assert breach_of(put_in(seq, GOOD[source - 1])) == (expected, INSERTED)


@pytest.mark.parametrize("seq", [0, -5, 1, 4, 8])
@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
@pytest.mark.parametrize("kind", ["garbage", "copy", "fitting", "hash fits"])
def test_a_number_used_twice_or_below_one(seq: int, first: bool, kind: str) -> None:
    extra = {
        "garbage": GARBAGE,
        "copy": GOOD[max(seq, 1) - 1],
        "fitting": event(seq, GOOD[seq - 2].hash if seq > 1 else GENESIS_HASH, "{}"),
        "hash fits": event(seq, b"x" * 32, "{}"),
    }[kind]
    extra = replace(extra, seq=seq)
    assert breach_of([extra, *GOOD] if first else [*GOOD, extra]) == (seq, INSERTED)


@pytest.mark.parametrize("extra", [replace(GARBAGE, seq=9), replace(GARBAGE, seq=12), event(9, GOOD[-1].hash, "{}")])
def test_rows_beyond_the_head(extra: Link) -> None:
    assert breach_of([*GOOD, extra]) == (extra.seq, INSERTED)


@pytest.mark.parametrize("first", range(1, 9))
@pytest.mark.parametrize("second", range(1, 9))
def test_swapped_rows(first: int, second: int) -> None:
    expected = None if first == second else (min(first, second), REORDERED)
    assert breach_of(swapped(first, second)) == expected


@pytest.mark.parametrize("source", range(1, 9))
@pytest.mark.parametrize("target", range(1, 9))
def test_moved_rows(source: int, target: int) -> None:
    expected = None if source == target else (min(source, target), REORDERED)
    assert breach_of(moved(source, target)) == expected


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_row_given_a_number_far_away(seq: int) -> None:
    assert breach_of(changed(seq, seq=seq + 1000)) == (seq, REORDERED)


@pytest.mark.parametrize("seq", range(1, 9))
@pytest.mark.parametrize("source", range(1, 9))
def test_a_row_overwritten_with_another(seq: int, source: int) -> None:
    links = [replace(GOOD[source - 1], seq=seq) if link.seq == seq else link for link in GOOD]
    assert breach_of(links) == (None if seq == source else (seq, EDITED))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (None, (0, REMOVED)),
        (Head(9, HEAD.hash), (9, REMOVED)),
        (Head(7, GOOD[6].hash), (8, INSERTED)),
        (Head(8, b"x" * 32), (8, EDITED)),
        (Head(0, GENESIS_HASH), (1, INSERTED)),
    ],
)
def test_a_head_that_does_not_fit(head: Head | None, expected: tuple[int, Kind]) -> None:
    assert breach_of(GOOD, head) == expected


def test_going_on_from_a_number_trusts_what_is_before() -> None:
    links = changed(3, content="{}")
    assert breach_of(links, start=3) == (3, EDITED)
    assert breach_of(links, start=4) is None
    assert breach_of(links, start=9) is None
    assert breach_of(without(3), start=4) == (3, REMOVED)
    assert verify(MemoryTrail(GOOD, HEAD), start=6).events == 3


def test_going_on_from_a_number_still_names_what_happened_behind_it() -> None:
    assert breach_of(changed(6, content="{}"), start=5) == (6, EDITED)
    assert breach_of(put_in(6, GARBAGE), start=5) == (6, INSERTED)
    assert breach_of(swapped(6, 8), start=5) == (6, REORDERED)


MUTATIONS: dict[str, Callable[[Links, int, int], Links]] = {
    "edit": lambda links, i, _: [*links[:i], replace(links[i], content='{"n": "x"}'), *links[i + 1 :]],
    "remove": lambda links, i, _: [*links[:i], *links[i + 1 :]],
    "copy": lambda links, i, j: [*links[:j], links[i], *links[j:]],
    "swap": lambda links, i, j: [links[{i: j, j: i}.get(k, k)] for k in range(len(links))],
    "renumber": lambda links, i, j: [*links[:i], replace(links[i], seq=j), *links[i + 1 :]],
    "number all": lambda links, i, j: numbered(links),
}


def mutated(steps: list[tuple[str, int, int]]) -> Links:
    links = GOOD
    for name, i, j in steps:
        if links:
            links = (MUTATIONS | REHASHES)[name](links, i % len(links), j % len(links))
    return sorted(links, key=lambda link: link.seq)


REHASHES: dict[str, Callable[[Links, int, int], Links]] = {
    "hash one anew": lambda links, i, _: [*links[:i], event(links[i].seq, links[i - 1].hash, "{}"), *links[i + 1 :]],
    "hash all anew": lambda links, i, _: rehashed(links, i + 1),
}


def steps_of(names: list[str]) -> Any:
    return st.lists(st.tuples(st.sampled_from(names), st.integers(0, 30), st.integers(0, 30)), max_size=5)


@settings(max_examples=500, deadline=None)
@given(steps_of(sorted(MUTATIONS)))
def test_no_mixture_of_changes_passes_and_what_is_before_the_named_row_is_untouched(steps: list[Any]) -> None:
    links = mutated(steps)
    found = breach_of(links)
    assert (found is None) == (links == GOOD)
    if found is not None:
        assert [link for link in links if link.seq < found[0]] == GOOD[: max(found[0] - 1, 0)]


@settings(max_examples=500, deadline=None)
@given(steps_of(sorted(MUTATIONS | REHASHES)))
def test_no_mixture_of_changes_with_new_hashes_passes_while_the_head_is_kept(steps: list[Any]) -> None:
    links = mutated(steps)
    assert (breach_of(links) is None) == (links == GOOD)


def test_an_edit_far_from_the_end_of_a_long_trail_is_found_at_once() -> None:
    links = chain(5000)
    links[2499] = replace(links[2499], content="{}")
    assert breach_of(links, Head(5000, links[-1].hash)) == (2500, EDITED)


def test_a_trail_rewritten_row_by_row_without_hashes_is_named_in_time() -> None:
    links = [replace(link, content="{}") for link in chain(3000)]
    assert breach_of(links, Head(3000, links[-1].hash)) == (1, EDITED)
