"""The header an AWS load balancer adds after it has logged somebody in, believed only with its signature.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
"""

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from cellenium_admin.core.oidc.claims import Identity, identity_of
from cellenium_admin.core.oidc.errors import ProviderUnavailableError, TokenRefusedError
from cellenium_admin.core.oidc.fetching import fetch
from cellenium_admin.core.oidc.tokens import check_subject, read_header

HEADER = "x-amzn-oidc-data"
METHOD = "load_balancer"
ALGORITHM = "ES256"
MOST_KEYS = 100
# Of keys not seen before, which forged headers name, so many are asked for in a minute.
MOST_FETCHES, FETCH_SECONDS = 20, 60.0

_lock = threading.Lock()
_keys: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()
_fetches: list[float] = []


def is_on() -> bool:
    """Tell whether any load balancer is trusted."""
    return bool(settings.LOAD_BALANCER_SIGNERS)


def identify(token: str) -> Identity:
    """Give whom a trusted load balancer has logged in. Raises TokenRefusedError, ProviderUnavailableError."""
    header = read_header(token)
    signer = _signer(header)
    _check_client(header)
    _check_time(header)
    claims = _decoded(token, _key(signer, _kid(header)))
    return identity_of(settings.OIDC_ISSUER, claims)


def forget() -> None:
    """Forget the keys, as a new process does."""
    with _lock:
        _keys.clear()
        _fetches.clear()


def _signer(header: Mapping[str, Any]) -> str:
    if header.get("alg") != ALGORITHM:
        raise TokenRefusedError("wrong_algorithm", "The load balancer's header is not signed with ES256.")
    signer = header.get("signer")
    if not isinstance(signer, str) or signer not in settings.LOAD_BALANCER_SIGNERS:
        raise TokenRefusedError("wrong_signer", "The header is not from a load balancer that is trusted here.")
    return signer


def _check_client(header: Mapping[str, Any]) -> None:
    if header.get("iss") != settings.OIDC_ISSUER or not settings.OIDC_ISSUER:
        raise TokenRefusedError("wrong_issuer", "The load balancer asks another login provider.")
    client = header.get("client")
    if not isinstance(client, str) or not hmac.compare_digest(
        client.encode(errors="backslashreplace"), settings.OIDC_CLIENT_ID.encode()
    ):
        raise TokenRefusedError("wrong_party", "The load balancer asked for the login in another name.")


def _check_time(header: Mapping[str, Any]) -> None:
    """Check the moment until which the header is good: the load balancer writes it beside its key's name."""
    until = header.get("exp")
    if not isinstance(until, int) or isinstance(until, bool):
        raise TokenRefusedError("claim_missing", "The load balancer's header does not say until when it is good.")
    if until <= time.time() - settings.OIDC_LEEWAY_SECONDS:
        raise TokenRefusedError("token_expired", "The load balancer's header has expired.")


def _kid(header: Mapping[str, Any]) -> str:
    """Take the key's name, which goes into an address, only as the UUID it is."""
    kid = header.get("kid")
    try:
        plain = str(UUID(kid)) if isinstance(kid, str) else ""
    except ValueError:
        plain = ""
    if not plain or plain != kid:
        raise TokenRefusedError("unknown_key", "The load balancer's header names no key.")
    return plain


def _key(signer: str, kid: str) -> bytes:
    """Give the public key in PEM from where AWS publishes it for the Region of the load balancer."""
    with _lock:
        at, pem = _keys.get((signer, kid), (float("-inf"), b""))
        if time.monotonic() - at <= settings.OIDC_KEYS_SECONDS:
            return pem
        if not pem:
            _check_rate()
    status, pem = fetch("GET", f"{_keys_url(signer)}/{kid}")
    if status in {403, 404}:
        raise TokenRefusedError("unknown_key", "AWS publishes no such key of a load balancer.")
    if status != 200:
        raise ProviderUnavailableError(f"The keys of the load balancers cannot be fetched (status {status}).")
    with _lock:
        _keys[signer, kid] = (time.monotonic(), pem)
        while len(_keys) > MOST_KEYS:
            _keys.popitem(last=False)
    return pem


def _check_rate() -> None:
    now = time.monotonic()
    _fetches[:] = [at for at in _fetches if at > now - FETCH_SECONDS]
    if len(_fetches) >= MOST_FETCHES:
        raise ProviderUnavailableError("Too many unknown keys were named in the last minute; try again in a minute.")
    _fetches.append(now)


def _keys_url(signer: str) -> str:
    """Give the address for the Region in `arn:aws:elasticloadbalancing:REGION:...`."""
    given = str(settings.LOAD_BALANCER_KEYS_URL)
    return given.rstrip("/") or f"https://public-keys.auth.elb.{signer.split(':')[3]}.amazonaws.com"


def _decoded(token: str, pem: bytes) -> dict[str, Any]:
    """Check the signature. What is signed are the claims of the user info; its times and client are in the header."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            pem,
            algorithms=[ALGORITHM],
            leeway=settings.OIDC_LEEWAY_SECONDS,
            options={"require": ["sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise TokenRefusedError("token_expired", "The load balancer's header has expired.") from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenRefusedError("wrong_signature", "The load balancer's header does not hold.") from error
    check_subject(claims)
    if claims.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
        raise TokenRefusedError("wrong_issuer", "The load balancer asks another login provider.")
    # Cognito's user info writes booleans as text; here it is AWS itself that says so.
    if claims.get("email_verified") == "true":
        claims["email_verified"] = True
    return claims
