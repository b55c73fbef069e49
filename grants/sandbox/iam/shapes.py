"""The entities as IAM's answers show them: dictionaries with the names of botocore's service model."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.iam.models import (
    AccessKey,
    Group,
    ManagedPolicy,
    PolicyVersion,
    Role,
    SigningCertificate,
    SshPublicKey,
    User,
    VirtualMfaDevice,
)

from grants.sandbox.iam import documents, trust
from grants.sandbox.iam.account import Account, ServiceCredential

Shape = dict[str, Any]


def tag_list(tags: Mapping[str, str]) -> list[Shape]:
    """Give tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def moment(time: datetime) -> datetime:
    """Give a time to the second, as IAM does."""
    return time.replace(microsecond=0)


def user(found: User, tags: Mapping[str, str] | None = None) -> Shape:
    """Show a user; lists show no tags."""
    shape: Shape = {
        "Path": found.path,
        "UserName": found.name,
        "UserId": found.id,
        "Arn": found.arn,
        "CreateDate": moment(found.create_date),
    }
    return shape | ({"Tags": tag_list(tags)} if tags else {})


def group(found: Group) -> Shape:
    """Show a group."""
    return {
        "Path": found.path,
        "GroupName": found.name,
        "GroupId": found.id,
        "Arn": found.arn,
        "CreateDate": moment(found.create_date),
    }


def role(account: Account, found: Role, *, whole: bool = True) -> Shape:
    """Show a role; lists show no tags and no last use."""
    shape: Shape = {
        "Path": found.path,
        "RoleName": found.name,
        "RoleId": found.id,
        "Arn": found.arn,
        "CreateDate": moment(found.create_date),
        "AssumeRolePolicyDocument": documents.encoded(trust.current(account, found)),
        "MaxSessionDuration": int(found.max_session_duration or 0),
    }
    if found.description:
        shape["Description"] = found.description
    if whole and found.tags:
        shape["Tags"] = found.tags
    return shape


def access_key(found: AccessKey) -> Shape:
    """Show an access key without its secret."""
    return {
        "UserName": found.user_name,
        "AccessKeyId": found.access_key_id,
        "Status": found.status,
        "CreateDate": moment(found.create_date),
    }


def policy(found: ManagedPolicy, *, whole: bool = True) -> Shape:
    """Show a managed policy; lists show no description and no tags."""
    shape: Shape = {
        "PolicyName": found.name,
        "PolicyId": found.id,
        "Arn": found.arn,
        "Path": found.path,
        "DefaultVersionId": found.default_version_id,
        "AttachmentCount": found.attachment_count,
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": moment(found.create_date),
        "UpdateDate": moment(found.update_date),
    }
    if whole and found.description:
        shape["Description"] = found.description
    if whole and found.tags:
        shape["Tags"] = list(found.tags.values())
    return shape


def policy_version(found: PolicyVersion, *, whole: bool = True) -> Shape:
    """Show a version of a managed policy; lists show no document."""
    shape: Shape = {
        "VersionId": found.version_id,
        "IsDefaultVersion": found.is_default,
        "CreateDate": moment(found.create_date),
    }
    return {"Document": documents.encoded(found.document), **shape} if whole else shape


def attached_policy(found: ManagedPolicy) -> Shape:
    """Show a policy as attached."""
    return {"PolicyName": found.name, "PolicyArn": found.arn}


def signing_certificate(found: SigningCertificate) -> Shape:
    """Show a signing certificate."""
    return {
        "UserName": found.user_name,
        "CertificateId": found.id,
        "CertificateBody": found.body,
        "Status": found.status,
        "UploadDate": moment(found.upload_date),
    }


def ssh_key(found: SshPublicKey, *, whole: bool = True) -> Shape:
    """Show an SSH public key; lists show no body."""
    shape: Shape = {
        "UserName": found.user_name,
        "SSHPublicKeyId": found.ssh_public_key_id,
        "Status": found.status,
        "UploadDate": moment(found.upload_date),
    }
    if whole:
        shape |= {"Fingerprint": found.fingerprint, "SSHPublicKeyBody": found.ssh_public_key_body}
    return shape


def service_credential(found: ServiceCredential) -> Shape:
    """Show a service-specific credential without its password."""
    return {
        "UserName": found.user_name,
        "Status": found.status,
        "ServiceUserName": found.service_user_name,
        "CreateDate": moment(found.created),
        "ServiceSpecificCredentialId": found.credential_id,
        "ServiceName": found.service,
    }


def device(found: VirtualMfaDevice) -> Shape:
    """Show a virtual MFA device without its seed."""
    shape: Shape = {"SerialNumber": found.serial_number}
    if found.user is not None and found.enable_date is not None:
        shape |= {"User": user(found.user), "EnableDate": moment(found.enable_date)}
    return shape
