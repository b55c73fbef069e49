"""Logins of the admin, told to the trail; loaded when the `core` app is ready."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from cellenium_admin.core import context
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Outcome, User
from cellenium_admin.core.oidc import strangers
from cellenium_admin.core.services import audit


@receiver(user_logged_in)
def record_login(*, user: User, **_: Any) -> None:
    """Record who logged in, and how."""
    details = {"method": "password"}
    if user.oidc_subject:
        details = {"method": "oidc", "issuer": user.oidc_issuer, "subject": user.oidc_subject}
    with transaction.atomic():
        audit.record(action=Action.USER_LOGGED_IN, actor=Actor.of(user), obj=user, details=details)


@receiver(user_logged_out)
def record_logout(*, user: User | None, **_: Any) -> None:
    """Record who logged out; a session without a user ends unnoticed."""
    if user is not None:
        with transaction.atomic():
            audit.record(action=Action.USER_LOGGED_OUT, actor=Actor.of(user), obj=user)


@receiver(user_login_failed)
def record_failed_login(*, credentials: Mapping[str, Any], **_: Any) -> None:
    """Record for which account a login failed.

    A name we do not know is not kept: people type passwords into the wrong field. What the provider's people are
    refused for is recorded where it is found out.
    """
    if "username" not in credentials:
        return
    user = User.objects.filter(username=str(credentials.get("username", ""))).first()
    source = context.current().address
    if user is None and not strangers.is_noteworthy(source=source, method="password", code="unknown_account"):
        return
    subject = audit.ObjectRef.of(user) if user else audit.ObjectRef(type="user", id="", label="unknown account")
    code = ("wrong_password" if user.is_active else "inactive") if user else "unknown_account"
    details = {"method": "password", "code": code}
    with transaction.atomic():
        audit.record(
            action=Action.USER_LOGIN_FAILED,
            actor=Actor.anonymous(),
            obj=subject,
            details=details,
            outcome=Outcome.REFUSED,
        )
