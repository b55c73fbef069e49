"""The answers of `explain`, and the grants it is told of. Pure."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from grants import scopes
from grants.reach_doubt import Asker
from grants.reach_keys import Finding, Place
from grants.scopes import Scope


class Way(enum.StrEnum):
    """By what somebody reaches a key."""

    GRANT = "grant"
    IDENTITY = "identity policy"
    BUCKET = "bucket policy"
    ROLE = "role session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One way in which somebody reaches a scope, or would: `needs` names what is missing, and stands in the way.

    `actions` are S3's; for s3:ListBucket `list_prefix` is the widest prefix that may be listed, None for no prefix at
    all. `via` are the roles to assume, in their order. Without `certain`, `doubts` says what it depends on; `notes`
    tell what else there is to know.
    """

    principal_arn: str
    way: Way
    scope: str
    actions: tuple[str, ...]
    because: str
    linked_user: str = ""
    via: tuple[str, ...] = ()
    grant_id: str = ""
    permission: str = ""
    expires_at: datetime | None = None
    origin: str = ""
    list_prefix: str | None = None
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certain: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def reaches(self) -> bool:
        """Tell whether it is so now, as far as is known."""
        return bool(self.actions) and not self.needs


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldGrant:
    """A grant as it is known here; `id` is AWS's, or ours as long as AWS has given none."""

    id: str
    principal_arn: str
    role_arn: str
    scope: str
    permission: str
    origin: str = ""
    state: str = "active"
    drift: str = ""
    expires_at: datetime | None = None
    created_at: datetime | None = None
    application_arn: str = ""
    is_directory: bool = False

    @property
    def covered(self) -> Scope:
        """Give what its scope names."""
        return scopes.parse(self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A grant of the same principal whose scope meets that of a new one: wider, narrower or the same."""

    grant_id: str
    scope: str
    permission: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What a grant would add for any key of its scope, and what it would change.

    `adds` and `already` are actions; `rules` says whose session a caller gets, where that changes.
    """

    principal_arn: str
    scope: str
    permission: str
    adds: tuple[str, ...]
    already: tuple[str, ...]
    overlaps: tuple[Overlap, ...] = ()
    rules: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certain: bool = True
    doubts: tuple[str, ...] = ()


def place_in(scope: Scope, bucket: Place | None = None) -> Place:
    """Give a place that stands for every key of a scope: the key itself, or one that nobody has named."""
    key = f"{scope.key}any-key-7c1f0b" if scope.is_prefix else scope.key
    return replace(bucket or Place(scope.bucket), key=key)


def grouped(found: Iterable[Finding]) -> Iterator[tuple[Finding, tuple[str, ...], str | None]]:
    """Put together what is possible for one reason: gives one of each group, its actions and the prefix of its list."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in found:
        verdict = finding.verdict
        if verdict.possible:
            key = (verdict.kind, verdict.because, verdict.certain, verdict.depends_on)
            groups.setdefault(key, []).append(finding)
    for group in groups.values():
        prefix = next((finding.prefix for finding in group if finding.prefix is not None), None)
        yield group[0], tuple(finding.action for finding in group), prefix


def doubts_of(finding: Finding, asker: Asker, place: Place) -> tuple[str, ...]:
    """Say why a finding is not certain; nothing when it is."""
    keys = finding.verdict.depends_on
    otherwise = finding.verdict.otherwise.replace(finding.action, "that")
    told = f"{finding.verdict.because}; otherwise {otherwise}"
    depends = (f"depends on {', '.join(keys)} of the request ({told})",) if keys else ()
    return (*depends, *asker.doubts, *place.doubts)
