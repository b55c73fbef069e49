"""Logins of the admin, told to the trail; loaded when the `core` app is ready."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, Outcome, User
from cellenium_admin.core.services import audit


@receiver(user_logged_in)
def record_login(*, user: User, **_: Any) -> None:
    """Record who logged in."""
    with transaction.atomic():
        audit.record(action=Action.USER_LOGGED_IN, actor=Actor.of(user), obj=user)


@receiver(user_logged_out)
def record_logout(*, user: User | None, **_: Any) -> None:
    """Record who logged out; a session without a user ends unnoticed."""
    if user is not None:
        with transaction.atomic():
            audit.record(action=Action.USER_LOGGED_OUT, actor=Actor.of(user), obj=user)


@receiver(user_login_failed)
def record_failed_login(*, credentials: Mapping[str, Any], **_: Any) -> None:
    """Record for which account a login failed.

    A name we do not know is not kept: people type passwords into the wrong field.
    """
    user = User.objects.filter(username=str(credentials.get("username", ""))).first()
    subject = audit.ObjectRef.of(user) if user else audit.ObjectRef(type="user", id="", label="unknown account")
    with transaction.atomic():
        audit.record(action=Action.USER_LOGIN_FAILED, actor=Actor.anonymous(), obj=subject, outcome=Outcome.REFUSED)
