"""Which of its grants a principal gets a session of: the closest, whatever it permits otherwise. Pure.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from grants.reach_answers import HeldGrant, Overlap, place_in
from grants.scopes import Scope

REQUESTS = ("READ", "WRITE", "READWRITE")


def chosen(grants: Iterable[HeldGrant], target: Scope, requested: str) -> HeldGrant | None:
    """Give the grant of one principal that S3 Access Grants takes for a target and a permission, or None.

    Of those that cover the target with the permission the closest; of two on one scope the one with just the
    permission, then the older, which AWS does not document.
    """
    fitting = [
        grant
        for grant in grants
        if grant.permission in {requested, "READWRITE"} and not grant.application_arn and grant.covered.covers(target)
    ]
    return min(
        fitting,
        key=lambda grant: (
            tuple(-part for part in grant.covered.closeness),
            grant.permission != requested,
            grant.created_at.timestamp() if grant.created_at else math.inf,
        ),
        default=None,
    )


def closer_notes(grant: HeldGrant, others: Iterable[HeldGrant], target: Scope) -> tuple[str, ...]:
    """Say which grant of the same principal a caller gets instead who asks for the very key."""
    instead: dict[str, tuple[HeldGrant, list[str]]] = {}
    for requested in _requests(grant):
        found = chosen(others, target, requested)
        if found is not None and found.id != grant.id:
            instead.setdefault(found.id, (found, []))[1].append(requested)
    return tuple(_instead(grant, found, " or ".join(asked), target) for found, asked in instead.values())


def _instead(grant: HeldGrant, found: HeldGrant, asked: str, target: Scope) -> str:
    if found.covered == grant.covered:
        return f"whoever asks for {asked} gets grant {found.id} on the same scope, which AWS does not document"
    return (
        f"whoever asks for {target} with {asked} gets the closer grant {found.id} on {found.scope}; "
        f"to use this one, ask for {grant.scope}"
    )


def overlaps(new: HeldGrant, grants: Iterable[HeldGrant]) -> Iterator[Overlap]:
    """Give the grants whose scopes meet that of a new one: of two scopes one contains the other, or they are apart."""
    for grant in grants:
        wider, narrower = grant.covered.covers(new.covered), new.covered.covers(grant.covered)
        if wider or narrower:
            relation = "same" if wider and narrower else "wider" if wider else "narrower"
            yield Overlap(grant_id=grant.id, scope=grant.scope, permission=grant.permission, relation=relation)


def rules(new: HeldGrant, grants: Sequence[HeldGrant]) -> Iterator[str]:
    """Say whose session a caller gets once a grant is made, where that changes or could be expected to."""
    place = place_in(new.covered)
    key = Scope(place.bucket, place.key, is_prefix=False)
    for requested in REQUESTS:
        before, after = chosen(grants, key, requested), chosen([*grants, new], key, requested)
        if before is not None and requested in _requests(new):
            yield _changed(new, before, requested) if after is new else _kept(new, before, requested)
    covering = {grant.permission for grant in (*grants, new) if grant.covered.covers(new.covered)}
    if covering == {"READ", "WRITE"}:
        yield f"READWRITE of a key in {new.scope} will give no session: READ and WRITE do not add up"
    for grant in grants:
        shared = [requested for requested in _requests(grant) if requested in _requests(new)]
        if shared and new.covered.covers(grant.covered) and new.covered != grant.covered:
            yield (
                f"{' or '.join(shared)} of a key in {grant.scope} will still give the session of grant {grant.id}, "
                f"which is closer than {new.scope}"
            )


def _changed(new: HeldGrant, before: HeldGrant, requested: str) -> str:
    role = "" if before.role_arn == new.role_arn else f", by the role {new.role_arn} instead"
    if before.covered == new.covered:
        return f"{requested} of a key in {new.scope} will give a session of this grant and not of {before.id}{role}"
    return (
        f"{requested} of a key in {new.scope} will give a session for {new.scope} alone{role}; "
        f"by now it gives one for {before.scope} (grant {before.id}, {before.permission})"
    )


def _kept(new: HeldGrant, before: HeldGrant, requested: str) -> str:
    return f"{requested} of a key in {new.scope} will still give the session of grant {before.id} on {before.scope}"


def _requests(grant: HeldGrant) -> tuple[str, ...]:
    return REQUESTS if grant.permission == "READWRITE" else (grant.permission,)
