"""JSON Web Tokens of the provider: believed only when every one of these checks holds.

Sources: OpenID Connect Core 1.0, sections 3.1.3.6 and 3.1.3.7; RFC 8725 (best practices for JSON Web Tokens).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings

from cellenium_admin.core.oidc.errors import TokenRefusedError

Claims = Mapping[str, Any]
Key = Mapping[str, Any]

MOST_CHARACTERS = 32 * 1024
MOST_SUBJECT = 255
# Of which kind and curve a key must be for an algorithm; anything else is no algorithm here.
KEY_KINDS: Mapping[str, Mapping[str, str]] = {"RS256": {"kty": "RSA"}, "ES256": {"kty": "EC", "crv": "P-256"}}
# Not those that end a session, or stand for an event (RFC 8725, section 3.11).
TYPES = {"jwt", "at+jwt"}
LEAST_RSA_BITS = 2048
REQUIRED = ("iss", "sub", "aud", "exp", "iat")

# The code of a refusal by what the library found.
_CODES: tuple[tuple[type[jwt.PyJWTError], str, str], ...] = (
    (jwt.ExpiredSignatureError, "token_expired", "The token has expired: log in again."),
    (jwt.ImmatureSignatureError, "token_not_yet_valid", "The token is not valid yet: are the clocks right?"),
    (jwt.InvalidAudienceError, "wrong_audience", "The token was made out for somebody else."),
    (jwt.InvalidIssuerError, "wrong_issuer", "The token comes from another provider."),
    (jwt.MissingRequiredClaimError, "claim_missing", "The token lacks a claim that every token needs."),
    (jwt.InvalidSignatureError, "wrong_signature", "The token's signature does not hold."),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: who made it out, for whom, and in answer to which request."""

    issuer: str
    audiences: Sequence[str]
    # Who may have asked for it, where the token says who did.
    parties: Sequence[str]
    nonce: str | None = None


def verify(
    token: str, *, keys: Callable[[], Sequence[Key]], newest_keys: Callable[[], Sequence[Key]], expected: Expected
) -> Claims:
    """Give the claims of a token that holds. Raises TokenRefusedError, and what fetching keys raises."""
    header = read_header(token)
    algorithm, kid = _algorithm(header), _kid(header)
    candidates = fitting(keys(), algorithm, kid) or fitting(newest_keys(), algorithm, kid)
    if not candidates:
        raise TokenRefusedError("unknown_key", "The token is signed with a key the provider does not name.")
    claims = _decoded(token, candidates, algorithm, expected)
    check_subject(claims)
    _check_party(claims, expected)
    _check_nonce(claims, expected)
    return claims


def read_header(token: object) -> Mapping[str, Any]:
    """Read the header, which nothing vouches for yet. Raises TokenRefusedError."""
    if not isinstance(token, str) or not 0 < len(token) <= MOST_CHARACTERS:
        raise TokenRefusedError("malformed_token", "This is no JSON Web Token.")
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenRefusedError("malformed_token", "This is no JSON Web Token.") from error
    if "crit" in header:
        raise TokenRefusedError("malformed_token", "The token asks for an extension that is not known here.")
    if str(header.get("typ", "JWT")).lower().removeprefix("application/") not in TYPES:
        raise TokenRefusedError("wrong_type", "The token is of a kind that logs nobody in.")
    return header


def fitting(keys: Sequence[Key], algorithm: str, kid: str | None) -> list[jwt.PyJWK]:
    """Select the keys a token may be signed with: of the right kind, for signing, with its name if it gives one."""
    wanted = KEY_KINDS[algorithm]
    found = [
        key
        for key in keys
        if all(key.get(name) == value for name, value in wanted.items())
        and key.get("use", "sig") == "sig"
        and ("key_ops" not in key or (isinstance(key["key_ops"], list) and "verify" in key["key_ops"]))
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    return [key for key in map(_read_key, found, [algorithm] * len(found)) if key is not None]


def check_access_token(claims: Claims, access_token: str) -> None:
    """Check that an ID token belongs to the access token it came with, where it says so (`at_hash`).

    Raises TokenRefusedError.
    """
    said = claims.get("at_hash")
    if said is None:
        return
    half = hashlib.sha256(_bytes(access_token)).digest()[:16]
    if not isinstance(said, str) or not hmac.compare_digest(_bytes(said), base64.urlsafe_b64encode(half).rstrip(b"=")):
        raise TokenRefusedError("wrong_access_token", "The access token is not the one the ID token came with.")


def _algorithm(header: Mapping[str, Any]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in settings.OIDC_ALGORITHMS or algorithm not in KEY_KINDS:
        raise TokenRefusedError("wrong_algorithm", "The token is not signed with RS256 or ES256.")
    return algorithm


def _kid(header: Mapping[str, Any]) -> str | None:
    kid = header.get("kid")
    if kid is None and settings.OIDC_REQUIRE_KID:
        raise TokenRefusedError("key_not_named", "The token does not name the key it is signed with.")
    if kid is not None and not isinstance(kid, str):
        raise TokenRefusedError("malformed_token", "The token names its key in a way that cannot be read.")
    return kid


def _read_key(key: Key, algorithm: str) -> jwt.PyJWK | None:
    """Give a public key, None for one that cannot be used: too short, or not what it says."""
    try:
        read = jwt.PyJWK(dict(key), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if getattr(read.key, "key_size", LEAST_RSA_BITS) < LEAST_RSA_BITS and algorithm == "RS256" else read


def _decoded(token: str, candidates: Sequence[jwt.PyJWK], algorithm: str, expected: Expected) -> Claims:
    """Try each key: there is more than one only where tokens do not name theirs."""
    refusal: TokenRefusedError | None = None
    for key in candidates:
        try:
            claims: Claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=list(expected.audiences),
                issuer=expected.issuer,
                leeway=settings.OIDC_LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            refusal = _translated(error)
            if refusal.code != "wrong_signature":
                raise refusal from error
        else:
            return claims
    raise refusal or TokenRefusedError("unknown_key", "No key fits the token.")


def _translated(error: Exception) -> TokenRefusedError:
    for kind, code, detail in _CODES:
        if isinstance(error, kind):
            return TokenRefusedError(code, detail)
    return TokenRefusedError("malformed_token", "The token cannot be read.")


def check_subject(claims: Claims) -> None:
    """Check that claims say whom they are about, in a way that can be written down. Raises TokenRefusedError."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT or not subject.isprintable():
        raise TokenRefusedError("wrong_subject", "The token does not say whom it is about.")


def _check_party(claims: Claims, expected: Expected) -> None:
    """Check who asked for the token: it must be told when the token is for several, and be one of us when told."""
    audience, party = claims["aud"], claims.get("azp")
    if party is None and isinstance(audience, list) and len(audience) > 1:
        raise TokenRefusedError("wrong_party", "The token is for several and does not say who asked for it.")
    if party is not None and party not in expected.parties:
        raise TokenRefusedError("wrong_party", "The token was asked for by somebody else.")


def _check_nonce(claims: Claims, expected: Expected) -> None:
    if expected.nonce is None:
        return
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(_bytes(nonce), _bytes(expected.nonce)):
        raise TokenRefusedError("wrong_nonce", "The token does not answer this login: begin it again.")


def _bytes(text: str) -> bytes:
    """Encode what a stranger sent, half surrogate pairs too."""
    return text.encode(errors="backslashreplace")
