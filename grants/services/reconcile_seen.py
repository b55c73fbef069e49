"""What AWS has: every page of every listing, or an error."""

from collections.abc import Iterable
from itertools import islice

from django.conf import settings

from grants.aws.errors import AwsNotFoundError
from grants.aws.gateway import Aws, ObservedGrant, ObservedLocation, ObservedRole, ObservedUser
from grants.drift import Seen, SeenGrant, SeenIdentity, SeenLocation, Wanted
from grants.services import ownership
from grants.services.executors.cuts import POLICY_NAME


def seen(aws: Aws, wanted: Wanted, *, run_number: int) -> Seen:
    """Read all of AWS that concerns us. Raises AwsError; a listing that breaks off is never taken for all there is."""
    if aws.access_grants.instance() is None:
        grants, locations = [], []
    else:
        locations = [_location(found) for found in aws.access_grants.locations()]
        grants = [_grant(found) for found in aws.access_grants.grants()]
    users = {found.arn: _identity(found) for found in aws.iam.users("/")}
    roles = {found.arn: _identity(found) for found in aws.iam.roles("/")}
    return Seen(
        grants=tuple(grants),
        locations=tuple(locations),
        users=users,
        roles=roles,
        keys=_keys(aws, wanted, users),
        group_members=_group_members(aws),
        cuts={role_arn: _cut(aws, role_arn) for role_arn in wanted.cuts if role_arn in roles},
        ours={
            **_ours(aws, wanted, [*grants, *locations], run_number),
            **_our_users(aws, wanted, users),
        },
    )


def _keys(aws: Aws, wanted: Wanted, users: dict[str, SeenIdentity]) -> dict[str, tuple[str, ...]]:
    made = [one for one in wanted.principals if one.origin == "managed" and one.state == "active" and one.arn in users]
    return {one.name: tuple(key.id for key in aws.iam.keys(one.name)) for one in made}


def _group_members(aws: Aws) -> frozenset[str] | None:
    try:
        return frozenset(user.name for user in aws.iam.group_members(settings.UPLOADER_GROUP))
    except AwsNotFoundError:
        return None


def _cut(aws: Aws, role_arn: str) -> object:
    return aws.iam.role_policy(role_arn.rpartition("/")[2], POLICY_NAME)


def _ours(aws: Aws, wanted: Wanted, there: list[SeenGrant | SeenLocation], run_number: int) -> dict[str, bool]:
    """Read tags of all the database does not know, and of a few it knows: others in each run."""
    known = wanted.aws_ids
    strange = [one.arn for one in there if one.aws_id not in known]
    sampled = _window(sorted(wanted.managed_arns & {one.arn for one in there}), run_number)
    return {arn: _is_tagged(aws, arn) for arn in (*strange, *sampled)}


def _our_users(aws: Aws, wanted: Wanted, users: dict[str, SeenIdentity]) -> dict[str, bool]:
    """Read the tags of users on our path that the database does not know."""
    names = {one.name.lower() for one in wanted.principals if one.kind == "user"}
    strange = [user for user in users.values() if user.path == ownership.PATH and user.name.lower() not in names]
    return {user.arn: ownership.is_ours(aws.iam.user_tags(user.name)) for user in strange}


def _is_tagged(aws: Aws, arn: str) -> bool:
    try:
        return ownership.is_ours(aws.access_grants.tags(arn))
    except AwsNotFoundError:
        return False


def _window(arns: list[str], run_number: int) -> Iterable[str]:
    """Give the part of all that this run looks at, so that some runs together look at everything."""
    size = settings.RECONCILE_TAG_SAMPLE
    if len(arns) <= size:
        return arns
    start = run_number * size % len(arns)
    return islice((*arns[start:], *arns[:start]), size)


def _grant(found: ObservedGrant) -> SeenGrant:
    return SeenGrant(
        aws_id=found.id,
        arn=found.arn,
        location_id=found.location_id,
        grantee_type=found.grantee_type,
        grantee=found.grantee,
        permission=found.permission,
        scope=found.scope,
        sub_prefix=found.sub_prefix,
        application_arn=found.application_arn,
    )


def _location(found: ObservedLocation) -> SeenLocation:
    return SeenLocation(found.id, found.arn, found.scope, found.role_arn)


def _identity(found: ObservedUser | ObservedRole) -> SeenIdentity:
    return SeenIdentity(found.name, found.arn, found.unique_id, found.path)
