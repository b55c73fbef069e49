"""Accounts and callers for tests: rows only, without services and without the trail."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.models import ApiToken, User

SCOPES = ("read", "compute", "upload", "manage")


def person(name: str, *roles: str, **fields: Any) -> User:
    user = User(username=f"{name}@example.org", email=f"{name}@example.org", system_roles=list(roles), **fields)
    user.set_unusable_password()
    user.save()
    return user


def token_of(user: User, scopes: Sequence[str] = SCOPES, **fields: Any) -> str:
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    fields.setdefault("expires_at", timezone.now() + timedelta(days=1))
    ApiToken.objects.create(
        user=user,
        name="test",
        key=key,
        secret_sha256=hashlib.sha256(secret.encode()).digest(),
        scopes=list(scopes),
        **fields,
    )
    return f"cea_{key}_{secret}"


def caller(user: User, scopes: Sequence[str] = SCOPES) -> APIClient:
    """A client of the API that carries a token of this user, which was used just now."""
    client = APIClient(raise_request_exception=False)
    token = token_of(user, scopes, last_used_at=timezone.now())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client
