"""Ed25519 keys of the checkpoints: made, read from files that nobody else may read, used. RFC 8032, PEM by RFC 8410."""

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from cellenium_admin.core.exceptions import InvalidInputError

OTHERS = stat.S_IRWXG | stat.S_IRWXO
ID_CHARACTERS = 32
HOW_TO_MAKE = "make a pair with `audit keygen`"


class KeyFileError(InvalidInputError):
    """A key file is not there, is no Ed25519 key, or can be read by others."""

    code = "key_file"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What verifies; `id` is the first half of the SHA-256 of its DER form, in hexadecimal digits."""

    raw: bytes

    @classmethod
    def from_hex(cls, digits: str) -> Self:
        """Take the 32 bytes of RFC 8032 as hexadecimal digits; raises ValueError."""
        raw = bytes.fromhex(digits)
        Ed25519PublicKey.from_public_bytes(raw)
        return cls(raw)

    @property
    def id(self) -> str:
        """Name it, as `openssl pkey -pubin -outform DER | sha256sum` does in the first 32 digits."""
        der = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()[:ID_CHARACTERS]

    @property
    def pem(self) -> bytes:
        """Write it as a `.pub` file."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether the holder of the private key signed this message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @property
    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs; it is kept in a file outside the database and never printed."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """Give the half everybody may know."""
        return PublicKey(self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, message: bytes) -> bytes:
        """Give the 64 bytes of the signature, the same each time."""
        return self._private.sign(message)


def make_key_pair(path: Path) -> PublicKey:
    """Write a new private key to `path`, for its owner alone, and the public one beside it as `.pub`.

    Raises KeyFileError when one of the two is there already: a key that signed must not be lost.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = SigningKey(private).public
    beside = path.with_name(f"{path.name}.pub")
    if beside.exists():
        raise KeyFileError(f"{beside} is there already; name another file.")
    _create(path, pem, mode=0o600)
    _create(beside, public.pem, mode=0o644)
    return public


def load_signing_key(path: Path) -> SigningKey:
    """Read a private key. Raises KeyFileError, also when anybody but its owner may touch the file."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            pem = file.read()
    except OSError as error:
        raise KeyFileError(f"The private key {path} cannot be read: {error.strerror}; {HOW_TO_MAKE}.") from error
    if mode & OTHERS:
        raise KeyFileError(f"The private key {path} has mode {mode:04o}, so others can use it: chmod 600 {path}")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained: what a parser says of a private key may quote it.
        raise KeyFileError(f"{path} is no unencrypted private key in PEM; {HOW_TO_MAKE}.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is a private key, but not an Ed25519 one; {HOW_TO_MAKE}.")
    return SigningKey(key)


def load_public_key(path: Path) -> PublicKey:
    """Read a public key. Raises KeyFileError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"The public key {path} cannot be read: {error.strerror}.") from error
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"{path} is no public key in PEM; `audit keygen` writes one beside the private.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is a public key, but not an Ed25519 one; {HOW_TO_MAKE}.")
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _create(path: Path, content: bytes, *, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise KeyFileError(f"{path} is there already; name another file.") from None
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
