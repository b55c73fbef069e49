"""Explanations: who can reach a key and how, what somebody can reach, what a grant would add.

By the policies AWS shows at this moment and by the grants that are known here, which a reconcile brings up to date.
"""

from collections.abc import Iterable
from dataclasses import replace

from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import User
from grants import reach, scopes
from grants.aws.gateway import Aws
from grants.models import Location, Principal
from grants.reach import Reach, WhatIf
from grants.reach_account import Account, Identity
from grants.reach_answers import HeldGrant, Way
from grants.reach_doubt import Bound
from grants.reach_keys import Place
from grants.scopes import Scope
from grants.services import explain_facts as facts
from grants.services.expiry import invalid
from grants.services.grants import checked_permission, checked_scope

_ORDER = list(Way)


def who_can_reach(*, key_uri: str, aws: Aws) -> list[Reach]:
    """Give every way to a key, or to any key of `s3://bucket/prefix*`, also those that lack something.

    The database is asked the same few questions however many grants there are. Raises InvalidInputError, AwsError.
    """
    target = _target(key_uri)
    grants = [facts.held(grant) for grant in facts.covering(target)]
    return _told(reach.who_can_reach(facts.account(aws), target, grants, facts.bucket(aws, target.bucket)))


def reach_of(*, principal: Principal | str, aws: Aws) -> list[Reach]:
    """Give what a principal can reach: by its grants, by policies, and as the roles it may assume.

    An ARN or a name will do for an IAM user or role nobody has registered here. Raises NotFoundError, AwsError.
    """
    account = facts.account(aws)
    arn = principal.arn or principal.name if isinstance(principal, Principal) else _identity(account, principal).arn
    return _told(_reach_of([arn], account, aws))


def reach_of_user(*, user: User, aws: Aws) -> list[Reach]:
    """Give what a person can reach by all principals that are linked to them. Raises AwsError."""
    principals = Principal.objects.existing().filter(user=user).order_by("name")
    arns = [principal.arn or principal.name for principal in principals]
    return _told(_reach_of(arns, facts.account(aws), aws)) if arns else []


def what_if(
    *, location: Location, principal: Principal, sub_prefix: str, permission: str, aws: Aws, is_object: bool = False
) -> WhatIf:
    """Give what a grant would add, and change. Raises InvalidInputError as creating it would, AwsError."""
    new = HeldGrant(
        id="(new)",
        principal_arn=principal.arn or principal.name,
        role_arn=location.role_arn,
        scope=checked_scope(location, sub_prefix, is_object=is_object),
        permission=checked_permission(permission),
    )
    own = [facts.held(grant) for grant in facts.held_by([principal.arn])] if principal.arn else []
    return reach.what_if(facts.account(aws), new, own, facts.bucket(aws, new.covered.bucket))


def _reach_of(arns: Iterable[str], account: Account, aws: Aws) -> list[Reach]:
    answers: list[Reach] = []
    read: dict[str, Place] = {}
    roles = reach.Roles(account)
    for arn in arns:
        become = [path.roles[-1] for path in roles.assumable(arn)]
        grants = [facts.held(grant) for grant in facts.held_by([arn, *become])]
        bound = [bound for one in (arn, *become) for bound in _policies(account.identities.get(one))]
        for bucket in sorted({grant.covered.bucket for grant in grants} | reach.buckets_named(bound) | _registered()):
            if bucket not in read:
                read[bucket] = facts.bucket(aws, bucket)
        answers += reach.reach_of(account, arn, grants, read)
    return answers


def _policies(identity: Identity | None) -> tuple[Bound, ...]:
    return identity.policies if identity is not None else ()


def _registered() -> set[str]:
    """Give the buckets that have a location."""
    found = Location.objects.existing().values_list("scope", flat=True)
    return {bucket for scope in found if (bucket := scopes.parse(scope).bucket)}


def _identity(account: Account, text: str) -> Identity:
    named = [identity for identity in account.identities.values() if text in {identity.arn, identity.name}]
    if len(named) != 1:
        several = "Several identities are" if named else "No IAM user or role is"
        raise NotFoundError(f"{several} called {text}: name it by its ARN.")
    return named[0]


def _told(answers: Iterable[Reach]) -> list[Reach]:
    """Name the people behind principals; grants come first, and what is so before what is not."""
    found = list(answers)
    people = facts.linked_users(answer.principal_arn for answer in found)
    named = (replace(answer, linked_user=people.get(answer.principal_arn, "")) for answer in found)
    return sorted(
        named,
        key=lambda one: (_ORDER.index(one.way), not one.reaches, one.principal_arn, one.scope, one.grant_id, one.via),
    )


def _target(key_uri: str) -> Scope:
    try:
        target = scopes.parse(key_uri)
    except scopes.ScopeError as error:
        raise invalid("key_uri", str(error)) from error
    if not target.bucket:
        raise invalid("key_uri", f"{key_uri} names no bucket: write s3://bucket/key, or s3://bucket/prefix*.")
    return target
