"""A file in parts: read, hashed, sent to where the server has signed."""

import base64
import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict

from cellenium_access.server import NoRedirects
from cellenium_access.talk import REFUSED, StopError

BLOCK, SECONDS = 1024**2, 120


class SendingError(Exception):
    """A part did not arrive; sending it again, to a new address, may help."""


class Slice:
    """Some bytes of a file, read as they are sent."""

    def __init__(self, path: Path, start: int, size: int, on_bytes: Callable[[int], None]) -> None:
        self._stream = path.open("rb")
        self._stream.seek(start)
        self._left = size
        self._on_bytes = on_bytes

    def read(self, wanted: int = -1) -> bytes:
        """Give the next bytes."""
        found = self._stream.read(min(self._left, BLOCK if wanted < 0 else max(wanted, BLOCK // 4)))
        self._left -= len(found)
        self._on_bytes(len(found))
        return found

    def close(self) -> None:
        """Let the file go."""
        self._stream.close()


def checksum(path: Path, start: int, size: int) -> str:
    """Give the SHA-256 of some bytes in base64."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as stream:
        stream.seek(start)
        while left and (block := stream.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
    if left:
        raise StopError(f"{path} has become shorter while it was read.", REFUSED)
    return base64.b64encode(digest.digest()).decode()


def _said(error: urllib.error.HTTPError) -> str:
    try:
        with error:
            return error.read(2048).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""


def send(order: Dict[str, Any], path: Path, start: int, size: int, on_bytes: Callable[[int], None]) -> None:
    """Send some bytes to a signed address; raises SendingError."""
    url, sent = str(order.get("url")), [0]
    if not url.startswith(("https://", "http://")) or not isinstance(order.get("headers"), dict):
        raise StopError("The server names no address to send to.", REFUSED)

    def count(some: int) -> None:
        sent[0] += some
        on_bytes(some)

    body = Slice(path, start, size, count)
    headers = {**order["headers"], "Content-Length": str(size), "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, data=body, headers=headers, method="PUT")  # type: ignore[arg-type]
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=SECONDS) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        on_bytes(-sent[0])
        said = _said(error)
        raise SendingError(f"S3 answers {error.code}: {said[:300]}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        on_bytes(-sent[0])
        raise SendingError(f"S3 cannot be reached: {getattr(error, 'reason', error)}") from None
    finally:
        body.close()
