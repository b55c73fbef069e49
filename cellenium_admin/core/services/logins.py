"""Logging in: a person the provider vouches for becomes a User, is refreshed as one, or is refused."""

import logging
import secrets
from datetime import UTC, datetime
from typing import NoReturn

from django.conf import settings
from django.core.mail import mail_admins
from django.db import IntegrityError, transaction
from django.utils import timezone

from cellenium_admin.core import context
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Outcome, SystemRole, User
from cellenium_admin.core.oidc import strangers
from cellenium_admin.core.oidc.claims import Identity
from cellenium_admin.core.oidc.errors import LoginRefusedError
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from cellenium_admin.core.services.users import USERNAME, facts_of

logger = logging.getLogger(__name__)

LOGIN = Actor.system("login")
MOST_EMAIL = 254
MOST_SUBJECT = 255
MOST_TOLD = 200
ATTEMPTS = 3


def sign_in(*, identity: Identity, method: str) -> User:
    """Give the account of a verified identity, made at the first login and refreshed at each.

    Known by issuer and subject alone. The address of the first login decides the upload prefix for ever; roles and
    groups are those of this login. Raises LoginRefusedError, which is in the trail by then.
    """
    try:
        _check(identity)
        return _account(identity)
    except LoginRefusedError as error:
        refuse(error, method=method, identity=identity)


def refuse(error: LoginRefusedError, *, method: str, identity: Identity | None = None) -> NoReturn:
    """Record that somebody was not let in, and raise the error: what was wrong, never the token.

    The same again and again is recorded now and then. Called outside of transactions.
    """
    who: dict[str, str] = {}
    source = context.current().address if identity is None else f"{identity.subject} of {identity.issuer}"
    if not strangers.is_noteworthy(source=source, method=method, code=error.code):
        logger.info("Refused again, not in the trail: %s (%s)", error.code, method)
        raise error
    if identity is not None:
        texts = {"issuer": identity.issuer, "subject": identity.subject, "email": identity.email}
        who = {name: _readable(text) for name, text in texts.items()}
    with transaction.atomic(durable=True):
        audit.record(
            action=Action.USER_LOGIN_FAILED,
            actor=Actor.anonymous(),
            obj=ObjectRef(type="user", id="", label=who.get("email", "")) if who else None,
            details={"method": method, "code": error.code, "detail": error.detail, **who},
            outcome=Outcome.REFUSED,
        )
    raise error


def roles_of(groups: tuple[str, ...]) -> list[str]:
    """Give the system roles that come with groups; a setting that names no group gives nobody anything."""
    wanted = {
        SystemRole.ADMINISTRATOR: settings.OIDC_ADMINISTRATOR_GROUPS,
        SystemRole.CURATOR: settings.OIDC_CURATOR_GROUPS,
    }
    named = {role: {name for name in names if name.strip()} for role, names in wanted.items()}
    return sorted(str(role) for role, names in named.items() if names & set(groups))


def _check(identity: Identity) -> None:
    if not identity.subject.isprintable() or not 0 < len(identity.subject) <= MOST_SUBJECT:
        raise LoginRefusedError("wrong_subject", "The login provider does not say who you are.")
    if not identity.email:
        raise LoginRefusedError("email_missing", "The login provider does not tell your e-mail address. Ask for it.")
    if settings.OIDC_REQUIRE_VERIFIED_EMAIL and not identity.email_verified:
        raise LoginRefusedError(
            "email_unverified", "The login provider has not verified your e-mail address. Verify it there first."
        )
    name, _, domain = identity.email.rpartition("@")
    plain = identity.email.isprintable() and not any(one.isspace() for one in identity.email)
    if not (name and domain and plain and len(identity.email) <= MOST_EMAIL):
        raise LoginRefusedError("email_unusable", "What the login provider tells as your e-mail address is none.")


def _account(identity: Identity) -> User:
    """Find or make the account; of two first logins at once one makes it and the other finds it."""
    for _ in range(ATTEMPTS):
        try:
            with transaction.atomic():
                user = _find(identity)
                if user is not None:
                    _refresh(user, identity)
                    return user
                _refuse_taken_prefix(identity)
                return _create(identity)
        except (IntegrityError, _OvertakenError):
            logger.info("Another login was first; looking again.")
        except _PrefixTakenError as taken:
            _notify(taken)
            raise LoginRefusedError(
                "prefix_taken",
                f"The upload prefix {taken.prefix} of your e-mail address belongs to another account. Files there are "
                "that account's; an administrator has been told and can help.",
            ) from taken
    raise LoginRefusedError("try_again", "Another login was in the way. Log in again.")


