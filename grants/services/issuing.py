"""The steps of handing out credentials: recorded before AWS is asked, and released only once recorded again."""

from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, RefusedAttempt, RefusedError, TooManyError, UnavailableError
from cellenium_admin.core.models import Action, AuditEvent, Outcome, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from grants.aws.errors import AwsError, AwsUnknownOutcomeError
from grants.aws.gateway import Session
from grants.models import Issuance
from grants.services import facts
from grants.services.expiry import invalid

SHORTEST, LONGEST = 900, 43_200
HOUR = timedelta(hours=1)
# AWS's clock and ours may differ by so much when we reckon how long a session without an answer could live.
SLACK_SECONDS = 300
OVERTAKEN = {
    "account_closed": "Your account was closed.",
    "cut_meanwhile": "All sessions were cut a moment ago: ask again if you may.",
}


class Issued(NamedTuple):
    """Credentials on their way to the one who asked; the record of them is committed."""

    issuance: Issuance
    session: Session


def checked_duration(seconds: int | None, *, longest: int = LONGEST) -> int:
    """Give how long credentials shall last; raises InvalidInputError."""
    longest = min(longest, settings.CREDENTIALS_MAX_SECONDS, LONGEST)
    if seconds is None:
        return int(min(max(settings.CREDENTIALS_SECONDS, SHORTEST), max(longest, SHORTEST)))
    if not SHORTEST <= seconds <= longest:
        raise invalid("duration", f"Give {SHORTEST} to {longest} seconds.")
    return seconds


def intend(issuance: Issuance, actor: Actor) -> None:
    """Commit that credentials are asked for, one request of a person after another.

    Raises RefusedError when the account is closed by now, TooManyError beyond the limit of an hour.
    """
    with transaction.atomic():
        _locked_owner(issuance)
        _check_rate(issuance)
        issuance.expires_at = timezone.now() + timedelta(seconds=issuance.duration_seconds + SLACK_SECONDS)
        issuance.save(force_insert=True)
        record(Action.CREDENTIALS_REQUESTED, issuance, actor)


def confirm(issuance: Issuance, session: Session, actor: Actor) -> Issued:
    """Commit what AWS gave, and only then let go of it.

    Raises RefusedError when the account was closed or all sessions were cut meanwhile: what AWS gave is forgotten then.
    """
    with transaction.atomic():
        code = _overtaken(issuance)
        if code:
            issuance.state, issuance.error_code = Issuance.State.REFUSED, code
        else:
            issuance.state, issuance.access_key_id = Issuance.State.ISSUED, session.access_key_id
        issuance.aws_user_id, issuance.expires_at = session.aws_user_id, session.expires_at
        issuance.save()
        if code:
            record(Action.CREDENTIALS_FAILED, issuance, actor, outcome=Outcome.REFUSED, code=code)
        else:
            record(Action.CREDENTIALS_ISSUED, issuance, actor)
    if code:
        raise refusal(code, OVERTAKEN[code], issuance.user, details=facts.of(issuance))
    return Issued(issuance, session)


def _overtaken(issuance: Issuance) -> str:
    """Tell what has happened since the wish that leaves nothing to hand out.

    A cut of all sessions names a moment, and what AWS gave after it would live on although its row says cut.
    """
    if not _owner(issuance).is_active:
        return "account_closed"
    cut_at = Issuance.objects.select_for_update(of=("self",)).values_list("cut_at", flat=True).get(pk=issuance.pk)
    issuance.cut_at = cut_at
    return "cut_meanwhile" if cut_at else ""


def fail(issuance: Issuance, error: AwsError, actor: Actor) -> UnavailableError:
    """Commit that nothing came, and give the error for whoever asked; an unknown outcome stays visible as one."""
    unknown = isinstance(error, AwsUnknownOutcomeError)
    with transaction.atomic():
        issuance.state = Issuance.State.UNKNOWN if unknown else Issuance.State.REFUSED
        issuance.error_code = error.code[:100]
        issuance.save()
        record(Action.CREDENTIALS_FAILED, issuance, actor, outcome=Outcome.FAILED, code=error.code)
    return UnavailableError(f"AWS gave no credentials: {(error.message or error.code).rstrip('.')}.")


def refusal(code: str, detail: str, user: User | None, *, details: dict[str, object] | None = None) -> RefusedError:
    """Make the error for somebody who may not have what they asked for; the edge records it."""
    who = ObjectRef.of(user) if user else ObjectRef(type="", id="", label="")
    attempt = RefusedAttempt(Action.CREDENTIALS_REFUSED, who.type, who.id, who.label, details=details or {})
    return RefusedError(detail, attempt=attempt, code=code)


def record(action: Action, issuance: Issuance, actor: Actor, *, outcome: Outcome = Outcome.OK, **more: str) -> None:
    """Record a step."""
    audit.record(action=action, actor=actor, obj=issuance, details=facts.of(issuance) | more, outcome=outcome)


def _owner(issuance: Issuance) -> User:
    """Lock the account: whoever closes it waits, and then sees what was handed out."""
    if issuance.user_id is None:
        raise ConflictError("Credentials are handed out to somebody.")
    return User.objects.select_for_update().get(pk=issuance.user_id)


def _locked_owner(issuance: Issuance) -> User:
    user = _owner(issuance)
    if not user.is_active:
        raise refusal("account_closed", "Your account was closed.", user)
    return user


def _check_rate(issuance: Issuance) -> None:
    now = timezone.now()
    recent = Issuance.objects.filter(user=issuance.user, created_at__gt=now - HOUR).order_by("-created_at")
    times = list(recent.values_list("created_at", flat=True)[: settings.CREDENTIALS_PER_HOUR])
    if len(times) < settings.CREDENTIALS_PER_HOUR:
        return
    wait = max(1, int((times[-1] + HOUR - now).total_seconds()) + 1) if times else int(HOUR.total_seconds())
    raise TooManyError(
        f"You have taken credentials {settings.CREDENTIALS_PER_HOUR} times within an hour. Use those you have, or "
        f"try again in {wait} s.",
        retry_seconds=wait,
        code="too_many_credentials",
    )


def record_too_many(user: User | None, actor: Actor) -> None:
    """Record that somebody asks too often; once in a minute, for the trail is not theirs to fill."""
    lately = AuditEvent.objects.filter(
        action=Action.CREDENTIALS_REFUSED, actor_id=actor.id, at__gt=timezone.now() - timedelta(minutes=1)
    )
    if lately.exists():
        return
    with transaction.atomic():
        details = {"code": "too_many_credentials"}
        audit.record(action=Action.CREDENTIALS_REFUSED, actor=actor, obj=user, details=details, outcome=Outcome.REFUSED)
