"""What an attacker may write into a token, each with the honest twin that differs in nothing else."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support import forged_jws
from tests.support.forged_jws import Key, ec_key, hmac_signer, jws, rsa_key
from tests.support.forging_provider import CLIENT, ForgingProvider

Claims = dict[str, Any]
Make = Callable[[ForgingProvider, Claims], str]


@dataclass(frozen=True)
class Forgery:
    """A lie and its honest twin: given a provider and the claims it would make, each gives a token."""

    name: str
    lie: Make
    twin: Make


def honest(provider: ForgingProvider, claims: Claims) -> str:
    return provider.token(claims)


def saying(**changes: Any) -> Make:
    """Change claims; None leaves one out, a function is given the provider."""

    def make(provider: ForgingProvider, claims: Claims) -> str:
        told = {name: value(provider) if callable(value) else value for name, value in changes.items()}
        changed = {name: value for name, value in {**claims, **told}.items() if value is not None}
        return provider.token(changed)

    return make


def at(**seconds: float) -> Make:
    """Set times, in seconds from now."""
    return saying(**{name: lambda _, offset=offset: int(time.time() + offset) for name, offset in seconds.items()})


def headed(**header: Any) -> Make:
    """Change the header of a token that is signed by the right key; None leaves a member out."""
    return lambda provider, claims: provider.token(claims, **header)


def signed(key: Key, alg: str = "", **header: Any) -> Make:
    """Sign with another key, under its own or another algorithm."""

    def make(provider: ForgingProvider, claims: Claims) -> str:
        head = {"alg": alg or key.alg, "typ": "JWT", "kid": key.kid, **header}
        shown = {name: value for name, value in head.items() if value is not None}
        return jws(shown, claims, key.signer(alg or key.alg))

    return make


def published(key: Key, make: Make, **members: Any) -> Make:
    """Publish a key beside the right one, changed in some members (None leaves one out), before the token is made."""

    def with_key(provider: ForgingProvider, claims: Claims) -> str:
        jwk = {name: value for name, value in {**key.jwk, **members}.items() if value is not None}
        provider.keys = [provider.key.jwk, jwk]
        return make(provider, claims)

    return with_key


def unsigned(alg: Any, signer: forged_jws.Signer = forged_jws.unsigned) -> Make:
    """Write an algorithm that is none, or is not what the key is for."""
    return lambda provider, claims: jws({"alg": alg, "typ": "JWT", "kid": provider.key.kid}, claims, signer)


def with_public_key(form: str) -> Make:
    """Sign by HMAC with the public key, which the attacker has, in one of the forms a library may keep it in."""

    def make(provider: ForgingProvider, claims: Claims) -> str:
        secret = provider.key.pem if form == "pem" else provider.key.jwk["n"].encode()
        return jws({"alg": "HS256", "typ": "JWT", "kid": provider.key.kid}, claims, hmac_signer(secret))

    return make


def spoiled(spoil: Callable[[str], str]) -> Make:
    """Change the text of an honest token."""
    return lambda provider, claims: spoil(provider.token(claims))


def pointing(member: str) -> Make:
    """Bring one's own key along in the header, by value or by address, under the id of the right one."""

    def make(provider: ForgingProvider, claims: Claims) -> str:
        thief = rsa_key("thief")
        values = {
            "jwk": {**thief.jwk, "kid": provider.key.kid},
            "jku": f"{provider.issuer}/thief",
            "x5u": f"{provider.issuer}/thief",
            "x5c": [forged_jws.encoded(thief.pem, padded=True)],
        }
        return signed(thief, kid=provider.key.kid, **{member: values[member]})(provider, claims)

    return make


def _swapped(token: str) -> str:
    """Put other claims under an honest signature."""
    header, _, signature = token.split(".")
    return ".".join([header, forged_jws.encoded(b'{"sub": "subject-of-administrator"}'), signature])


