"""IAM documents of the stack of a bucket: what its roles, its group, the service and the bucket itself allow. Pure.

Objects are named as `bucket/*` and never as `bucket*`, which would be other buckets too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from grants import policies
from grants.policies import READ_BUCKET, READ_OBJECTS, VERSION, WRITE_OBJECTS, Document, literal

# AWS has no permission to write without deletion, so it is the role that has to lack it.
_TAKES_AWAY = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:PutObjectVersionAcl")
_IMPORTER_OBJECTS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
_SENDS = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
_REMOVES = ("s3:DeleteObject", "s3:DeleteObjectVersion")
# What S3 asks of whoever writes and reads objects under a key of KMS, parts included.
# Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
_GRANT_READS = (
    "s3:GetAccessGrantsInstance",
    "s3:ListAccessGrantsLocations",
    "s3:GetAccessGrantsLocation",
    "s3:ListAccessGrants",
    "s3:GetAccessGrant",
    "s3:ListTagsForResource",
)
_GRANT_CHANGES = (
    "s3:CreateAccessGrantsInstance",
    "s3:DeleteAccessGrantsInstance",
    "s3:CreateAccessGrantsLocation",
    "s3:UpdateAccessGrantsLocation",
    "s3:DeleteAccessGrantsLocation",
    "s3:DeleteAccessGrant",
    "s3:TagResource",
)
_BUCKET_SETTINGS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:GetBucketLocation",
    "s3:GetBucketPolicy",
    "s3:GetBucketVersioning",
    "s3:PutBucketVersioning",
    "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:GetBucketLogging",
    "s3:PutBucketLogging",
    "s3:GetBucketCORS",
    "s3:PutBucketCORS",
    "s3:GetLifecycleConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:GetBucketNotification",
    "s3:PutBucketNotification",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListBucketMultipartUploads",
)
_QUEUE_ACTIONS = (
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:TagQueue",
    "sqs:ListQueueTags",
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:SetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
)
_USER_ACTIONS = (
    "iam:CreateUser",
    "iam:GetUser",
    "iam:DeleteUser",
    "iam:TagUser",
    "iam:ListUserTags",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
    "iam:ListGroupsForUser",
    "iam:CreateAccessKey",
    "iam:ListAccessKeys",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:ListUserPolicies",
    "iam:DeleteUserPolicy",
    "iam:ListAttachedUserPolicies",
    "iam:DetachUserPolicy",
    "iam:GetLoginProfile",
    "iam:DeleteLoginProfile",
    "iam:ListMFADevices",
    "iam:DeactivateMFADevice",
    "iam:ListSSHPublicKeys",
    "iam:DeleteSSHPublicKey",
    "iam:ListSigningCertificates",
    "iam:DeleteSigningCertificate",
    "iam:ListServiceSpecificCredentials",
    "iam:DeleteServiceSpecificCredential",
)
_ROLE_ACTIONS = (
    "iam:CreateRole",
    "iam:GetRole",
    "iam:UpdateRole",
    "iam:DeleteRole",
    "iam:TagRole",
    "iam:ListRoleTags",
    "iam:UpdateAssumeRolePolicy",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:DetachRolePolicy",
    "iam:PassRole",
)
_GROUP_ACTIONS = (
    "iam:CreateGroup",
    "iam:GetGroup",
    "iam:DeleteGroup",
    "iam:ListGroupPolicies",
    "iam:GetGroupPolicy",
    "iam:PutGroupPolicy",
    "iam:DeleteGroupPolicy",
    "iam:ListAttachedGroupPolicies",
    "iam:AddUserToGroup",
    "iam:RemoveUserFromGroup",
)
# Of what does not exist (yet) AWS does not know the path.
_IAM_READS = (
    "iam:GetGroup",
    "iam:ListUsers",
    "iam:ListRoles",
    "iam:GetUser",
    "iam:GetRole",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccessKeyLastUsed",
)


def location_role(bucket: str, instance_arn: str, *, upload_only: bool = False, kms_key: str = "") -> Document:
    """Give what the role of a location on a whole bucket allows, to sessions of the grants instance alone.

    With `upload_only` nothing can be deleted or given to others, whatever a grant of WRITE says.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location-register.html
    """
    writes = tuple(action for action in WRITE_OBJECTS if not upload_only or action not in _TAKES_AWAY)
    here = {"ArnEquals": {"s3:AccessGrantsInstanceArn": [instance_arn]}}
    return _document(
        _allow((*READ_OBJECTS, *writes), f"{_arn(bucket)}/*", Sid="Objects", Condition=here),
        _allow(READ_BUCKET, _arn(bucket), Sid="Lists", Condition=here),
        *_key(kms_key),
    )


def importer_role(bucket: str, prefix: str, *, may_delete: bool = False, kms_key: str = "") -> Document:
    """Give what the role allows from which uploaders get their temporary credentials: everything below one prefix.

    Each session is limited further, to the prefix of the person. Deletion is allowed with `may_delete` alone.
    """
    below = {"StringLike": {"s3:prefix": [f"{literal(prefix)}*"]}}
    lists = ("s3:ListBucket", "s3:ListBucketVersions")
    actions = (*_IMPORTER_OBJECTS, *(("s3:DeleteObject",) if may_delete else ()))
    return _document(
        _allow(actions, f"{_arn(bucket)}/{literal(prefix)}*", Sid="Objects"),
        _allow(lists, _arn(bucket), Sid="Lists", Condition=below),
        *_key(kms_key),
    )


def importer_trust(service_arn: str) -> Document:
    """Give the trust of that role: the service itself, which must name each person as the source identity."""
    actions = ("sts:AssumeRole", "sts:SetSourceIdentity")
    return _document({"Effect": "Allow", "Principal": {"AWS": service_arn}, "Action": list(actions)})


def uploader_group(instance_arn: str) -> Document:
    """Give what users of the group allow themselves: to find their grants and to ask for data access under them.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    actions = ("s3:GetDataAccess", "s3:ListCallerAccessGrants", "s3:GetAccessGrantsInstanceForPrefix")
    return _document(_allow(actions, instance_arn, Sid="AccessGrants"))


