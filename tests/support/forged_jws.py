"""Signed tokens built by hand, so that a test can write what no decent library would (RFC 7515, 7517, 7518)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Claims = Mapping[str, Any]
Signer = Callable[[bytes], bytes]
PRIVATE = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


class Key:
    """A private key with the id it is published under."""

    def __init__(self, private: PRIVATE, kid: str) -> None:
        self.private, self.kid = private, kid

    @property
    def alg(self) -> str:
        """The algorithm it is meant for."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return "RS256"
        return {256: "ES256", 384: "ES384"}[self.private.key_size]

    @property
    def jwk(self) -> dict[str, Any]:
        """What a provider publishes of it."""
        return {"kid": self.kid, "use": "sig", "alg": self.alg, **self._numbers()}

    @property
    def pem(self) -> bytes:
        """The public key as PEM, which a load balancer publishes and careless libraries take for a secret."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def _numbers(self) -> dict[str, str]:
        if isinstance(self.private, rsa.RSAPrivateKey):
            public = self.private.public_key().public_numbers()
            return {"kty": "RSA", "n": encoded_number(public.n), "e": encoded_number(public.e)}
        point, size = self.private.public_key().public_numbers(), self.private.key_size // 8
        curve = {256: "P-256", 384: "P-384"}[self.private.key_size]
        return {"kty": "EC", "crv": curve, "x": encoded_number(point.x, size), "y": encoded_number(point.y, size)}

    def signer(self, alg: str = "") -> Signer:
        """Sign as an algorithm says, whether or not the key is meant for it."""
        digest = DIGESTS[(alg or self.alg)[2:]]
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return lambda data: raw_signature(self.private, data, digest)
        if alg.startswith("PS"):
            scheme: Any = padding.PSS(padding.MGF1(digest), digest.digest_size)
        else:
            scheme = padding.PKCS1v15()
        return lambda data: self.private.sign(data, scheme, digest)


@cache
def rsa_key(name: str, bits: int = 2048) -> Key:
    """Give the RSA key of this name, made once a run: making one takes a tenth of a second."""
    return Key(rsa.generate_private_key(65537, bits), name)


@cache
def ec_key(name: str, curve: str = "P-256") -> Key:
    """Give the elliptic key of this name."""
    return Key(ec.generate_private_key(CURVES[curve]), name)


def jws(header: Claims, claims: Any, signer: Signer, *, padded: bool = False) -> str:
    """Write a token with exactly this header; `padded` as an AWS load balancer does, with = at the end of each part."""
    parts = [encoded(json.dumps(part).encode(), padded=padded) for part in (header, claims)]
    signature = signer(".".join(parts).encode())
    return ".".join([*parts, encoded(signature, padded=padded)])


def hmac_signer(secret: bytes) -> Signer:
    """Sign as HS256 with any secret, a public key too."""
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def unsigned(_: bytes) -> bytes:
    """Sign nothing, as `alg: none` does."""
    return b""


def garbage(length: int) -> Signer:
    """Sign with random bytes."""
    return lambda _: secrets.token_bytes(length)


def zeros(length: int) -> Signer:
    """Sign with zeros, which some implementations of ECDSA took for valid (CVE-2022-21449)."""
    return lambda _: bytes(length)


def raw_signature(private: ec.EllipticCurvePrivateKey, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """Sign as RFC 7518 3.4 asks: r and s, one after the other, not as DER."""
    size = private.key_size // 8
    return b"".join(
        number.to_bytes(size, "big") for number in decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    )


def encoded(data: bytes, *, padded: bool = False) -> str:
    """Write bytes as base64url."""
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


def encoded_number(number: int, size: int = 0) -> str:
    """Write a number as JWK does."""
    return encoded(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))
