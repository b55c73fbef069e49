"""IAM users and all that belongs to them."""

from collections.abc import Iterator, Mapping
from typing import Any

from grants.aws.calls import tag_dict, tag_list
from grants.aws.errors import AwsNotFoundError
from grants.aws.gateway import ObservedUser, Receipt, UserBelongings
from grants.aws.iam_base import IamPart


class Boto3Users(IamPart):
    """IAM users of one account."""

    def users(self, path_prefix: str = "/") -> Iterator[ObservedUser]:
        """Give all users below a path."""
        found = self._listed("list_users", "Users", PathPrefix=path_prefix, MaxItems=1000)
        yield from map(user_of, found)

    def user(self, name: str) -> ObservedUser | None:
        """Give a user, or None."""
        found = self._caller.ask_or_none("get_user", UserName=name)
        return None if found is None else user_of(found["User"])

    def user_tags(self, name: str) -> dict[str, str]:
        """Give the tags of a user."""
        return tag_dict(list(self._listed("list_user_tags", "Tags", UserName=name)))

    def create_user(self, name: str, path: str, tags: Mapping[str, str]) -> tuple[ObservedUser, Receipt]:
        """Make a user."""
        made, receipt = self._caller.change("create_user", UserName=name, Path=path, Tags=tag_list(tags))
        return user_of(made["User"]), receipt

    def tag_user(self, name: str, tags: Mapping[str, str]) -> Receipt:
        """Add tags to a user, or change their values."""
        return self._caller.change("tag_user", UserName=name, Tags=tag_list(tags))[1]

    def delete_user(self, name: str) -> Receipt:
        """Delete a user that nothing belongs to any more."""
        return self._caller.change("delete_user", UserName=name)[1]

    def user_belongings(self, name: str) -> UserBelongings:
        """Give all that has to go before the user.

        Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
        """

        def ids(operation: str, member: str, field: str) -> tuple[str, ...]:
            return tuple(found[field] for found in self._listed(operation, member, UserName=name))

        return UserBelongings(
            keys=ids("list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
            groups=ids("list_groups_for_user", "Groups", "GroupName"),
            inline_policies=tuple(self._listed("list_user_policies", "PolicyNames", UserName=name)),
            attached_policies=ids("list_attached_user_policies", "AttachedPolicies", "PolicyArn"),
            login_profile=self._caller.ask_or_none("get_login_profile", UserName=name) is not None,
            mfa_devices=ids("list_mfa_devices", "MFADevices", "SerialNumber"),
            ssh_keys=ids("list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
            signing_certificates=ids("list_signing_certificates", "Certificates", "CertificateId"),
            service_credentials=ids(
                "list_service_specific_credentials", "ServiceSpecificCredentials", "ServiceSpecificCredentialId"
            ),
        )

    def remove_belonging(self, name: str, kind: str, identity: str) -> Receipt:
        """Remove one thing that belongs to a user, of a kind that `UserBelongings.in_order` names.

        Raises ValueError for another kind, and AwsError.
        """
        if kind == "mfa_device":
            return self._remove_mfa_device(name, identity)
        if kind not in _REMOVALS:
            raise ValueError(f"Nothing of kind {kind!r} belongs to a user; use mfa_device or {', '.join(_REMOVALS)}.")
        operation, field = _REMOVALS[kind]
        parameters = {field: identity} if field else {}
        return self._caller.change(operation, UserName=name, **parameters)[1]

    def _remove_mfa_device(self, name: str, serial: str) -> Receipt:
        """Deactivate it; a virtual one, whose serial is an ARN, is deleted too, or its name stays taken."""
        virtual = ":mfa/" in serial
        try:
            receipt = self._caller.change("deactivate_mfa_device", UserName=name, SerialNumber=serial)[1]
        except AwsNotFoundError:
            # An attempt before this one may have come as far as here.
            if not virtual:
                raise
        return self._caller.change("delete_virtual_mfa_device", SerialNumber=serial)[1] if virtual else receipt


_REMOVALS: Mapping[str, tuple[str, str]] = {
    "key": ("delete_access_key", "AccessKeyId"),
    "group": ("remove_user_from_group", "GroupName"),
    "inline_policy": ("delete_user_policy", "PolicyName"),
    "attached_policy": ("detach_user_policy", "PolicyArn"),
    "login_profile": ("delete_login_profile", ""),
    "ssh_key": ("delete_ssh_public_key", "SSHPublicKeyId"),
    "signing_certificate": ("delete_signing_certificate", "CertificateId"),
    "service_credential": ("delete_service_specific_credential", "ServiceSpecificCredentialId"),
}


def user_of(found: Mapping[str, Any]) -> ObservedUser:
    """Read a user out of an answer."""
    return ObservedUser(found["UserName"], found["Arn"], found["UserId"], found["Path"], found["CreateDate"])