def service(
    bucket: str,
    *,
    account: str,
    instance_arn: str,
    path: str,
    partition: str = "aws",
    prefix: str = "input/",
    queues: Sequence[str] = (),
    kms_key: str = "",
) -> Document:
    """Give what this service itself needs: grants on its bucket, identities on its own path, settings of its bucket.

    It writes and deletes below `prefix` alone, where uploads arrive; `queues` are the names of its own ones, in the
    Region of the grants instance. AWS takes up to 6,144 characters of it, spaces not counted, as a managed policy.
    """
    iam = f"arn:{partition}:iam::{account}"
    below = {"StringLike": {"s3:AccessGrantScope": [f"s3://{literal(bucket)}/*"]}}
    own_roles = f"{iam}:role{path}*"
    sqs = f"arn:{partition}:sqs:{instance_arn.split(':')[3]}:{account}"
    return _document(
        _allow((*_GRANT_READS, *_GRANT_CHANGES), [instance_arn, f"{instance_arn}/*"], Sid="Grants"),
        _allow(("s3:CreateAccessGrant",), f"{instance_arn}/*", Sid="GrantsOnTheBucket", Condition=below),
        _allow(_BUCKET_SETTINGS, _arn(bucket), Sid="Bucket"),
        _allow(("s3:GetObject", "s3:GetObjectVersion"), f"{_arn(bucket)}/*", Sid="Import"),
        _allow((*_SENDS, *_REMOVES), f"{_arn(bucket)}/{literal(prefix)}*", Sid="Uploads"),
        *([_allow(_QUEUE_ACTIONS, [f"{sqs}:{name}" for name in queues], Sid="Events")] if queues else []),
        *_key(kms_key),
        _allow(_USER_ACTIONS, f"{iam}:user{path}*", Sid="Users"),
        _allow(("iam:DeleteVirtualMFADevice",), f"{iam}:mfa/*", Sid="MFA"),
        _allow(_ROLE_ACTIONS, own_roles, Sid="Roles"),
        _allow(_GROUP_ACTIONS, f"{iam}:group{path}*", Sid="Groups"),
        _allow(_IAM_READS, "*", Sid="IamReads"),
        _allow(("sts:AssumeRole", "sts:SetSourceIdentity"), own_roles, Sid="Importer"),
        _allow(("sts:GetCallerIdentity",), "*", Sid="WhoAmI"),
    )


def bucket_policy(bucket: str) -> Document:
    """Give a bucket policy that refuses whatever does not come over TLS; public access is blocked beside it."""
    return _document(_only_tls("s3:*", [_arn(bucket), f"{_arn(bucket)}/*"]))


def event_queue(queue_arn: str, *, bucket: str, account: str) -> Document:
    """Give the policy of the queue that S3 tells of new objects of one bucket of one account, over TLS alone.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    here = {"ArnEquals": {"aws:SourceArn": _arn(bucket)}, "StringEquals": {"aws:SourceAccount": account}}
    s3 = {"Service": "s3.amazonaws.com"}
    return _document(
        _allow(("sqs:SendMessage",), queue_arn, Sid="Events", Principal=s3, Condition=here),
        _only_tls("sqs:*", [queue_arn]),
    )


def dead_letters(queue_arn: str) -> Document:
    """Give the policy of the queue for messages nobody could read: nothing without TLS."""
    return _document(_only_tls("sqs:*", [queue_arn]))


def location_trust(instance_arn: str) -> Document:
    """Give the trust of the location roles."""
    return policies.location_trust(instance_arn)


def _only_tls(actions: str, resources: list[str]) -> Mapping[str, Any]:
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _key(kms_key: str) -> list[Mapping[str, Any]]:
    return [_allow(_KEY_ACTIONS, kms_key, Sid="Key")] if kms_key else []


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _allow(actions: Sequence[str], resource: str | list[str], **more: Any) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def _document(*statements: Mapping[str, Any]) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}
