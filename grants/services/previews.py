"""What would be told to AWS, call by call, before anybody confirms it."""

from collections.abc import Sequence

from grants.models import AccessKey, Grant, Location, Principal
from grants.services.executors.cuts import POLICY_NAME
from grants.services.ownership import PATH


def create_grant(*, location: Location, principal: Principal, sub_prefix: str, permission: str) -> list[str]:
    """Give the calls that make a grant."""
    where = location.aws_id or f"the location of {location.scope}"
    who = principal.arn or f"the ARN of {principal.name}"
    what = f"AccessGrantsLocationId={where} S3SubPrefix={sub_prefix} Grantee={who} Permission={permission}"
    return [f"s3control CreateAccessGrant {what}"]


def revoke_grant(grant: Grant) -> list[str]:
    """Give the calls that take a grant away."""
    return [f"s3control DeleteAccessGrant AccessGrantId={grant.aws_id or '(looked up by its tag)'}"]


def replace_grant(grant: Grant, *, sub_prefix: str, permission: str) -> list[str]:
    """Give the calls that put a grant of ours in the place of an adopted one."""
    made = create_grant(
        location=grant.location, principal=grant.principal, sub_prefix=sub_prefix, permission=permission
    )
    return [*revoke_grant(grant), *made]


def cut(role_arn: str) -> list[str]:
    """Give the call that leaves sessions of a role nothing."""
    return [f"iam PutRolePolicy RoleName={_last(role_arn)} PolicyName={POLICY_NAME} (Deny)"]


def create_user(name: str, group: str, *, with_key: bool) -> list[str]:
    """Give the calls that make a user."""
    calls = [f"iam CreateUser UserName={name} Path={PATH}", f"iam AddUserToGroup UserName={name} GroupName={group}"]
    return [*calls, *(create_key(name) if with_key else ())]


def create_key(name: str, others: Sequence[AccessKey] = ()) -> list[str]:
    """Give the calls that make a key, and switch the others off where one takes their place."""
    off = [f"iam UpdateAccessKey AccessKeyId={key.access_key_id} Status=Inactive" for key in others]
    return [f"iam CreateAccessKey UserName={name}", *off]


def delete_principal(principal: Principal) -> list[str]:
    """Give the calls that take a principal away, in their order."""
    grants = Grant.objects.existing().filter(principal=principal).order_by("created_at")
    calls = [call for grant in grants for call in revoke_grant(grant)]
    if not principal.is_ours:
        return calls
    keys = AccessKey.objects.existing().filter(principal=principal)
    calls += [f"iam UpdateAccessKey AccessKeyId={key.access_key_id} Status=Inactive" for key in keys]
    calls += [f"iam DeleteAccessKey AccessKeyId={key.access_key_id}" for key in keys]
    rest = "RemoveUserFromGroup, DetachUserPolicy, DeleteUserPolicy, DeleteLoginProfile, DeactivateMFADevice"
    return [
        *calls,
        f"iam {rest} and the like: whatever {principal.name} still has",
        f"iam DeleteUser UserName={principal.name}",
    ]


def register_location(scope: str, role_arn: str) -> list[str]:
    """Give the calls that register a location."""
    return [f"s3control CreateAccessGrantsLocation LocationScope={scope} IAMRoleArn={role_arn}"]


def change_role(location: Location, role_arn: str) -> list[str]:
    """Give the calls that let another role serve a location."""
    return [f"s3control UpdateAccessGrantsLocation AccessGrantsLocationId={location.aws_id} IAMRoleArn={role_arn}"]


def remove_location(location: Location) -> list[str]:
    """Give the calls that take a location away."""
    return [f"s3control DeleteAccessGrantsLocation AccessGrantsLocationId={location.aws_id}"]


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
