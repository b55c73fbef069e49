"""Additional checksums: those of bodies the front reads itself, and AWS's words for one that is wrong.

Those of objects and parts are verified by SeaweedFS as the bytes pass.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping

from grants.sandbox.errors import AwsError

HEADER = "x-amz-checksum-"
NAMES = {
    "crc32": "CRC32", "crc32c": "CRC32C", "crc64nvme": "CRC64NVME", "sha1": "SHA1", "sha256": "SHA256",
}  # fmt: skip
_SIZES = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}
_DIGESTS: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}


def given(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the checksums among headers, or announced for the end of the body (then empty), by algorithm in lower case.

    Raises InvalidRequest for one that is not of its algorithm, or more than one.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    found = {name: lower[HEADER + name] for name in NAMES if HEADER + name in lower}
    for name, value in found.items():
        if not _is(name, value):
            raise AwsError("InvalidRequest", f"Value for {HEADER}{name} header is invalid.")
    announced = {name.strip().lower() for name in lower.get("x-amz-trailer", "").split(",")}
    found |= {name: "" for name in NAMES if HEADER + name in announced and name not in found}
    if len(found) > 1:
        raise AwsError(
            "InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    return found


def check(body: bytes, headers: Mapping[str, str]) -> None:
    """Raise BadDigest when a body that was read is not what its checksum or its Content-MD5 says."""
    for name, value in given(headers).items():
        if name in _DIGESTS and value and base64.b64encode(_DIGESTS[name](body)).decode() != value:
            raise mismatch(name)
    md5 = headers.get("Content-MD5")
    if md5 is not None and base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() != md5:
        raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")


def mismatch(name: str) -> AwsError:
    """Refuse bytes that are not what their checksum says."""
    return AwsError("BadDigest", f"The {NAMES[name]} you specified did not match the calculated checksum.")


def _is(name: str, value: str) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == _SIZES[name]
    except (binascii.Error, ValueError):
        return False
