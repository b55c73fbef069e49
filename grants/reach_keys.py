"""What somebody may do with one key of a bucket, by which statement. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from grants.policy_documents import listed, statements_of
from grants.reach_doubt import Asker, Bound, Verdict, judge

READING = ("s3:GetObject", "s3:GetObjectVersion")
WRITING = ("s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", "s3:DeleteObjectVersion")
LIST = "s3:ListBucket"
ACTIONS = (*READING, LIST, *WRITING)
_WILD = "*?$"
# Keys that only lists have: an object's request never does.
_OF_LISTS = frozenset({"s3:delimiter", "s3:max-keys"})


@dataclass(frozen=True, slots=True)
class Place:
    """A key, or one that stands for all keys of a scope, in a bucket with its policy; without a key, the bucket.

    `doubts` says what of the bucket could not be read, `is_closed` whether its public access is known to be blocked.
    """

    bucket: str
    key: str = ""
    policy: Bound | None = None
    doubts: tuple[str, ...] = ()
    is_closed: bool = False

    @property
    def bucket_arn(self) -> str:
        """Give the bucket's ARN."""
        return f"arn:aws:s3:::{self.bucket}"

    @property
    def arn(self) -> str:
        """Give the key's ARN."""
        return f"{self.bucket_arn}/{self.key}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One action and its verdict; for a list the shortest prefix it may ask for that shows the key, None without."""

    action: str
    verdict: Verdict
    prefix: str | None = None


def findings(asker: Asker, place: Place, actions: Iterable[str] = ACTIONS) -> list[Finding]:
    """Decide every action at a place, in the order of ACTIONS."""
    wanted = set(actions)
    return [
        _list(asker, place) if action == LIST else Finding(action, _object(asker, place, action))
        for action in ACTIONS
        if action in wanted
    ]


def _object(asker: Asker, place: Place, action: str) -> Verdict:
    return judge(replace(asker, absent=asker.absent | _OF_LISTS), action, place.arn, policy=place.policy)


def _list(asker: Asker, place: Place) -> Finding:
    """Find the widest list that shows the key, a certain one before one that depends on something."""
    tried: list[Finding] = []
    for prefix in (None, *list_prefixes(asker, place)):
        more = {} if prefix is None else {"s3:prefix": prefix}
        found = Finding(LIST, judge(asker, LIST, place.bucket_arn, policy=place.policy, more=more), prefix)
        if found.verdict.possible and found.verdict.certain:
            return found
        tried.append(found)
    return next((found for found in tried if found.verdict.possible), tried[0])


def list_prefixes(asker: Asker, place: Place) -> list[str]:
    """Give prefixes a list of the key may ask for, shortest first: those the policies name, and whole folders.

    Where no policy speaks of `s3:prefix` one is as good as another; the shortest that none names stands for the rest.
    """
    named = {value for bound in _bounds(asker, place) for value in prefixes_named(bound)}
    if not named:
        return []
    key = place.key
    found = {"", key, *(key[: end + 1] for end, letter in enumerate(key) if letter == "/")}
    found.add(next((key[:end] for end in range(len(key)) if key[:end] not in named), key))
    for value in named:
        head = value[: min((value.index(mark) for mark in _WILD if mark in value), default=len(value))]
        if key.startswith(head):
            found.add(head)
        if value not in {head, f"{head}*"}:
            found |= {key[:end] for end in range(len(head), len(key) + 1)}
    return sorted(found, key=len)


def _bounds(asker: Asker, place: Place) -> Iterator[Bound]:
    yield from (*asker.identity, *asker.limits)
    if place.policy is not None:
        yield place.policy


def prefixes_named(bound: Bound) -> Iterator[str]:
    """Give the values of `s3:prefix` that a policy's conditions speak of."""
    for statement in statements_of(bound.policy.document):
        for keys in statement.get("Condition", {}).values():
            for name, values in keys.items():
                if name.lower() == "s3:prefix":
                    yield from (str(value) for value in listed(values))
