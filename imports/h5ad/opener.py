"""Opening a file somebody else made: refused before anything is read that could lead out of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin

from imports.h5ad.findings import RefusedFileError, refused

MOST_LINKS = 100_000
REMEDY = "Read the file with anndata where all its parts are, write it with write_h5ad and upload that."
# Importing it makes the compressions blosc, lz4, zstd and others readable.
COMPRESSIONS = hdf5plugin.FILTERS


@contextmanager
def open_h5ad(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading once it is known to be whole and to refer to nothing outside of itself.

    Raises RefusedFileError.
    """
    file = _opened(path)
    with file:
        _refuse_references(file)
        yield file


def _opened(path: Path) -> h5py.File:
    remedy = "Write it with anndata's write_h5ad and upload it again."
    if path.stat().st_size == 0:
        raise refused("file_empty", "file", found="0 bytes", expected="an h5ad file", remedy=remedy)
    if not h5py.is_hdf5(path):
        raise refused("not_hdf5", "file", found=_beginning(path), expected="an HDF5 file", remedy=remedy)
    try:
        # Without locking: the file is ours alone, and not every file system can lock.
        return h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise refused("file_damaged", "file", found=str(error), expected="a whole HDF5 file", remedy=remedy) from error


def _beginning(path: Path) -> str:
    with path.open("rb") as file:
        return f"a file that begins with {file.read(16)!r}"


def _refuse_references(file: h5py.File) -> None:
    """Look at every link and every dataset's creation properties; that reads no data and opens no other file."""
    try:
        # What a visitor returns ends the visit and is given back; HDF5 cannot pass on what it raises.
        error = file.id.links.visit(LinkVisitor(), info=True) or h5py.h5o.visit(file.id, DatasetVisitor(file))
    except (OSError, RuntimeError, ValueError, KeyError) as damage:
        raise refused("file_damaged", "file", found=str(damage), expected="a whole HDF5 file") from damage
    if error is not None:
        raise error


class LinkVisitor:
    """Finds the first link that leads to another file."""

    def __init__(self) -> None:
        """Begin to count."""
        self._count = 0

    def __call__(self, name: bytes, link: Any) -> RefusedFileError | None:
        """Look at a link."""
        self._count += 1
        if self._count > MOST_LINKS:
            return refused("too_many_objects", "file", found=f"more than {MOST_LINKS}", remedy=REMEDY)
        if link.type not in {h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT}:
            return refused("external_link", _named(name), found="a link to another file", remedy=REMEDY)
        return None


class DatasetVisitor:
    """Finds the first dataset whose data lie elsewhere."""

    def __init__(self, file: h5py.File) -> None:
        """Remember the file."""
        self._file = file

    def __call__(self, name: bytes) -> RefusedFileError | None:
        """Look at an object."""
        try:
            item = h5py.h5o.open(self._file.id, name)
            properties = item.get_create_plist() if isinstance(item, h5py.h5d.DatasetID) else None
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            return refused("file_damaged", _named(name), found=str(error), expected="a whole HDF5 file")
        if properties is not None and properties.get_layout() == h5py.h5d.VIRTUAL:
            return refused("virtual_dataset", _named(name), found="a view of other datasets", remedy=REMEDY)
        if properties is not None and properties.get_external_count():
            return refused("external_storage", _named(name), found="data kept in another file", remedy=REMEDY)
        return None


def _named(name: bytes) -> str:
    return name.decode(errors="replace")
