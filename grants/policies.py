"""IAM documents of S3 Access Grants: the policy of the sessions it hands out, and the trust of a location's role.

What AWS puts into the session policy is not published; the permissions are
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-get-data.html), and decided here is:

- Lists are bounded by `s3:prefix`, which must begin with the scope's prefix. For a whole bucket there is no condition,
  so that a list without a prefix works.
- ListBucketMultipartUploads is under the same condition. AWS documents no `s3:prefix` for it, so below the bucket it is
  allowed only where the request has that key; without the condition it would show keys outside the scope.
- A scope of one key allows no list at all: a list for that prefix would show every longer key.
- Nothing about KMS: the sandbox has no keys there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

VERSION = "2012-10-17"
SERVICE = "access-grants.s3.amazonaws.com"
READ_OBJECTS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAcl",
    "s3:GetObjectVersionAcl",
    "s3:ListMultipartUploadParts",
)
READ_BUCKET = ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads")
WRITE_OBJECTS = (
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:PutObjectVersionAcl",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:AbortMultipartUpload",
)
_ESCAPES = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})

Document = dict[str, Any]


def session_policy(bucket: str, key: str, *, is_prefix: bool, permission: str) -> Document:
    """Give the policy of a session for one scope and READ, WRITE or READWRITE, allowing nothing besides.

    `key` is taken literally; with `is_prefix` it stands for all keys that begin with it.
    """
    statements: list[Mapping[str, Any]] = []
    objects = (READ_OBJECTS if "READ" in permission else ()) + (WRITE_OBJECTS if "WRITE" in permission else ())
    resource = f"arn:aws:s3:::{bucket}/{literal(key)}{'*' if is_prefix else ''}"
    statements.append({"Effect": "Allow", "Action": list(objects), "Resource": [resource]})
    if is_prefix and "READ" in permission:
        statements.append(_lists(bucket, key))
    return {"Version": VERSION, "Statement": statements}


def location_trust(instance_arn: str, *, directory: bool = False) -> Document:
    """Give the trust policy of a location's role, for the S3 Access Grants instance alone.

    With `directory` also for grantees of an Identity Center.
    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location-register.html
    """
    account = instance_arn.split(":")[4]
    here = {"StringEquals": {"aws:SourceAccount": account, "aws:SourceArn": instance_arn}}
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    statements = [{"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": actions, "Condition": here}]
    if directory:
        statements.append(
            {"Effect": "Allow", "Principal": {"Service": SERVICE}, "Action": ["sts:SetContext"], "Condition": here}
        )
    return {"Version": VERSION, "Statement": statements}


def cut_policy(user_ids: Sequence[str], sessions_before: datetime | None) -> Document:
    """Give the Deny for sessions of a role: those of some `aws:userid`, and all that began before a moment (UTC).

    Permissions are looked at with each request, so sessions that were handed out already lose them within minutes.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """
    statements: list[Document] = []
    deny: Document = {"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}
    if user_ids:
        statements.append({**deny, "Condition": {"StringEquals": {"aws:userid": list(user_ids)}}})
    if sessions_before is not None:
        moment = sessions_before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        statements.append({**deny, "Condition": {"DateLessThan": {"aws:TokenIssueTime": moment}}})
    return {"Version": VERSION, "Statement": statements}


def literal(text: str) -> str:
    """Write a text so that a policy's pattern matches it alone.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    return text.translate(_ESCAPES)


def _lists(bucket: str, key: str) -> Document:
    statement: Document = {"Effect": "Allow", "Action": list(READ_BUCKET), "Resource": [f"arn:aws:s3:::{bucket}"]}
    if key:
        statement["Condition"] = {"StringLike": {"s3:prefix": [f"{literal(key)}*"]}}
    return statement
