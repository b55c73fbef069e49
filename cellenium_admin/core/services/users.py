"""Accounts: made, given roles, closed."""

import re
from collections.abc import Collection

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, FieldError, InvalidInputError
from cellenium_admin.core.models import Action, SystemRole, User
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.core.services import api_tokens, audit
from cellenium_admin.core.signals import user_deactivated, user_rebound

MOST_IDENTITY = 255
USERNAME = re.compile(r"[\w.@+-]{1,150}", re.ASCII)


def create_user(
    *,
    username: str,
    actor: Actor,
    email: str = "",
    display_name: str = "",
    roles: Collection[str] = (),
    kind: str = User.Kind.PERSON,
    password: str | None = None,
) -> User:
    """Make an account; whoever has an address gets the upload prefix that belongs to it, and keeps it.

    Raises InvalidInputError, ConflictError when the name or the prefix is taken.
    """
    user = User(username=username, email=email, display_name=display_name, kind=kind, system_roles=_known_roles(roles))
    _check_names(user)
    user.upload_prefix = prefix_for(email) if email else None
    _set_password(user, password)
    try:
        with transaction.atomic():
            _refuse_taken(user)
            user.save(force_insert=True)
            audit.record(action=Action.USER_CREATED, actor=actor, obj=user, after=facts_of(user))
    except IntegrityError as error:
        raise ConflictError(f"The name or prefix of {username} was taken a moment ago.") from error
    return user


def set_roles(*, user: User, roles: Collection[str], actor: Actor, reason: str = "") -> User:
    """Replace the system roles of an account; an empty list leaves a plain member.

    Raises InvalidInputError.
    """
    wanted = _known_roles(roles)
    with transaction.atomic():
        account = User.objects.select_for_update().get(pk=user.pk)
        before = {"system_roles": list(account.system_roles)}
        if before["system_roles"] == wanted:
            return account
        account.system_roles = wanted
        account.save(update_fields=["system_roles"])
        audit.record(
            action=Action.USER_ROLES_CHANGED,
            actor=actor,
            obj=account,
            before=before,
            after={"system_roles": wanted},
            reason=reason,
        )
    return account


def deactivate(*, user: User, actor: Actor, reason: str = "") -> User:
    """Close an account: no login, no token of it works from now on; nothing it did is removed.

    Raises ConflictError when it is closed already.
    """
    with transaction.atomic():
        account = User.objects.select_for_update().get(pk=user.pk)
        if not account.is_active:
            raise ConflictError(f"The account {account.username} is not active already.")
        account.is_active = False
        account.save(update_fields=["is_active"])
        audit.record(
            action=Action.USER_DEACTIVATED,
            actor=actor,
            obj=account,
            before={"is_active": True},
            after={"is_active": False},
            reason=reason,
        )
        user_deactivated.send(sender=User, user=account, actor=actor)
    return account


def link_identity(*, user: User, issuer: str, subject: str, actor: Actor, reason: str) -> User:
    """Bind an account to a person of the login provider, in place of whom it was bound to before.

    For accounts older than the provider, and for people the provider knows under a new subject; the upload prefix
    stays. What the one before held of the account ends: sessions, API tokens, a password, temporary credentials.
    Raises InvalidInputError, ConflictError when another account is bound to them or this one is a program's.
    """
    _check_identity(user, issuer, subject)
    try:
        with transaction.atomic():
            account = User.objects.select_for_update().get(pk=user.pk)
            before = {"oidc_issuer": account.oidc_issuer, "oidc_subject": account.oidc_subject}
            if before == {"oidc_issuer": issuer, "oidc_subject": subject}:
                return account
            account.oidc_issuer, account.oidc_subject = issuer, subject
            # Sessions are bound to it: they end with it, those of the provider too.
            account.set_unusable_password()
            account.save(update_fields=["oidc_issuer", "oidc_subject", "password"])
            after = {"oidc_issuer": issuer, "oidc_subject": subject}
            audit.record(
                action=Action.USER_IDENTITY_LINKED, actor=actor, obj=account, before=before, after=after, reason=reason
            )
            api_tokens.revoke_tokens_of(user=account, actor=actor, reason=reason)
            user_rebound.send(sender=User, user=account, actor=actor)
    except IntegrityError as error:
        raise ConflictError(f"Another account is bound to {subject} of {issuer} already.", code="linked") from error
    return account


def _check_identity(user: User, issuer: str, subject: str) -> None:
    given = {"issuer": issuer, "subject": subject}
    errors = [
        FieldError(f"/{name}", "invalid", f"Give the {name}: 1 to 255 characters that can be printed.")
        for name, text in given.items()
        if not 0 < len(text) <= MOST_IDENTITY or not text.isprintable()
    ]
    if errors:
        raise InvalidInputError(" ".join(error.detail for error in errors), errors=errors)
    if user.kind != User.Kind.PERSON:
        raise ConflictError(f"{user.username} is a service account: no person logs in as one.", code="no_person")


def _refuse_taken(user: User) -> None:
    if User.objects.filter(username=user.username).exists():
        raise ConflictError(f"There is an account {user.username} already; choose another name.", code="username_taken")
    holder = User.objects.filter(upload_prefix=user.upload_prefix).first() if user.upload_prefix else None
    if holder:
        raise ConflictError(
            f"The upload prefix {user.upload_prefix} belongs to {holder.username}; give another e-mail address.",
            code="prefix_taken",
        )


def _known_roles(roles: Collection[str]) -> list[str]:
    if unknown := set(roles) - set(SystemRole.values):
        detail = f"Unknown role {', '.join(sorted(unknown))}; give {' or '.join(SystemRole.values)}."
        raise InvalidInputError(detail, errors=[FieldError("/roles", "unknown_role", detail)])
    return sorted(set(roles))


def _check_names(user: User) -> None:
    if not USERNAME.fullmatch(user.username):
        detail = "Give a login name of up to 150 letters, digits and @ . + - _."
        raise InvalidInputError(detail, errors=[FieldError("/username", "invalid", detail)])
    try:
        if user.email:
            validate_email(user.email)
    except ValidationError as error:
        detail = f"{user.email!r} is not an e-mail address."
        raise InvalidInputError(detail, errors=[FieldError("/email", "invalid", detail)]) from error


def _set_password(user: User, password: str | None) -> None:
    """Keep the hash, or mark the account as one without a password."""
    try:
        if password is not None:
            validate_password(password, user)
    except ValidationError as error:
        detail = " ".join(error.messages)
        raise InvalidInputError(detail, errors=[FieldError("/password", "weak", detail)]) from error
    user.set_password(password)


def facts_of(user: User) -> dict[str, object]:
    """Describe an account for the trail."""
    return {
        "username": user.username,
        "email": user.email,
        "kind": user.kind,
        "system_roles": list(user.system_roles),
        "study_groups": list(user.study_groups),
        "oidc_issuer": user.oidc_issuer,
        "oidc_subject": user.oidc_subject,
        "upload_prefix": user.upload_prefix,
    }
