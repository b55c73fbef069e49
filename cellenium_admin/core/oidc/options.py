"""What mozilla-django-oidc asks its settings, answered from ours and from the provider's discovery document."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from cellenium_admin.core.oidc import provider

# Names that are looked up when they are needed: the provider need not answer while this server starts.
_ANSWERS: Mapping[str, Callable[[], Any]] = {
    "OIDC_OP_AUTHORIZATION_ENDPOINT": lambda: provider.configured().discovery.authorization_endpoint,
    "OIDC_OP_TOKEN_ENDPOINT": lambda: provider.configured().discovery.token_endpoint,
    "OIDC_OP_USER_ENDPOINT": lambda: provider.configured().discovery.userinfo_endpoint,
    "OIDC_OP_JWKS_ENDPOINT": lambda: provider.configured().discovery.jwks_uri,
    "OIDC_RP_CLIENT_ID": lambda: settings.OIDC_CLIENT_ID,
    "OIDC_RP_CLIENT_SECRET": lambda: settings.OIDC_CLIENT_SECRET,
    "OIDC_RP_SCOPES": lambda: settings.OIDC_SCOPES,
    "OIDC_RP_SIGN_ALGO": lambda: settings.OIDC_ALGORITHMS[0],
    "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS": lambda: settings.OIDC_REFRESH_SECONDS,
    "OIDC_TIMEOUT": lambda: settings.OIDC_TIMEOUT_SECONDS,
    "OIDC_USE_PKCE": lambda: True,
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": lambda: "S256",
    "OIDC_USE_NONCE": lambda: True,
    "OIDC_STATE_SIZE": lambda: 43,
    "OIDC_NONCE_SIZE": lambda: 43,
    "OIDC_STORE_ACCESS_TOKEN": lambda: False,
    "OIDC_STORE_ID_TOKEN": lambda: False,
    "OIDC_ALLOW_UNSECURED_JWT": lambda: False,
    "OIDC_VERIFY_SSL": lambda: True,
    "LOGIN_REDIRECT_URL": lambda: settings.LOGIN_REDIRECT_URL,
}


def answer(name: str, *default: Any) -> Any:
    """Answer for one setting of mozilla-django-oidc; what is not answered here has the library's own default.

    Raises ProviderUnavailableError for an address of a provider that cannot be asked.
    """
    found = _ANSWERS.get(name)
    if found is not None:
        return found()
    if default:
        return default[0]
    raise KeyError(f"{name} has no answer in core/oidc/options.py")
