"""Bearer tokens of our own."""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from cellenium_admin.core.models import ApiToken, User
from cellenium_admin.core.services import api_tokens

CHALLENGE = 'Bearer realm="cellenium-admin"'


class ApiTokenAuthentication(BaseAuthentication):
    """Knows a caller by `Authorization: Bearer cea_<key>_<secret>`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Give the token's owner, or None when another scheme is meant.

        Raises AuthenticationFailed with the same words for unknown, wrong, expired and revoked tokens.
        """
        scheme, _, credential = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        token = api_tokens.find_usable(credential.decode("latin-1").strip())
        if token is None:
            raise AuthenticationFailed("This token is not known, has expired or was revoked.", code="invalid_token")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate, and that the token was the mistake when there was one (RFC 6750)."""
        return f'{CHALLENGE}, error="invalid_token"' if get_authorization_header(request) else CHALLENGE
