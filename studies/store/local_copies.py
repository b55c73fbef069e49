"""Stores on this host that are copies of what lies in object storage: how much room they take, which go first."""

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from studies.store import format as fmt
from studies.store.format import Manifest, StoreDamagedError

# In a Store's directory: there is another copy, so this one may go.
COPY_MARK = ".copy"
LOCKS = ".locks"
# How exactly it is known when a Store was used last; writing that down costs a little.
USED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LocalCopy:
    """A Store on this host that also lies elsewhere; `used_at` in seconds since the epoch."""

    directory: Path
    bytes: int
    used_at: float


def mark(directory: Path) -> None:
    """Note that a Store also lies in object storage."""
    (directory / COPY_MARK).touch()


def note_use(directory: Path) -> None:
    """Note that a Store is used now; the directory's own time tells."""
    with suppress(OSError):
        if time.time() - directory.stat().st_mtime > USED_SECONDS:
            os.utime(directory)


def copies(root: Path) -> list[LocalCopy]:
    """List the copies below a directory, the one used longest ago first; what has no other copy is not among them."""
    found = (_copy(mark_file.parent) for mark_file in root.glob(f"*/*/{COPY_MARK}"))
    return sorted((copy for copy in found if copy is not None), key=lambda copy: copy.used_at)


def make_room(root: Path, *, wanted: int, limit: int, keep: Path) -> list[Path]:
    """Remove copies, the one used longest ago first, until `wanted` more bytes stay within `limit`.

    `keep` stays in any case. A Store that is open is not lost to whoever has mapped it: only its name goes.
    """
    held = [copy for copy in copies(root) if copy.directory != keep]
    total, removed = sum(copy.bytes for copy in held), []
    for copy in held:
        if total + wanted <= limit:
            break
        remove(copy.directory)
        total -= copy.bytes
        removed.append(copy.directory)
    return removed


def remove(directory: Path) -> None:
    """Take a Store away, its manifest first, so that what is left of it in a crash is no Store."""
    with suppress(FileNotFoundError):
        (directory / fmt.MANIFEST).unlink()
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def alone(root: Path, name: str) -> Iterator[None]:
    """Hold the right to bring one Store here, among all threads and processes of this host."""
    directory = root / LOCKS
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name.replace("/", ".")).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """Give a directory in which a copy grows; it is gone afterwards unless it was moved into place."""
    path = root / f"{fmt.UNFINISHED_PREFIX}copy-{uuid.uuid4()}"
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def take_place(path: Path, target: Path) -> None:
    """Move a finished copy to where readers look; what is there goes, after it was moved aside."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        aside = path.with_name(f"{path.name}-earlier")
        target.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    path.rename(target)


def bytes_of(manifest: Manifest) -> int:
    """Add up the sizes of a Store's files."""
    return sum(entry.bytes for entry in manifest.arrays.values())


def _copy(directory: Path) -> LocalCopy | None:
    try:
        return LocalCopy(directory, bytes_of(fmt.read_manifest(directory)), directory.stat().st_mtime)
    except (OSError, StoreDamagedError):
        # It holds room all the same; nothing else will ask for it.
        return LocalCopy(directory, 0, 0.0) if directory.exists() else None
