"""Opening a file somebody else made: refused before anything is read that could lead out of it or flood its reader."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from imports.h5ad.findings import RefusedFileError, refused
from imports.h5ad.inventory import take_inventory
from imports.h5ad.links import refuse_outside_links

REMEDY = "Write it with anndata's write_h5ad and upload it again."
MUDATA_BLOCK = 512
MUDATA_SIGN = re.compile(
    rb"MuData \(format-version=[\w.+-]{1,40};creator=[\w.+-]{1,40};creator-version=[\w.+-]{1,60}\)\0*"
)
TRUNCATED = "It was cut short on its way, or not finished: upload the whole file again."
# What people put in the place of a file by mistake, by its first bytes.
OTHER_KINDS = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Salted__": "a file encrypted with OpenSSL",
    b"age-encryption.org": "a file encrypted with age",
    b"-----BEGIN PGP": "a file encrypted with PGP",
    b"\x85\x01\x0c": "a file encrypted with PGP",
    b"\x85\x02\x0c": "a file encrypted with PGP",
    b"\x8c\x0d": "a file encrypted with GnuPG",
}


@contextmanager
def open_h5ad(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading once it is known to be whole, to refer to nothing outside and to hold no absurdities.

    Raises RefusedFileError.
    """
    file = _opened(path)
    with file:
        _refuse_user_block(file, path)
        refuse_outside_links(file)
        take_inventory(file)
        yield file


def _opened(path: Path) -> h5py.File:
    if path.stat().st_size == 0:
        raise refused("file_empty", "file", found="0 bytes", expected="an h5ad file", remedy=REMEDY)
    if not h5py.is_hdf5(path):
        raise _of_another_kind(path)
    try:
        # Without locking: the file is ours alone, and not every file system can lock.
        return h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError) as error:
        remedy = TRUNCATED if "truncated" in str(error) else REMEDY
        raise refused(
            "file_damaged", "file", found=str(error)[:300], expected="a whole HDF5 file", remedy=remedy
        ) from error


def _of_another_kind(path: Path) -> RefusedFileError:
    with path.open("rb") as file:
        beginning = file.read(32)
    kind = next((kind for sign, kind in OTHER_KINDS.items() if beginning.startswith(sign)), "")
    found = kind or f"a file that begins with {beginning[:16]!r}"
    remedy = f"It is {kind}; upload what is inside." if kind else REMEDY
    return refused("not_hdf5", "file", found=found, expected="an HDF5 file", remedy=remedy)


def _refuse_user_block(file: h5py.File, path: Path) -> None:
    """Something before the HDF5 part is never read, so nobody could say what it is.

    mudata writes its name and version there, in a block of the smallest size, and zeros.
    """
    if file.userblock_size == MUDATA_BLOCK:
        with path.open("rb") as whole:
            if MUDATA_SIGN.fullmatch(whole.read(MUDATA_BLOCK)):
                return
    if file.userblock_size:
        found = f"{file.userblock_size} bytes in front of the HDF5 data"
        raise refused("user_block", "file", found=found, expected="HDF5 from the first byte", remedy=REMEDY)
