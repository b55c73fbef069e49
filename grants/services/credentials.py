"""Temporary credentials handed out by us: recorded before AWS is asked, and released only once it is recorded again.

For a principal that is a role: we assume it and ask S3 Access Grants in its name. An IAM user asks with its own keys,
see docs/access-the-bucket.md: we do not have them.
"""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, RefusedAttempt, RefusedError, UnavailableError
from cellenium_admin.core.models import Action, Outcome, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from grants import scopes
from grants.aws.errors import AwsError, AwsUnknownOutcomeError
from grants.aws.gateway import Aws, Session
from grants.models import Grant, Issuance, Principal
from grants.services import facts
from grants.services.expiry import invalid

SHORTEST, LONGEST = 900, 43_200


def issue_data_access(
    *,
    grant: Grant,
    user: User,
    actor: Actor,
    aws: Aws,
    target: str = "",
    duration_seconds: int = 3600,
) -> tuple[Issuance, Session]:
    """Hand out credentials for a grant of one of the user's own role principals, for its scope or less.

    Raises RefusedError when it is not theirs, ConflictError when the grant is not in force, InvalidInputError,
    UnavailableError when AWS did not give any: nothing was released then.
    """
    _check(grant, user, target, duration_seconds)
    issuance = _intend(grant, user, actor, target or grant.scope, duration_seconds)
    try:
        session, aws_user_id = _ask(aws, issuance, grant, target)
    except AwsError as error:
        _fail(issuance, actor, error)
        raise UnavailableError(f"AWS gave no credentials: {error.message or error.code}.") from error
    _confirm(issuance, actor, session, aws_user_id)
    return issuance, session


def _check(grant: Grant, user: User, target: str, duration_seconds: int) -> None:
    if grant.principal.user_id != user.pk or not user.is_active:
        refers = ObjectRef.of(grant)
        attempt = RefusedAttempt(Action.CREDENTIALS_REQUESTED, refers.type, refers.id, refers.label)
        raise RefusedError("Credentials are for whoever the grant's principal is linked to.", attempt=attempt)
    if not Grant.objects.usable(timezone.now()).filter(pk=grant.pk).exists():
        raise ConflictError("This grant is not in force (any more).", code="grant_over")
    if grant.principal.kind != Principal.Kind.ROLE:
        raise ConflictError("An IAM user asks AWS with its own keys: see docs/access-the-bucket.md.", code="own_keys")
    if not SHORTEST <= duration_seconds <= LONGEST:
        raise invalid("duration_seconds", f"Give {SHORTEST} to {LONGEST} seconds.")
    try:
        within = not target or scopes.covers(grant.scope, target)
    except scopes.ScopeError as error:
        raise invalid("target", str(error)) from error
    if not within:
        raise invalid("target", f"{target} is outside of the grant's scope {grant.scope}.")


def _intend(grant: Grant, user: User, actor: Actor, scope: str, duration_seconds: int) -> Issuance:
    issuance = Issuance(
        method=Issuance.Method.DATA_ACCESS,
        user=user,
        principal=grant.principal,
        grant=grant,
        role_arn=grant.location.role_arn,
        scope=scope,
        permission=grant.permission,
        duration_seconds=duration_seconds,
        expires_at=timezone.now() + timedelta(seconds=duration_seconds + 300),
    )
    with transaction.atomic():
        # Whoever revokes waits for this lock and then sees the session that may come; nobody overtakes a revocation.
        usable = Grant.objects.usable(timezone.now()).select_for_update(of=("self",))
        if not usable.filter(pk=grant.pk).exists():
            raise ConflictError("This grant is not in force (any more).", code="grant_over")
        issuance.save(force_insert=True)
        _record(Action.CREDENTIALS_REQUESTED, issuance, actor)
    return issuance


def _ask(aws: Aws, issuance: Issuance, grant: Grant, target: str) -> tuple[Session, str]:
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
    return session, aws.sts.caller_of(session).user_id


def _confirm(issuance: Issuance, actor: Actor, session: Session, aws_user_id: str) -> None:
    with transaction.atomic():
        issuance.state, issuance.access_key_id = Issuance.State.ISSUED, session.access_key_id
        issuance.aws_user_id, issuance.expires_at = aws_user_id, session.expires_at
        issuance.save()
        _record(Action.CREDENTIALS_ISSUED, issuance, actor)


def _fail(issuance: Issuance, actor: Actor, error: AwsError) -> None:
    unknown = isinstance(error, AwsUnknownOutcomeError)
    with transaction.atomic():
        issuance.state = Issuance.State.UNKNOWN if unknown else Issuance.State.REFUSED
        issuance.error_code = error.code[:100]
        issuance.save()
        _record(Action.CREDENTIALS_FAILED, issuance, actor, outcome=Outcome.FAILED, code=error.code)


def _record(action: Action, issuance: Issuance, actor: Actor, *, outcome: Outcome = Outcome.OK, **more: str) -> None:
    audit.record(action=action, actor=actor, obj=issuance, details=facts.of(issuance) | more, outcome=outcome)
