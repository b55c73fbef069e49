"""What differs between what we want and what AWS has. Pure: two snapshots in, findings out.

Wanted are the rows of the database, slim; what AWS has comes from complete listings. Whatever is on its way, or was
confirmed so recently that a listing may not show it yet, is no difference.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

GRANT, LOCATION, PRINCIPAL, KEY, CUT = "grant", "location", "principal", "accesskey", "cut"


@dataclass(frozen=True, slots=True)
class WantedGrant:
    """A grant of the database that is not gone; `settled` when nothing is under way and AWS had time to show it."""

    pk: str
    aws_id: str
    arn: str
    location_id: str
    grantee: str
    permission: str
    scope: str
    origin: str
    state: str
    settled: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Give what AWS takes two grants for the same by."""
        return self.location_id, self.grantee, self.permission, self.scope


@dataclass(frozen=True, slots=True)
class SeenGrant:
    """A grant AWS lists."""

    aws_id: str
    arn: str
    location_id: str
    grantee_type: str
    grantee: str
    permission: str
    scope: str
    sub_prefix: str
    application_arn: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Give what AWS takes two grants for the same by."""
        return self.location_id, self.grantee, self.permission, self.scope


@dataclass(frozen=True, slots=True)
class WantedLocation:
    """A location of the database that is not gone."""

    pk: str
    aws_id: str
    arn: str
    scope: str
    role_arn: str
    origin: str
    state: str
    settled: bool


@dataclass(frozen=True, slots=True)
class SeenLocation:
    """A location AWS lists."""

    aws_id: str
    arn: str
    scope: str
    role_arn: str


@dataclass(frozen=True, slots=True)
class WantedPrincipal:
    """A principal of the database that is not gone."""

    pk: str
    kind: str
    name: str
    arn: str
    unique_id: str
    origin: str
    state: str
    settled: bool


@dataclass(frozen=True, slots=True)
class SeenIdentity:
    """An IAM user or role AWS lists."""

    name: str
    arn: str
    unique_id: str
    path: str


@dataclass(frozen=True, slots=True)
class WantedKey:
    """An access key of the database that is not gone."""

    pk: str
    user: str
    key_id: str
    state: str
    is_old: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """All the database wants."""

    grants: tuple[WantedGrant, ...] = ()
    locations: tuple[WantedLocation, ...] = ()
    principals: tuple[WantedPrincipal, ...] = ()
    keys: tuple[WantedKey, ...] = ()
    # The Deny each role should carry, None for no such policy; by ARN.
    cuts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def aws_ids(self) -> set[str]:
        """Give the ids under which AWS has its grants and locations."""
        return {grant.aws_id for grant in self.grants} | {location.aws_id for location in self.locations}

    @property
    def managed_arns(self) -> set[str]:
        """Give the ARNs of the grants and locations that carry our tag."""
        grants = {grant.arn for grant in self.grants if grant.origin == "managed"}
        return grants | {location.arn for location in self.locations if location.origin == "managed"}


@dataclass(frozen=True, slots=True)
class Seen:
    """All AWS has, each listing complete."""

    grants: tuple[SeenGrant, ...] = ()
    locations: tuple[SeenLocation, ...] = ()
    users: Mapping[str, SeenIdentity] = field(default_factory=dict)
    roles: Mapping[str, SeenIdentity] = field(default_factory=dict)
    # By user name, for the users we made.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # None when there is no such group.
    group_members: frozenset[str] | None = None
    cuts: Mapping[str, Any] = field(default_factory=dict)
    # Whether the tags of an ARN are ours, for those that were read.
    ours: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repair:
    """What would mend a finding: a word for us, its arguments, and the AWS calls it comes down to."""

    kind: str
    calls: tuple[str, ...]
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; `subject_id` is our row's id, or AWS's where there is no row."""

    kind: str
    subject_type: str
    subject_id: str
    subject: str
    remedy: str
    found: str = ""
    expected: str = ""
    repair: Repair | None = None
    destructive: bool = False

    @property
    def key(self) -> str:
        """Give what the same difference of another run has too."""
        return hashlib.sha256(f"{self.kind}\0{self.subject_type}\0{self.subject_id}".encode()).hexdigest()

    @property
    def is_foreign(self) -> bool:
        """Tell whether it is somebody else's, which is reported and left alone."""
        return self.kind.endswith("_foreign")

    def as_json(self) -> dict[str, Any]:
        """Give it for the plan."""
        repair = self.repair
        return {
            "kind": self.kind,
            "subject_type": self.subject_type,
            "subject_id": self.subject_id,
            "subject": self.subject,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
            "destructive": self.destructive,
            "repair": {"kind": repair.kind, "args": dict(repair.args), "calls": list(repair.calls)} if repair else None,
        }


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Put findings into the one order that does not depend on the listings'."""
    return sorted(findings, key=lambda one: (one.kind, one.subject_type, one.subject, one.subject_id))


def plan_hash(plan: Iterable[Mapping[str, Any]]) -> str:
    """Give the SHA-256 of what a plan would do: whoever confirms it confirms exactly this."""
    doing = [entry for entry in plan if entry["repair"] and not entry.get("waits")]
    return hashlib.sha256(json.dumps(doing, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