def _find(identity: Identity) -> User | None:
    known = User.objects.filter(oidc_issuer=identity.issuer, oidc_subject=identity.subject)
    user = known.select_for_update().first()
    if user is not None and not user.is_active:
        raise LoginRefusedError("inactive", "This account was closed. An administrator can tell you why.")
    return user


class _OvertakenError(Exception):
    """The account was not there a moment ago and is now."""


class _PrefixTakenError(Exception):
    """Somebody else has the prefix that would be this person's."""

    def __init__(self, identity: Identity, prefix: str, holder: User) -> None:
        super().__init__(prefix)
        self.identity, self.prefix, self.holder = identity, prefix, holder


def _refuse_taken_prefix(identity: Identity) -> None:
    prefix = prefix_for(identity.email)
    holder = User.objects.filter(upload_prefix=prefix).first()
    if holder is None:
        return
    if (holder.oidc_issuer, holder.oidc_subject) == (identity.issuer, identity.subject):
        raise _OvertakenError
    raise _PrefixTakenError(identity, prefix, holder)


def _notify(taken: _PrefixTakenError) -> None:
    """Tell administrators: in the trail, from where their first page takes it, in the log and by mail if configured."""
    identity, holder = taken.identity, taken.holder
    source = f"{identity.subject} of {identity.issuer}"
    if not strangers.is_noteworthy(source=source, method="prefix", code=taken.prefix):
        return
    with transaction.atomic(durable=True):
        audit.record(
            action=Action.USER_PREFIX_REFUSED,
            actor=Actor.anonymous(),
            obj=holder,
            details={
                "issuer": identity.issuer,
                "subject": identity.subject,
                "email": _readable(identity.email),
                "upload_prefix": taken.prefix,
                "holder": holder.username,
                "holder_id": str(holder.pk),
                "code": "prefix_taken",
            },
            outcome=Outcome.REFUSED,
        )
    text = (
        f"{identity.subject!r} of {identity.issuer} logged in with {identity.email!r}, whose upload prefix "
        f"{taken.prefix} belongs to the account {holder.username}. They were refused. See docs/login.md."
    )
    logger.error(text)
    mail_admins("A login was refused: its upload prefix belongs to another account", text, fail_silently=True)


def _create(identity: Identity) -> User:
    user = User(
        username=_free_username(identity.email),
        oidc_issuer=identity.issuer,
        oidc_subject=identity.subject,
        email=identity.email,
        display_name=identity.name,
        system_roles=roles_of(identity.groups),
        study_groups=list(identity.groups),
        upload_prefix=prefix_for(identity.email),
        last_login=_said_at(identity),
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    audit.record(action=Action.USER_CREATED, actor=LOGIN, obj=user, after=_told(facts_of(user)))
    return user


def _free_username(email: str) -> str:
    if USERNAME.fullmatch(email) and not User.objects.filter(username=email).exists():
        return email
    return f"oidc-{secrets.token_hex(8)}"


def _said_at(identity: Identity) -> datetime:
    now = timezone.now()
    return now if identity.issued_at is None else min(now, datetime.fromtimestamp(identity.issued_at, UTC))


def _refresh(user: User, identity: Identity) -> None:
    """Take over what the provider says now, each change with an event of its own; the prefix stays.

    Only its newest word counts: an older token that is still good must not bring back roles that were taken away.
    """
    said_at = _said_at(identity)
    known_at = user.last_login
    if identity.issued_at is not None and known_at is not None and said_at < known_at.replace(microsecond=0):
        return
    user.last_login = said_at
    user.save(update_fields=["last_login"])
    wanted: tuple[tuple[Action, dict[str, object]], ...] = (
        (Action.USER_EMAIL_CHANGED, {"email": identity.email, "display_name": identity.name or user.display_name}),
        (Action.USER_ROLES_CHANGED, {"system_roles": roles_of(identity.groups)}),
        (Action.USER_GROUPS_CHANGED, {"study_groups": list(identity.groups)}),
    )
    for action, after in wanted:
        before = {name: getattr(user, name) for name in after}
        if before != after:
            for name, value in after.items():
                setattr(user, name, value)
            user.save(update_fields=list(after))
            audit.record(action=action, actor=LOGIN, obj=user, before=_told(before), after=_told(after))


def _told(facts: dict[str, object]) -> dict[str, object]:
    """Shorten lists to what the trail takes."""
    return {
        name: [*value[: MOST_TOLD - 1], f"and {len(value) - MOST_TOLD + 1} more"]
        if isinstance(value, list) and len(value) > MOST_TOLD
        else value
        for name, value in facts.items()
    }


def _readable(text: str) -> str:
    """Make what a stranger sent fit for the trail."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:320]
