"""Who can reach a key and how, what somebody can reach, and what a grant would add. Pure: all it decides on is given.

It answers for one account: its IAM policies, permissions boundaries, trust policies, the bucket's policy and S3 Access
Grants. It does not know policies of an organisation, of VPC endpoints and of keys of KMS, ACLs, or the resource policy
of an instance; and it does not follow those who could first change a policy or make a grant.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from grants.reach_account import Account, Identity
from grants.reach_answers import HeldGrant, Reach, Way, WhatIf, place_in
from grants.reach_choice import closer_notes, overlaps, rules
from grants.reach_grants import of_grant, promised
from grants.reach_keys import Place
from grants.reach_patterns import buckets_named
from grants.reach_policies import by_resources, direct, of_outsiders, of_root
from grants.reach_roles import Path, Roles
from grants.scopes import Scope

__all__ = ["HeldGrant", "Reach", "Roles", "Way", "WhatIf", "buckets_named", "reach_of", "what_if", "who_can_reach"]


def who_can_reach(account: Account, target: Scope, grants: Sequence[HeldGrant], bucket: Place) -> list[Reach]:
    """Say who can reach a key, or any key of a prefix, and how; `grants` are those that cover it.

    The root is told of once.
    """
    place, scope = place_in(target, bucket), str(target)
    roles = Roles(account)
    answers = [*of_root(account, place, scope)]
    for identity in account.identities.values():
        own = direct(account, identity, place, scope)
        answers += _with_assumers(roles, identity, own) if identity.is_role else own
    answers += of_outsiders(account, place, scope)
    return [*answers, *_by_grants(account, roles, grants, place, target)]


def reach_of(account: Account, arn: str, grants: Sequence[HeldGrant], buckets: Mapping[str, Place]) -> list[Reach]:
    """Say what a principal can reach: by grants, by its policies and those of the buckets given, and as other roles.

    `grants` are those of the principal and of the roles it may become (`Roles.assumable`). Where a policy speaks of
    keys with wildcards, the answer is for a key that only they match.
    """
    answers = _reach_as(account, arn, grants, buckets)
    for path in Roles(account).assumable(arn):
        answers += [_through(path, answer) for answer in _reach_as(account, path.roles[-1], grants, buckets)]
    return answers


def what_if(account: Account, new: HeldGrant, grants: Sequence[HeldGrant], bucket: Place) -> WhatIf:
    """Say what a grant would add for its principal, and what it would change; `grants` are those it has by now."""
    place = place_in(new.covered, bucket)
    found = of_grant(account, new, place)
    gives = {action for answer in found for action in answer.actions}
    has = _certain(account, new, grants, place)
    order = promised("READWRITE", new.covered)
    return WhatIf(
        principal_arn=new.principal_arn,
        scope=new.scope,
        permission=new.permission,
        adds=tuple(action for action in order if action in gives and action not in has),
        already=tuple(action for action in order if action in has),
        overlaps=tuple(overlaps(new, grants)),
        rules=tuple(rules(new, grants)),
        needs=found[0].needs,
        notes=found[0].notes,
        certain=all(answer.certain for answer in found),
        doubts=tuple(dict.fromkeys(doubt for answer in found for doubt in answer.doubts)),
    )


def _certain(account: Account, new: HeldGrant, grants: Sequence[HeldGrant], place: Place) -> set[str]:
    """Give what the principal of a new grant may do there by now, whatever the request is."""
    identity = account.identities.get(new.principal_arn)
    answers = direct(account, identity, place, new.scope) if identity else []
    for grant in grants:
        if grant.covered.covers(new.covered):
            answers += of_grant(account, grant, place)
    return {action for answer in answers if answer.reaches and answer.certain for action in answer.actions}


def _by_grants(
    account: Account, roles: Roles, grants: Sequence[HeldGrant], place: Place, target: Scope
) -> Iterator[Reach]:
    by_principal: dict[str, list[HeldGrant]] = {}
    for grant in grants:
        by_principal.setdefault(grant.principal_arn, []).append(grant)
    for arn, held in by_principal.items():
        answers = [
            replace(answer, notes=(*answer.notes, *closer_notes(grant, held, target)))
            for grant in held
            for answer in of_grant(account, grant, place)
        ]
        identity = account.identities.get(arn)
        is_role = identity is not None and identity.is_role
        yield from _with_assumers(roles, identity, answers, keep=True) if is_role and identity else answers


def _with_assumers(roles: Roles, role: Identity, own: Sequence[Reach], *, keep: bool = False) -> list[Reach]:
    """Add everybody who may become a role that reaches something; a role nobody can become reaches nothing."""
    if not own:
        return []
    paths = roles.assumers(role.arn)
    if not paths and not keep and role.trust is not None:
        return []
    return [*own, *(_through(path, answer) for path in paths for answer in own)]


def _through(path: Path, answer: Reach) -> Reach:
    doubts = tuple(dict.fromkeys((*path.doubts, *answer.doubts)))
    return replace(
        answer,
        principal_arn=path.principal_arn,
        way=Way.ROLE,
        via=path.roles,
        because=f"{path.because}; there: {answer.because}",
        certain=not doubts,
        doubts=doubts,
    )


def _reach_as(account: Account, arn: str, grants: Iterable[HeldGrant], buckets: Mapping[str, Place]) -> list[Reach]:
    answers = []
    for grant in grants:
        if grant.principal_arn == arn:
            scope = grant.covered
            answers += of_grant(account, grant, place_in(scope, buckets.get(scope.bucket)))
    identity = account.identities.get(arn)
    return [*answers, *(by_resources(account, identity, buckets) if identity is not None else ())]
