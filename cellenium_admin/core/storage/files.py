"""What a bucket and a directory have in common: the description of a file, its errors, copying in chunks."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, NotFoundError

CHUNK_BYTES = 8 * 1024**2

OnBytes = Callable[[int], None]


class Counted(io.FileIO):
    """A file opened for reading that tells how many bytes of it were read."""

    def __init__(self, path: Path, on_bytes: OnBytes) -> None:
        """Open it."""
        super().__init__(path, "r")
        self._on_bytes = on_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on and tell where that led."""
        found = super().read(-1 if size is None else size) or b""
        self._on_bytes(self.tell())
        return found


class FileChangedError(ConflictError):
    """The file in the store is not the revision that was asked for any more."""

    code = "file_changed"


class FileGoneError(NotFoundError):
    """The file is not in the store any more."""

    code = "file_gone"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One revision of one file; `key` is its name below the store's root, `modified_at` when it came to lie there."""

    uri: str
    key: str
    revision: str
    size: int
    modified_at: datetime


def copy(read: Callable[[int], bytes], target: BinaryIO, on_bytes: OnBytes) -> tuple[str, int]:
    """Copy chunk after chunk; gives SHA-256 in hex and the number of bytes."""
    digest, done = hashlib.sha256(), 0
    while chunk := read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
        done += len(chunk)
        on_bytes(done)
    return digest.hexdigest(), done


def unheard(done: int) -> None:
    """Stand in for a caller who does not ask for progress."""


def changed(uri: str) -> FileChangedError:
    """Say that another file has taken the place of the one that was found."""
    return FileChangedError(f"{uri} was replaced after it was found; the next scan finds what lies there now.")


def gone(uri: str) -> FileGoneError:
    """Say that nothing lies there."""
    return FileGoneError(f"{uri} is not there any more; upload it again to have it imported.")


def outside(uri: str) -> InvalidInputError:
    """Refuse to touch what another system keeps, whoever asks."""
    return InvalidInputError(f"{uri} does not lie in the h5ad store of this installation.", code="outside_store")
