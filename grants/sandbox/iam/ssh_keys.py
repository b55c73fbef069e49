"""SSH public keys as IAM takes them: RSA, in the form of ssh-keygen or in PEM."""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from grants.sandbox.errors import AwsError


def parsed(body: str) -> RSAPublicKey:
    """Parse a key; InvalidPublicKey unless it is RSA.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html
    """
    load = load_pem_public_key if body.lstrip().startswith("-----BEGIN") else load_ssh_public_key
    try:
        key = load(body.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _invalid() from error
    if not isinstance(key, RSAPublicKey):
        raise _invalid()
    return key


def encoded(body: str, encoding: str) -> str:
    """Give a key in the encoding SSH, as it was uploaded where it was in that form, or PEM."""
    if encoding == "PEM":
        return parsed(body).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return body if body.startswith("ssh-rsa ") else _line(parsed(body))


def fingerprint(key: RSAPublicKey) -> str:
    """Give the MD5 fingerprint IAM shows, in pairs of digits."""
    digest = hashlib.md5(base64.b64decode(_line(key).split(" ")[1]), usedforsecurity=False).hexdigest()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))


def _line(key: RSAPublicKey) -> str:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _invalid() -> AwsError:
    return AwsError("InvalidPublicKey", "The public key must be RSA, in ssh-rsa or PEM format.")
