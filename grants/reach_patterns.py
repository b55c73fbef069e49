"""Which places of S3 policies speak of: their resources as scopes, each with a key that stands for it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from grants.policy_documents import listed, statements_of
from grants.reach_doubt import Asker, Bound
from grants.reach_keys import ACTIONS, LIST, Place, prefixes_named

_ANY = "any-7c1f0b"
_MARK = re.compile(r"\$\{([^}]*)\}")
_WILD = set("*?$")
_SEGMENTS = 6
_NOT_READ = ("policies of other buckets are not looked at",)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Keys that policies speak of, as they write them, one key that stands for them, and what is asked about it."""

    text: str
    place: Place
    actions: tuple[str, ...] = ACTIONS


def buckets_named(policies: Iterable[Bound]) -> set[str]:
    """Give the buckets that Allows name without wildcards."""
    return {bucket for bucket, _ in _resources(policies) if not set(bucket) & _WILD}


def patterns(asking: Asker, buckets: Mapping[str, Place]) -> list[Pattern]:
    """Give all that the policies of somebody, and those of buckets, allow something on; each pattern once."""
    found: dict[str, Pattern] = {}
    everywhere = [*asking.identity, *(place.policy for place in buckets.values() if place.policy is not None)]
    prefixes = sorted({value for bound in everywhere for value in prefixes_named(bound)})
    for bucket, key in dict.fromkeys(_resources(everywhere)):
        for pattern in _of_resource(bucket, key, prefixes, asking, buckets):
            found.setdefault(pattern.text, pattern)
    return sorted(found.values(), key=lambda pattern: pattern.text)


def _of_resource(
    bucket: str, key: str | None, prefixes: Sequence[str], asking: Asker, buckets: Mapping[str, Place]
) -> Iterator[Pattern]:
    """Give a resource as it is written, and for a bucket with wildcards also every bucket whose policy is known."""
    for name, known in buckets.items() if set(bucket) & _WILD else ():
        yield Pattern(f"s3://{name}/*", replace(known, key=_ANY))
    place = buckets.get(bucket) or Place(_sample(bucket, asking), doubts=_NOT_READ)
    yield from _at(_filled(bucket, asking), key, prefixes, asking, replace(place, key=_ANY))


def _at(named: str, key: str | None, prefixes: Sequence[str], asking: Asker, place: Place) -> Iterator[Pattern]:
    """Give a pattern of keys; of a bucket alone, which is for lists, one for each prefix that lists are bound to."""
    if key is not None:
        yield Pattern(f"s3://{named}/{_filled(key, asking)}", replace(place, key=_sample(key, asking)))
        return
    for prefix in prefixes:
        below = replace(place, key=_sample(prefix, asking))
        yield Pattern(f"s3://{named}/{_filled(prefix, asking)} (lists)", below, (LIST,))
    yield Pattern(f"s3://{named}/ (lists)", place, (LIST,))


def _resources(policies: Iterable[Bound]) -> Iterator[tuple[str, str | None]]:
    """Give bucket and key of the resources of Allows that are S3's; all of S3 where only something is left out."""
    for bound in policies:
        for statement in statements_of(bound.policy.document):
            if statement["Effect"] != "Allow" or not _about_s3(statement):
                continue
            texts = ["*"] if "NotResource" in statement else listed(statement.get("Resource", []))
            for text in texts:
                yield from _parts(str(text))


def _about_s3(statement: Mapping[str, object]) -> bool:
    if "NotAction" in statement:
        return True
    return any(str(action).lower().startswith(("s3:", "*")) for action in listed(statement.get("Action")))


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Take an ARN apart; what has a Region is no bucket."""
    segments = text.split(":", _SEGMENTS - 1)
    if len(segments) < _SEGMENTS:
        yield "*", "*"
        return
    if segments[2] not in {"s3", "*"} or segments[3].strip("*") or segments[4].strip("*"):
        return
    bucket, slash, key = segments[5].partition("/")
    yield bucket, key if slash else "*" if bucket.endswith("*") else None


def _filled(text: str, asking: Asker) -> str:
    """Write a pattern with the variables that are known of somebody filled in."""
    return _MARK.sub(lambda mark: _value(mark[1], asking) or mark[0], text)


def _sample(text: str, asking: Asker) -> str:
    """Give a text that a pattern matches, and hardly any other pattern does."""
    pieces = []
    end = 0
    for mark in _MARK.finditer(text):
        literal = mark[1] if mark[1] in _WILD else _value(mark[1], asking) or _ANY
        pieces += [_plain(text[end : mark.start()]), literal]
        end = mark.end()
    return "".join([*pieces, _plain(text[end:])])


def _plain(text: str) -> str:
    return text.replace("*", _ANY).replace("?", "x")


def _value(key: str, asking: Asker) -> str | None:
    context = {name.lower(): value for name, value in asking.context.items()}
    found = context.get(key.strip().lower())
    return found if isinstance(found, str) else None
