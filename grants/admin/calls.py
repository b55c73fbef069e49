"""The AWS calls `grants.services.previews` leaves open: of single keys, and of all a user has right now."""

from collections.abc import Iterable

from grants.aws.gateway import UserBelongings
from grants.models import AccessKey, Location, Principal
from grants.services import previews

REMOVALS = {
    "key": "iam DeleteAccessKey UserName={user} AccessKeyId={id}",
    "group": "iam RemoveUserFromGroup UserName={user} GroupName={id}",
    "inline_policy": "iam DeleteUserPolicy UserName={user} PolicyName={id}",
    "attached_policy": "iam DetachUserPolicy UserName={user} PolicyArn={id}",
    "login_profile": "iam DeleteLoginProfile UserName={user}",
    "mfa_device": "iam DeactivateMFADevice UserName={user} SerialNumber={id}",
    "ssh_key": "iam DeleteSSHPublicKey UserName={user} SSHPublicKeyId={id}",
    "signing_certificate": "iam DeleteSigningCertificate UserName={user} CertificateId={id}",
    "service_credential": "iam DeleteServiceSpecificCredential UserName={user} ServiceSpecificCredentialId={id}",
}


def create_grant(
    *, location: Location, principal: Principal, sub_prefix: str, permission: str, is_object: bool
) -> list[str]:
    """Tell the call that gives a grant, on a prefix or on one object."""
    told = previews.create_grant(location=location, principal=principal, sub_prefix=sub_prefix, permission=permission)
    return [f"{call} S3PrefixType=Object" for call in told] if is_object else told


def set_key_status(key: AccessKey, *, enabled: bool) -> str:
    """Tell the call that switches a key."""
    status = "Active" if enabled else "Inactive"
    return f"iam UpdateAccessKey UserName={key.principal.name} AccessKeyId={key.access_key_id} Status={status}"


def delete_key(key: AccessKey) -> str:
    """Tell the call that deletes a key."""
    return f"iam DeleteAccessKey UserName={key.principal.name} AccessKeyId={key.access_key_id}"


def delete_user(name: str, active_keys: Iterable[str], belongings: UserBelongings) -> list[str]:
    """Tell the calls that take an IAM user away, with all that belongs to it, in their order."""
    off = [f"iam UpdateAccessKey UserName={name} AccessKeyId={key} Status=Inactive" for key in active_keys]
    away = [REMOVALS[kind].format(user=name, id=identity) for kind, identity in belongings.in_order()]
    return [*off, *away, f"iam DeleteUser UserName={name}"]
