"""API tokens of our own: made once, kept as a hash, found by their public key."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, FieldError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import Action, ApiToken, TokenScope, User
from cellenium_admin.core.services import audit

MARK = "cea"
KEY_BYTES = 8
SECRET_BYTES = 32
TOUCH_EVERY = timedelta(minutes=1)


def create_token(*, user: User, name: str, scopes: Collection[str], days: int, actor: Actor) -> tuple[ApiToken, str]:
    """Make a token and give it with its plain text, which exists nowhere else and is never shown again.

    Raises InvalidInputError, ConflictError when the account is not active.
    """
    _check(name=name, scopes=scopes, days=days)
    key, secret = secrets.token_hex(KEY_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        owner = User.objects.select_for_update().get(pk=user.pk)
        if not owner.is_active:
            raise ConflictError(f"The account {owner.username} is not active; it can have no token.")
        token = ApiToken.objects.create(
            user=owner,
            name=name,
            key=key,
            secret_sha256=_digest(secret),
            scopes=sorted(set(scopes)),
            expires_at=timezone.now() + timedelta(days=days),
        )
        audit.record(action=Action.TOKEN_CREATED, actor=actor, obj=token, after=_facts(token))
    return token, f"{MARK}_{key}_{secret}"


def revoke_token(*, key: str, actor: Actor, reason: str = "") -> ApiToken:
    """End a token for good.

    Raises NotFoundError, ConflictError when it was revoked before.
    """
    with transaction.atomic():
        token = ApiToken.objects.select_for_update(of=("self",)).select_related("user").filter(key=key).first()
        if token is None:
            raise NotFoundError("There is no token with this key; `tokens list` shows the keys.")
        if token.revoked_at is not None:
            raise ConflictError(f"This token was revoked at {token.revoked_at.isoformat()}.")
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(action=Action.TOKEN_REVOKED, actor=actor, obj=token, before=_facts(token), reason=reason)
    return token


def revoke_tokens_of(*, user: User, actor: Actor, reason: str = "") -> list[ApiToken]:
    """End all tokens of an account that still work, and give them."""
    with transaction.atomic():
        alive = ApiToken.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=timezone.now())
        keys = list(alive.order_by("pk").values_list("key", flat=True))
        return [revoke_token(key=key, actor=actor, reason=reason) for key in keys]


def find_usable(plain_text: str) -> ApiToken | None:
    """Find the token with this plain text, unless it has ended or its owner may not log in; notes the use.

    The secret is compared in constant time, and an unknown key costs the same comparison as a known one.
    """
    mark, _, rest = plain_text.partition("_")
    key, _, secret = rest.partition("_")
    if mark != MARK or not secret or not key.isalnum():
        return None
    token = ApiToken.objects.select_related("user").filter(key=key).first()
    stored = bytes(token.secret_sha256) if token else bytes(hashlib.sha256().digest_size)
    matches = hmac.compare_digest(stored, _digest(secret))
    if token is None or not matches or not _is_usable(token):
        return None
    _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    """Write the time of use at most once a minute, whoever comes first; a busy token must not be a hot row."""
    now = timezone.now()
    stale = now - TOUCH_EVERY
    if token.last_used_at is None or token.last_used_at <= stale:
        unseen = Q(last_used_at__isnull=True) | Q(last_used_at__lte=stale)
        ApiToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)


def _is_usable(token: ApiToken) -> bool:
    return token.revoked_at is None and token.expires_at > timezone.now() and token.user.is_active


def _check(*, name: str, scopes: Collection[str], days: int) -> None:
    errors = []
    if not name.strip() or len(name) > 100:
        errors.append(FieldError("/name", "invalid", "Give a name of 1 to 100 characters that says what it is for."))
    if not scopes or not set(scopes) <= set(TokenScope.values):
        errors.append(FieldError("/scopes", "invalid", f"Give one or more of: {', '.join(TokenScope.values)}."))
    if not 1 <= days <= settings.TOKEN_MAX_DAYS:
        errors.append(FieldError("/days", "out_of_range", f"Give 1 to {settings.TOKEN_MAX_DAYS} days."))
    if errors:
        raise InvalidInputError(" ".join(error.detail for error in errors), errors=errors)


def _facts(token: ApiToken) -> dict[str, object]:
    """Describe a token for the trail: everything but its secret and the hash of it."""
    return {
        "name": token.name,
        "key": token.key,
        "scopes": list(token.scopes),
        "user": str(token.user_id),
        "expires_at": token.expires_at.isoformat(),
    }


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
