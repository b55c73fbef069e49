"""What happens to access when an account is closed or changes hands; loaded when the `grants` app is ready."""

from typing import Any

from django.dispatch import receiver

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from cellenium_admin.core.signals import user_deactivated, user_rebound
from grants.services import cuts


@receiver(user_deactivated)
def cut_sessions(*, user: User, actor: Actor, **_: Any) -> None:
    """Cut what the person still holds, in the transaction that closes the account; the outbox tells AWS."""
    cuts.cut_of_user(user=user, actor=actor, reason="the account was closed")


@receiver(user_rebound)
def cut_former_holders_sessions(*, user: User, actor: Actor, **_: Any) -> None:
    """Cut what somebody else took while the account was theirs."""
    cuts.cut_of_user(user=user, actor=actor, reason="the account was bound to another person")
