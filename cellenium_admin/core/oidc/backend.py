"""The code flow's last half: a code becomes tokens, tokens an identity, an identity a User."""

from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.utils import absolutify

from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import options, provider, tokens
from cellenium_admin.core.oidc.claims import Identity, identity_of
from cellenium_admin.core.oidc.errors import LoginRefusedError, ProviderUnavailableError, TokenRefusedError
from cellenium_admin.core.oidc.fetching import fetch_json
from cellenium_admin.core.services import logins

CALLBACK = "oidc_authentication_callback"
METHOD = "oidc"


class OidcBackend(OIDCAuthenticationBackend):
    """mozilla-django-oidc's backend with every token checked, and people known by issuer and subject."""

    def __init__(self) -> None:
        """Keep nothing: the library's own would ask for the provider's addresses before anybody logs in."""
        self.UserModel = User

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        """Answer the library's questions from our settings."""
        return options.answer(attr, *args)

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        """Give the account of whoever comes back from the provider with a code.

        None for other kinds of login. Raises LoginRefusedError, in the trail by then, and ProviderUnavailableError.
        """
        if request is None or "nonce" not in kwargs or "code_verifier" not in kwargs:
            return None
        self.request = request
        try:
            identity, id_token = self._identity(request, kwargs["nonce"], kwargs["code_verifier"])
        except LoginRefusedError as error:
            logins.refuse(error, method=METHOD)
        user = logins.sign_in(identity=identity, method=METHOD)
        request.oidc_id_token = id_token  # type: ignore[attr-defined]
        return user

    def get_user(self, user_id: Any) -> User | None:
        """Give the account of a session, none once it is closed: the library's own would go on."""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def _identity(self, request: HttpRequest, nonce: str, code_verifier: str) -> tuple[Identity, str]:
        found = self.get_token(
            {
                "client_id": settings.OIDC_CLIENT_ID,
                "client_secret": settings.OIDC_CLIENT_SECRET,
                "grant_type": "authorization_code",
                "code": request.GET["code"],
                "redirect_uri": absolutify(request, reverse(CALLBACK)),
                "code_verifier": code_verifier,
            }
        )
        id_token, access_token = found.get("id_token"), found.get("access_token")
        claims = self.verify_token(id_token, nonce=nonce)
        sources = [claims]
        if isinstance(access_token, str) and access_token:
            tokens.check_access_token(claims, access_token)
            sources.append(self.get_userinfo(access_token, str(id_token), claims))
        return identity_of(settings.OIDC_ISSUER, *sources), str(id_token)

    def get_token(self, payload: Mapping[str, str]) -> dict[str, Any]:
        """Change the code for tokens. Raises LoginRefusedError when the provider does not take it."""
        address = provider.configured().discovery.token_endpoint
        status, found = fetch_json("POST", address, data=payload, headers={"Accept": "application/json"})
        if status in {400, 401}:
            code = found.get("error")
            said = code if isinstance(code, str) and code.isprintable() else "no reason"
            raise LoginRefusedError("code_refused", f"The login provider did not take the code ({said[:100]}).")
        if status != 200:
            raise ProviderUnavailableError(f"{address} answers with status {status}.")
        return found

    def verify_token(self, token: Any, **kwargs: Any) -> Mapping[str, Any]:
        """Give the claims of an ID token made out for us, in answer to this login. Raises TokenRefusedError."""
        known = provider.configured()
        client = settings.OIDC_CLIENT_ID
        expected = tokens.Expected(known.issuer, [client], [client], nonce=kwargs["nonce"] or "")
        return tokens.verify(token, keys=known.keys, newest_keys=known.newest_keys, expected=expected)

    def get_userinfo(self, access_token: str, id_token: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the provider about the person; an answer about somebody else is none.

        Raises TokenRefusedError, ProviderUnavailableError.
        """
        del id_token  # the library hands it over for those who need it
        address = provider.configured().discovery.userinfo_endpoint
        if not address:
            return {}
        status, found = fetch_json("GET", address, headers={"Authorization": f"Bearer {access_token}"})
        if status != 200:
            raise ProviderUnavailableError(f"{address} answers with status {status}.")
        if found.get("sub") != payload["sub"]:
            raise TokenRefusedError("wrong_userinfo", "The login provider tells about somebody else.")
        return found

    def filter_users_by_claims(self, claims: Mapping[str, Any]) -> NoReturn:
        """Refuse the library's way: nobody is found by an e-mail address here."""
        raise NotImplementedError("People are known by issuer and subject: see core/services/logins.py.")
