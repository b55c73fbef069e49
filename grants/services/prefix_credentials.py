"""Temporary credentials for one's own prefix of the bucket: the importer role, bounded by a session policy."""

import re
from typing import Any

from django.conf import settings

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import TooManyError
from cellenium_admin.core.models import User
from cellenium_admin.core.storage.place import BucketPlace, bucket_place
from grants import uploader_policies
from grants.aws.errors import AwsError, AwsInvalidError
from grants.aws.gateway import Aws, Session
from grants.models import Issuance, Permission
from grants.services import issuing, stack_desired
from grants.services.expiry import invalid
from grants.services.issuing import Issued

# The longest session of a role that is assumed with the credentials of another session.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
CHAINED_SECONDS = 3600
# A session of a role, but for those of an EC2 instance, which bear its id and do not count as chained.
CHAINED = re.compile(r":assumed-role/[^/]+/(?!i-[0-9a-f]{8,17}$)")


def issue_for_prefix(
    *, user: User, actor: Actor, aws: Aws, purpose: str, prefix: str = "", duration: int | None = None
) -> Issued:
    """Hand out credentials with which a person can write, or read, below their own prefix and nowhere else.

    `prefix` is a part of their own, all of it by default; `duration` is in seconds. Where AWS allows less because
    this server is itself in a session, the issuance says so (`capped_by`).
    Raises RefusedError, TooManyError, InvalidInputError, ConflictError, UnavailableError; nothing was released then.
    """
    place = bucket_place()
    scope = _scope(place, user, purpose, prefix)
    policy = _policy(place.bucket, scope, purpose)
    seconds = issuing.checked_duration(duration)
    issuance = Issuance(
        method=Issuance.Method.ASSUME_ROLE,
        purpose=purpose,
        user=user,
        role_arn=settings.IMPORTER_ROLE_ARN
        or stack_desired.desired(aws, bucket=place.bucket).role_arn("importer role"),
        scope=f"s3://{place.bucket}/{scope}*",
        permission=Permission.READWRITE if purpose == Issuance.Purpose.UPLOAD else Permission.READ,
        duration_seconds=seconds,
    )
    if CHAINED.search(aws.caller_arn):
        _cap(issuance)
    _intend(issuance, user, actor)
    try:
        session = _ask(aws, issuance, policy)
    except AwsError as error:
        raise issuing.fail(issuance, error, actor) from error
    return issuing.confirm(issuance, session, actor)


def _intend(issuance: Issuance, user: User, actor: Actor) -> None:
    try:
        issuing.intend(issuance, actor)
    except TooManyError:
        issuing.record_too_many(user, actor)
        raise


def _scope(place: BucketPlace, user: User, purpose: str, prefix: str) -> str:
    """Give the key prefix to open, the person's own or a part of it, as whole path segments."""
    if not user.upload_prefix:
        raise issuing.refusal("no_prefix", "This account has no upload prefix: log in at the login provider.", user)
    own = place.key(user.upload_prefix)
    if not prefix:
        return own
    if not prefix.isprintable() or len(prefix) > 1024:
        raise invalid("prefix", f"Give a prefix that begins with {own} and ends in a slash.")
    if not prefix.startswith(own):
        details: dict[str, Any] = {"prefix": prefix, "purpose": str(purpose)}
        raise issuing.refusal("foreign_prefix", f"You may have credentials below {own} alone.", user, details=details)
    if not prefix.endswith("/") or {".", ".."} & set(prefix.split("/")):
        raise invalid("prefix", f"Give a prefix that begins with {own} and ends in a slash, without dots for segments.")
    return prefix


def _policy(bucket: str, scope: str, purpose: str) -> dict[str, Any]:
    try:
        return uploader_policies.session_policy(
            bucket,
            scope,
            purpose=purpose,
            may_delete=settings.CREDENTIALS_MAY_DELETE,
            kms_key=settings.BUCKET_KMS_KEY,
        )
    except uploader_policies.UnfitPrefixError as error:
        raise invalid("prefix", str(error)) from error


def _cap(issuance: Issuance) -> None:
    if issuance.duration_seconds > CHAINED_SECONDS:
        issuance.duration_seconds, issuance.capped_by = CHAINED_SECONDS, Issuance.Cap.ROLE_CHAINING


def _ask(aws: Aws, issuance: Issuance, policy: dict[str, Any]) -> Session:
    """Assume the role; once more with an hour where AWS says only then that it takes us for a session ourselves."""
    try:
        return _assume(aws, issuance, policy)
    except AwsInvalidError as error:
        if "role chaining" not in error.message or issuance.duration_seconds <= CHAINED_SECONDS:
            raise
    _cap(issuance)
    return _assume(aws, issuance, policy)


def _assume(aws: Aws, issuance: Issuance, policy: dict[str, Any]) -> Session:
    return aws.sts.assume_role(
        issuance.role_arn,
        session_name=issuance.pk.hex,
        duration_seconds=issuance.duration_seconds,
        policy=policy,
        source_identity=str(issuance.user_id),
    )
