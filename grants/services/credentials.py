"""Temporary credentials handed out by us: recorded before AWS is asked, and released only once it is recorded again.

For a principal that is a role: we assume it and ask S3 Access Grants in its name. An IAM user asks with its own keys,
see docs/access-the-bucket.md: we do not have them.
"""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, TooManyError
from cellenium_admin.core.models import User
from grants import scopes
from grants.aws.errors import AwsError
from grants.aws.gateway import Aws, Session
from grants.models import Grant, Issuance, Principal
from grants.services import issuing
from grants.services.expiry import invalid
from grants.services.issuing import SHORTEST, Issued


def issue_data_access(
    *, grant: Grant, user: User, actor: Actor, aws: Aws, target: str = "", duration: int | None = None
) -> Issued:
    """Hand out credentials for a grant of one of the user's own role principals, for its scope or less.

    Raises RefusedError when it is not theirs, ConflictError when the grant is not in force, TooManyError,
    InvalidInputError, UnavailableError when AWS did not give any: nothing was released then.
    """
    _check(grant, user, target)
    issuance = Issuance(
        method=Issuance.Method.DATA_ACCESS,
        purpose=Issuance.Purpose.GRANT,
        user=user,
        principal=grant.principal,
        grant=grant,
        role_arn=grant.location.role_arn,
        scope=target or grant.scope,
        permission=grant.permission,
        duration_seconds=issuing.checked_duration(duration),
    )
    _intend(issuance, actor)
    try:
        session = _ask(aws, issuance, grant, target)
    except AwsError as error:
        raise issuing.fail(issuance, error, actor) from error
    return issuing.confirm(issuance, session, actor)


def _check(grant: Grant, user: User, target: str) -> None:
    if grant.principal.user_id != user.pk or not user.is_active:
        detail = "Credentials are for whoever the grant's principal is linked to."
        raise issuing.refusal("not_yours", detail, user, details={"grant_id": str(grant.pk), "scope": grant.scope})
    if not Grant.objects.usable(timezone.now()).filter(pk=grant.pk).exists():
        raise ConflictError("This grant is not in force (any more).", code="grant_over")
    if grant.principal.kind != Principal.Kind.ROLE:
        raise ConflictError("An IAM user asks AWS with its own keys: see docs/access-the-bucket.md.", code="own_keys")
    try:
        within = not target or scopes.covers(grant.scope, target)
    except scopes.ScopeError as error:
        raise invalid("target", str(error)) from error
    if not within:
        raise invalid("target", f"{target} is outside of the grant's scope {grant.scope}.")


def _intend(issuance: Issuance, actor: Actor) -> None:
    """Commit the wish while the grant is locked, so that nobody overtakes a revocation.

    Whoever revokes waits for the lock and then sees the session that may come.
    """
    try:
        with transaction.atomic():
            usable = Grant.objects.usable(timezone.now()).select_for_update(of=("self",))
            if not usable.filter(pk=str(issuance.grant_id)).exists():
                raise ConflictError("This grant is not in force (any more).", code="grant_over")
            issuing.intend(issuance, actor)
    except TooManyError:
        issuing.record_too_many(issuance.user, actor)
        raise


def _ask(aws: Aws, issuance: Issuance, grant: Grant, target: str) -> Session:
    role = aws.sts.assume_role(
        grant.principal.arn,
        session_name=issuance.pk.hex,
        duration_seconds=SHORTEST,
        policy=None,
        source_identity=str(issuance.user_id),
    )
    session = aws.with_session(role).data_access(
        target=issuance.scope,
        permission=grant.permission,
        duration_seconds=issuance.duration_seconds,
        minimal=bool(target) and target != grant.scope,
        is_object=not issuance.scope.endswith("*"),
        audit_context=f"cellenium-admin issuance {issuance.pk}",
    )
    return replace(session, aws_user_id=aws.sts.caller_of(session).user_id)
