"""Bearer tokens of the login provider."""

from dataclasses import replace

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from cellenium_admin.core.api.authentication import CHALLENGE
from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import presented, provider, tokens
from cellenium_admin.core.oidc.claims import Identity, identity_of
from cellenium_admin.core.oidc.errors import LoginRefusedError, TokenRefusedError
from cellenium_admin.core.services.api_tokens import MARK

METHOD = "bearer"


class OidcBearerAuthentication(BaseAuthentication):
    """Knows a caller by `Authorization: Bearer` with a JSON Web Token of the provider, made out for this server.

    Whoever has such a token may do with it what they may do in a browser.
    """

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Give the person, or None when another scheme or one of our own tokens is meant.

        Raises AuthenticationFailed, and ProviderUnavailableError when the keys cannot be had.
        """
        scheme, _, credential = get_authorization_header(request).partition(b" ")
        token = credential.decode("latin-1").strip()
        if scheme.lower() != b"bearer" or token.startswith(f"{MARK}_") or not settings.OIDC_ISSUER:
            return None
        try:
            return presented.account(token, method=METHOD, verify=_identify), None
        except LoginRefusedError as error:
            raise AuthenticationFailed(error.detail, code="invalid_token") from error

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate, and that the token was the mistake when there was one (RFC 6750)."""
        return f'{CHALLENGE}, error="invalid_token"' if get_authorization_header(request) else CHALLENGE


def _identify(token: str) -> Identity:
    known = provider.configured()
    audiences = settings.OIDC_AUDIENCES or [settings.OIDC_CLIENT_ID]
    expected = tokens.Expected(known.issuer, audiences, [settings.OIDC_CLIENT_ID, *audiences])
    claims = tokens.verify(token, keys=known.keys, newest_keys=known.newest_keys, expected=expected)
    _refuse_answer_of_a_login(claims)
    return replace(identity_of(known.issuer, claims), issued_at=max(0, int(claims["iat"])))


def _refuse_answer_of_a_login(claims: tokens.Claims) -> None:
    """Refuse the ID token of a login in a browser: it goes back to the provider in an address when one logs out.

    Old Keycloaks put the nonce into access tokens too, which they mark by the claim `typ`.
    """
    if "nonce" in claims and claims.get("typ") != "Bearer":
        detail = "This is the answer to a login in a browser: ask the provider for an access token."
        raise TokenRefusedError("login_token", detail)