OTHER, CURVE = rsa_key("other"), ec_key("curve")
AUDIENCE = [
    Forgery("aud of another client", saying(aud="another"), saying(aud=CLIENT)),
    Forgery("aud begins like ours", saying(aud=f"{CLIENT}-staging"), honest),
    Forgery("aud in other case", saying(aud=CLIENT.upper()), honest),
    Forgery("no aud", saying(aud=None), saying(aud=[CLIENT])),
    Forgery("empty aud", saying(aud=[]), saying(aud=[CLIENT])),
    Forgery("aud is an object", saying(aud={CLIENT: True}), honest),
    Forgery("aud holds ours among no text", saying(aud=[CLIENT, 7]), honest),
    Forgery("several aud without azp", saying(aud=[CLIENT, "other"]), saying(aud=[CLIENT, "other"], azp=CLIENT)),
    Forgery("azp of another client", saying(azp="another"), saying(azp=CLIENT)),
    Forgery("several aud, azp of the other", saying(aud=[CLIENT, "other"], azp="other"), saying(azp=CLIENT)),
]
ISSUER = [
    Forgery("iss of another provider", saying(iss="https://accounts.example.org"), honest),
    Forgery("iss with a slash more", saying(iss=lambda provider: provider.issuer + "/"), honest),
    Forgery("iss in other case", saying(iss=lambda provider: provider.issuer.upper()), honest),
    Forgery("iss is a list", saying(iss=lambda provider: [provider.issuer]), honest),
    Forgery("no iss", saying(iss=None), honest),
]
TIME = [
    Forgery("expired", at(iat=-400, exp=-60), at(iat=-400, exp=-5)),
    Forgery("no exp", saying(exp=None), honest),
    Forgery("exp is text", saying(exp="tomorrow"), honest),
    Forgery("exp is no number", saying(exp=float("nan")), honest),
    Forgery("exp is endless", saying(exp=float("inf")), honest),
    Forgery("exp lies before all time", saying(exp=-(10**400)), honest),
    Forgery("exp is true", saying(exp=True), honest),
    Forgery("nbf ahead", at(nbf=120), at(nbf=5)),
    Forgery("nbf is an object", saying(nbf={}), at(nbf=0)),
    Forgery("iat far ahead", at(iat=3600, exp=7200), at(iat=5)),
    Forgery("iat is text", saying(iat="now"), honest),
    Forgery("no iat", saying(iat=None), honest),
]
ALGORITHM = [
    Forgery("alg none", unsigned("none"), honest),
    Forgery("alg NONE", unsigned("NONE"), honest),
    Forgery("alg nOnE and a signature", unsigned("nOnE", forged_jws.garbage(256)), honest),
    Forgery("no alg", headed(alg=None), honest),
    Forgery("alg is a list", headed(alg=["RS256"]), honest),
    Forgery("alg in small letters", headed(alg="rs256"), honest),
    Forgery("HS256 with the public key as PEM", with_public_key("pem"), honest),
    Forgery("HS256 with the public key's modulus", with_public_key("modulus"), honest),
    Forgery("HS256 with the client's secret", unsigned("HS256", hmac_signer(b"the secret of the client")), honest),
    Forgery("HS256 with an empty secret", unsigned("HS256", hmac_signer(b"")), honest),
    Forgery("RS512", published(OTHER, signed(OTHER, "RS512"), alg="RS512"), published(OTHER, signed(OTHER))),
    Forgery("PS256", published(OTHER, signed(OTHER, "PS256"), alg="PS256"), published(OTHER, signed(OTHER))),
    Forgery(
        "ES384",
        published(ec_key("wide", "P-384"), signed(ec_key("wide", "P-384"))),
        published(CURVE, signed(CURVE)),
    ),
    Forgery("key for RS512, token says RS256", published(OTHER, signed(OTHER), alg="RS512"), honest),
    Forgery("token says ES256, key is RSA", unsigned("ES256", forged_jws.zeros(64)), honest),
    Forgery(
        "signature of zeros",
        published(CURVE, lambda p, c: jws({"alg": "ES256", "kid": CURVE.kid}, c, forged_jws.zeros(64))),
        published(CURVE, signed(CURVE)),
    ),
    Forgery(
        "key from a curve of another size",
        published(ec_key("wide", "P-384"), signed(ec_key("wide", "P-384"), kid=None), alg="ES256"),
        published(CURVE, signed(CURVE)),
    ),
]
KEY = [
    Forgery("signed by a stranger", signed(OTHER, kid="signing"), honest),
    Forgery("unknown kid", signed(OTHER), published(OTHER, signed(OTHER))),
    Forgery("missing kid", headed(kid=None), honest),
    Forgery("empty kid", headed(kid=""), honest),
    Forgery("kid is a number", headed(kid=7), honest),
    Forgery("kid is a list", headed(kid=["signing"]), honest),
    Forgery("kid is a path", headed(kid="../../../etc/passwd"), honest),
    Forgery("kid in other case", headed(kid="SIGNING"), honest),
    Forgery("key for encryption", published(OTHER, signed(OTHER), use="enc"), published(OTHER, signed(OTHER))),
    Forgery(
        "key that may only encrypt",
        published(OTHER, signed(OTHER), use=None, key_ops=["encrypt"]),
        published(OTHER, signed(OTHER), use=None, key_ops=["verify"]),
    ),
    Forgery(
        "secret among the public keys",
        published(
            OTHER,
            lambda p, c: jws({"alg": "HS256", "kid": "other"}, c, hmac_signer(b"k" * 32)),
            kty="oct",
            alg="HS256",
            k=forged_jws.encoded(b"k" * 32),
        ),
        honest,
    ),
    Forgery(
        "key of 1024 bits",
        published(rsa_key("short", 1024), signed(rsa_key("short", 1024))),
        published(OTHER, signed(OTHER)),
    ),
    *(Forgery(f"own key in {member}", pointing(member), honest) for member in ("jwk", "jku", "x5u", "x5c")),
    Forgery("crit nobody knows", headed(crit=["exp2"], exp2=1), honest),
    Forgery("crit b64", headed(crit=["b64"], b64=False), honest),
]
SHAPE = [
    Forgery("signature cut off", spoiled(lambda token: token.rpartition(".")[0] + "."), honest),
    Forgery("signature half cut off", spoiled(lambda token: token[:-40]), honest),
    Forgery("other claims under the signature", spoiled(_swapped), honest),
    Forgery("two parts", spoiled(lambda token: token.rpartition(".")[0]), honest),
    Forgery("four parts", spoiled(lambda token: token + ".x"), honest),
    Forgery("five parts, as if encrypted", spoiled(lambda token: token + ".x.y"), honest),
    Forgery("not base64", spoiled(lambda token: "eyJ!" + token), honest),
    Forgery("dots", spoiled(lambda token: ".."), honest),
    Forgery("claims are a list", lambda p, c: p.token([c]), honest),
    Forgery("claims are a number", lambda p, c: p.token(7), honest),
    Forgery("no claims", lambda p, c: p.token({}), honest),
    Forgery("header is a list", lambda p, c: jws([], c, p.key.signer()), honest),
    Forgery("a token that ends a session", headed(typ="logout+jwt"), headed(typ="JWT")),
]
WHO = [
    Forgery("no sub", saying(sub=None), honest),
    Forgery("empty sub", saying(sub=""), honest),
    Forgery("sub is a number", saying(sub=7), honest),
    Forgery("sub is a list", saying(sub=["subject-of-uploader"]), honest),
    Forgery("sub of 256 characters", saying(sub="s" * 256), honest),
    Forgery("sub with a NUL", saying(sub="subject\0of-uploader"), honest),
    Forgery("sub with half a surrogate pair", saying(sub="subject-\ud800"), honest),
]
FORGERIES = [*AUDIENCE, *ISSUER, *TIME, *ALGORITHM, *KEY, *SHAPE, *WHO]
