"""Writing a directory so that it is there whole or not at all."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.format import ArrayEntry, Manifest


class GrowingArray:
    """A one-dimensional `.npy` file that is appended to; its length is known only at the end."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        """Begin an empty array of a type."""
        self._dtype = dtype
        self._length = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, part: NDArray[Any]) -> None:
        """Add numbers, converted to the array's type."""
        np.ascontiguousarray(part, dtype=self._dtype).tofile(self._file)
        self._length += part.size

    def close(self) -> None:
        """Write the length and close. numpy pads the header for just this, so its size stays the same."""
        if self._file.closed:
            return
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def _write_header(self) -> None:
        header = {"descr": self._dtype.str, "fortran_order": False, "shape": (self._length,)}
        np.lib.format.write_array_header_1_0(self._file, header)


class StagedDirectory:
    """A directory beside the target, moved into its place when it is complete."""

    def __init__(self, target: Path) -> None:
        """Make the temporary directory next to the target."""
        self.target = Path(target)
        self.path = self.target.parent / f"{fmt.UNFINISHED_PREFIX}{self.target.name}-{uuid.uuid4().hex}"
        self.path.mkdir(parents=True)

    def grow(self, name: str, dtype: np.dtype[Any]) -> GrowingArray:
        """Begin an array that is appended to."""
        return GrowingArray(self.path / fmt.file_name(name), dtype)

    def save(self, name: str, array: NDArray[Any]) -> None:
        """Write an array that fits in memory."""
        np.save(self.path / fmt.file_name(name), array, allow_pickle=False)

    def publish(self, *, kind: fmt.Kind, cells: int, features: int, source: Mapping[str, Any]) -> None:
        """Bring everything to disk, write the manifest and take the target's place.

        A target left by an earlier attempt is moved aside first and then removed.
        """
        arrays = {path.stem: _seal(path) for path in sorted(self.path.glob("*.npy"))}
        manifest = Manifest(kind, cells, features, arrays, source)
        (self.path / fmt.MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
        _to_disk(self.path / fmt.MANIFEST)
        _to_disk(self.path)
        earlier = self.path.with_name(f"{self.path.name}-earlier")
        if self.target.exists():
            self.target.replace(earlier)
        self.path.replace(self.target)
        _to_disk(self.target.parent)
        shutil.rmtree(earlier, ignore_errors=True)

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self.path, ignore_errors=True)


def discard_unfinished(parent: Path) -> list[Path]:
    """Remove what crashed builds left in a directory and name it; nothing else may be building there."""
    leftovers = sorted(Path(parent).glob(f"{fmt.UNFINISHED_PREFIX}*"))
    for path in leftovers:
        shutil.rmtree(path)
    return leftovers


def _seal(path: Path) -> ArrayEntry:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _to_disk(path)
    return ArrayEntry(array.dtype.str, array.shape, path.stat().st_size, digest)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
