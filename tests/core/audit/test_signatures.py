"""Keys of checkpoints: what their files must be like, and Ed25519 against vectors and a program we did not write."""

import base64
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.management import CommandError, call_command

from cellenium_admin.core.services.audit_signatures import (
    KeyFileError,
    PublicKey,
    SigningKey,
    load_public_key,
    load_signing_key,
    make_key_pair,
)
from cellenium_admin.core.services.audit_statements import Checkpoint, Statement

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "audit-trail.md"
# RFC 8032, section 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
def test_vectors_of_the_standard(secret: str, public: str, message: str, signature: str) -> None:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))
    assert key.public == PublicKey.from_hex(public)
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert key.public.verifies(bytes.fromhex(signature), bytes.fromhex(message))
    assert not key.public.verifies(bytes.fromhex(signature), bytes.fromhex(message) + b"x")
    assert not key.public.verifies(bytes(64), bytes.fromhex(message))
    assert not key.public.verifies(b"", bytes.fromhex(message))


def test_a_pair_is_for_its_owner_and_fits(tmp_path: Path) -> None:
    path = tmp_path / "new.key"
    previous = os.umask(0)
    try:
        public = make_key_pair(path)
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new.key.pub").stat().st_mode & 0o777 == 0o644
    assert load_signing_key(path).public == load_public_key(tmp_path / "new.key.pub") == public


@pytest.mark.parametrize("taken", ["new.key", "new.key.pub"])
def test_a_pair_is_never_written_over(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(KeyFileError, match="is there already"):
        make_key_pair(tmp_path / "new.key")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(taken, "mine")]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_key_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    make_key_pair(tmp_path / "new.key")
    (tmp_path / "new.key").chmod(mode)
    with pytest.raises(KeyFileError, match=f"has mode {mode:04o}.*chmod 600"):
        load_signing_key(tmp_path / "new.key")


def write(path: Path, pem: bytes) -> Path:
    path.write_bytes(pem)
    path.chmod(0o600)
    return path


def pem(key: Any, encryption: Any = None) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))


def test_other_files_are_no_keys(tmp_path: Path) -> None:
    ed25519, other = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    cases = {
        b"": "no unencrypted private key",
        b"nonsense": "no unencrypted private key",
        pem(ed25519, BestAvailableEncryption(b"secret")): "no unencrypted private key",
        pem(other): "not an Ed25519 one",
        pem(rsa.generate_private_key(65537, 2048)): "not an Ed25519 one",
        ed25519.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ): "no unencrypted private key",
    }
    for content, message in cases.items():
        with pytest.raises(KeyFileError, match=message):
            load_signing_key(write(tmp_path / "x.key", content))
    with pytest.raises(KeyFileError, match="cannot be read: No such file"):
        load_signing_key(tmp_path / "nowhere.key")


def test_a_private_key_never_shows(tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    content = pem(private)
    path = write(tmp_path / "x.key", content)
    secret = base64.b64decode(content.splitlines()[1])
    key = load_signing_key(path)
    damaged = write(tmp_path / "y.key", content.replace(b"PRIVATE KEY", b"PRIVATE KEYS"))
    with pytest.raises(KeyFileError) as error:
        load_signing_key(damaged)
    shown = f"{key!r} {key} {error.value!r} {error.value.__cause__!r} {error.value.__context__!r}"
    assert content.splitlines()[1].decode() not in shown
    assert secret[-32:].hex() not in shown


def test_openssl_agrees(tmp_path: Path) -> None:
    """The program's own words of what a signature and a key id are."""
    path = tmp_path / "new.key"
    public = make_key_pair(path)
    (tmp_path / "message").write_bytes(b"statement")
    (tmp_path / "signature").write_bytes(load_signing_key(path).sign(b"statement"))
    verified = openssl(
        *("pkeyutl", "-verify", "-pubin", "-inkey", f"{path}.pub", "-rawin"),
        *("-in", tmp_path / "message", "-sigfile", tmp_path / "signature"),
    )
    assert b"Signature Verified Successfully" in verified
    der = openssl("pkey", "-pubin", "-in", f"{path}.pub", "-outform", "DER")
    digest = openssl("dgst", "-sha256", "-r", given=der).split()[0].decode()
    assert digest[:32] == public.id


def test_the_documents_tell_how_to_verify_a_checkpoint_by_openssl(tmp_path: Path) -> None:
    make_key_pair(tmp_path / "checkpoint.key")
    key = load_signing_key(tmp_path / "checkpoint.key")
    statement = Statement(
        "Zürich", 1234, "ab" * 32, 1234, "2026-11-22T10:11:12.000345Z", key.public.id, previous="", next_key=""
    )
    path = tmp_path / "00000000000000001234.json"
    path.write_bytes(Checkpoint.sign(statement, key).document())
    section = DOCUMENT.read_text(encoding="utf-8").partition("### Without this program")[2].partition("\n## ")[0]
    script = "\n".join(line.removeprefix("    ") for line in section.splitlines() if line.startswith("    "))

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, check=False)

    assert b"Signature Verified Successfully" in run().stdout
    path.write_bytes(path.read_bytes().replace(b'"seq":1234', b'"seq":1233'))
    assert run().returncode != 0


def openssl(*arguments: object, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=True).stdout


def test_command_makes_a_pair(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    call_command("audit", "keygen", str(tmp_path / "new.key"), stdout=out, stderr=err)
    public = load_public_key(tmp_path / "new.key.pub")
    assert out.getvalue() == f"Made {tmp_path}/new.key and {tmp_path}/new.key.pub, key {public.id}.\n"
    with pytest.raises(CommandError, match="is there already"):
        call_command("audit", "keygen", str(tmp_path / "new.key"), stdout=out, stderr=err)
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("audit", "keygen", str(tmp_path / "nowhere" / "new.key"), stdout=out, stderr=err)
