"""What explanations are made of: the account as AWS describes it, bucket policies, and the grants known here."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from grants import scopes
from grants.aws.errors import AwsRefusedError
from grants.aws.gateway import Aws
from grants.models import Grant, Principal
from grants.reach_account import Account, bound, identities
from grants.reach_answers import HeldGrant
from grants.reach_keys import Place
from grants.reach_outsiders import lets_anybody_in
from grants.scopes import Scope

TAKEN = """
    SELECT wanted.scope FROM unnest(%s::text[]) AS wanted(scope)
    WHERE wanted.scope = (
        SELECT existing.scope FROM grants_grant AS existing
        WHERE NOT existing.state = 'deleted' AND existing.scope ~>=~ wanted.scope
        ORDER BY existing.scope USING ~<~ LIMIT 1
    )
"""


def account(aws: Aws) -> Account:
    """Read all users, groups, roles and policies. Raises AwsError, also when a page is missing."""
    return Account(
        id=aws.account,
        region=aws.region,
        instance_arn=aws.instance_arn,
        now=timezone.now(),
        identities=identities(aws.iam.account_details()),
        has_instance=aws.access_grants.instance() is not None,
        partition=aws.partition,
    )


def bucket(aws: Aws, name: str) -> Place:
    """Read a bucket's policy, and whether public access is blocked where the policy lets anybody in.

    Where we may not read it, or do not understand it, the place says so in its doubts. Raises AwsError for the rest.
    """
    try:
        document = aws.buckets.policy(name)
    except AwsRefusedError as error:
        return Place(name, doubts=(f"the policy of bucket {name} could not be read ({error.code})",))
    if document is None:
        return Place(name)
    policy, doubt = bound(f"the policy of bucket {name}", document, "resource")
    closed = policy is not None and lets_anybody_in(policy) and _is_closed(aws, name)
    return Place(name, policy=policy, doubts=(doubt,) if doubt else (), is_closed=closed)


def covering(target: Scope) -> list[Grant]:
    """Give the grants whose scope covers a target, however many others there are."""
    return list(_existing().filter(scope__in=taken(target)).order_by("scope", "created_at", "id"))


def taken(target: Scope) -> list[str]:
    """Give the scopes that cover a target and that grants have: one look into the index for each that could.

    Ordered by the index, so that the planner cannot take a scan for cheaper: most of what is asked for is not there.
    """
    bucket = f"{scopes.SCHEME}{target.bucket}"
    wanted = [*(str(scope) for scope in scopes.covering(target)), bucket, f"{bucket}/"]
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [wanted])
        return [scope for (scope,) in cursor.fetchall()]


def held_by(arns: Iterable[str]) -> list[Grant]:
    """Give the grants of the principals with these ARNs."""
    return list(_existing().filter(principal__arn__in=list(arns)).order_by("scope", "created_at", "id"))


def held(grant: Grant) -> HeldGrant:
    """Tell of a grant in the words of explanations; its location and principal are selected with it."""
    return HeldGrant(
        id=grant.aws_id or str(grant.pk),
        principal_arn=grant.principal.arn or grant.principal.name,
        role_arn=grant.location.role_arn,
        scope=grant.scope,
        permission=grant.permission,
        origin=grant.origin,
        state=grant.state,
        drift=grant.drift,
        expires_at=grant.expires_at,
        created_at=grant.created_at,
        application_arn=grant.application_arn,
        is_directory=grant.principal.kind == Principal.Kind.DIRECTORY,
    )


def linked_users(arns: Iterable[str]) -> dict[str, str]:
    """Give the label of the person behind each ARN that is linked to one."""
    linked = Principal.objects.existing().filter(arn__in=set(arns), user__isnull=False).select_related("user")
    return {principal.arn: principal.user.label for principal in linked if principal.user}


def _existing() -> QuerySet[Any]:
    return Grant.objects.existing().select_related("location", "principal")


def _is_closed(aws: Aws, name: str) -> bool:
    try:
        observed = aws.buckets.bucket(name)
    except AwsRefusedError:
        return False  # not known to be, and answers for everybody say so
    return observed is not None and observed.public_access_blocked
