"""What the provider says of itself and the keys it signs with, kept for a while by each process."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from django.conf import settings

from cellenium_admin.core.oidc.errors import ProviderUnavailableError
from cellenium_admin.core.oidc.fetching import fetch_json

Found = TypeVar("Found")
Keys = list[Mapping[str, Any]]

DISCOVERY = "/.well-known/openid-configuration"
# An unknown key is asked for at once, but not by each forged token: at most so often.
EARLY_SECONDS = 30.0
# While the provider is away, the last is used for so long before it is asked again.
RETRY_SECONDS = 10.0
MOST_KEYS = 100
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Discovery:
    """The addresses of a provider (OpenID Connect Discovery 1.0, section 3); what it does not offer is empty."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""


class Kept(Generic[Found]):
    """Something fetched that is good for a while; while the provider is away, the last is used a while longer."""

    def __init__(self, fetch: Callable[[], Found]) -> None:
        """Fetch nothing yet."""
        self._fetch = fetch
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._at = self._tried = self._failed = float("-inf")

    @property
    def kept(self) -> Found | None:
        """Give what there is, fetched or not; asks nobody."""
        return self._found

    def get(self) -> Found:
        """Give it, fetched anew when it is too old. Raises ProviderUnavailableError."""
        asked = time.monotonic()
        with self._lock:
            if self._found is not None and self._is_good_enough():
                return self._found
            if self._failed > asked:
                raise ProviderUnavailableError("The login provider did not answer somebody else a moment ago.")
            return self._renewed()

    def early(self) -> Found:
        """Give it fetched anew, unless that was tried a moment ago."""
        with self._lock:
            if self._found is not None and time.monotonic() - self._tried < EARLY_SECONDS:
                return self._found
            return self._renewed()

    def _is_good_enough(self) -> bool:
        """Tell whether it is young, or was not to be had anew a moment ago and is not that old."""
        seconds: float = settings.OIDC_KEYS_SECONDS
        pause = time.monotonic() - self._failed < RETRY_SECONDS
        return time.monotonic() - self._at <= (2 * seconds if pause else seconds)

    def _renewed(self) -> Found:
        self._tried = time.monotonic()
        try:
            self._found = self._fetch()
        except ProviderUnavailableError:
            self._failed = time.monotonic()
            if self._found is None or self._failed - self._at > 2 * settings.OIDC_KEYS_SECONDS:
                raise
            return self._found
        self._at = time.monotonic()
        return self._found


class Provider:
    """One OpenID Connect provider."""

    def __init__(self, issuer: str) -> None:
        """Know it by its issuer; nothing is asked yet."""
        self.issuer = issuer
        self._discovery = Kept(self._discover)
        self._keys = Kept(self._fetch_keys)

    @property
    def known(self) -> Discovery | None:
        """Give its addresses if they were asked for before; asks nobody."""
        return self._discovery.kept

    @property
    def discovery(self) -> Discovery:
        """Give its addresses. Raises ProviderUnavailableError."""
        return self._discovery.get()

    def keys(self) -> Keys:
        """Give its public keys as JSON Web Keys (RFC 7517). Raises ProviderUnavailableError."""
        return self._keys.get()

    def newest_keys(self) -> Keys:
        """Give them fetched anew, for a token that names a key not seen before: providers rotate them."""
        return self._keys.early()

    def _discover(self) -> Discovery:
        status, found = fetch_json("GET", self.issuer.rstrip("/") + DISCOVERY)
        if status != 200 or found.get("issuer") != self.issuer:
            raise ProviderUnavailableError(
                f"The discovery document of {self.issuer} names the issuer {str(found.get('issuer'))[:200]!r} (status "
                f"{status}): CELLENIUM_OIDC_ISSUER must be written exactly as the provider writes it."
            )
        return Discovery(
            issuer=self.issuer,
            authorization_endpoint=_address(found, "authorization_endpoint"),
            token_endpoint=_address(found, "token_endpoint"),
            userinfo_endpoint=_address(found, "userinfo_endpoint", needed=False),
            jwks_uri=_address(found, "jwks_uri"),
            end_session_endpoint=_address(found, "end_session_endpoint", needed=False),
        )

    def _fetch_keys(self) -> Keys:
        status, found = fetch_json("GET", self.discovery.jwks_uri)
        keys = found.get("keys")
        if status != 200 or not isinstance(keys, list):
            raise ProviderUnavailableError(f"{self.discovery.jwks_uri} does not list keys (status {status}).")
        return [key for key in keys[:MOST_KEYS] if isinstance(key, dict)]


_providers: dict[str, Provider] = {}


def configured() -> Provider:
    """Give the provider of the settings, one for each process. Raises ProviderUnavailableError when there is none."""
    issuer = settings.OIDC_ISSUER
    if not issuer:
        raise ProviderUnavailableError("No login provider is configured: set CELLENIUM_OIDC_ISSUER.")
    return _providers.setdefault(issuer, Provider(issuer))


def forget() -> None:
    """Forget what was fetched, as a new process does."""
    _providers.clear()


def _address(found: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """Take an address out of the discovery document; plain HTTP only on this very machine."""
    value = found.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not is_usable(value):
        raise ProviderUnavailableError(f"The provider's discovery document has no usable {name}.")
    return str(value)


def is_usable(address: str) -> bool:
    """Tell whether what is asked and said there stays between the two: by HTTPS, or on this very machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))
