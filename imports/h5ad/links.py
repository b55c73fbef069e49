"""Where the links of a file lead, found out without following one."""

from typing import Any

import h5py

from imports.h5ad.findings import RefusedFileError, refused

MOST_LINKS = 100_000
DEEPEST = 64
REMEDY = "Read the file with anndata where all its parts are, write it with write_h5ad and upload that."
DAMAGE = (OSError, RuntimeError, ValueError, KeyError)


def refuse_outside_links(file: h5py.File) -> None:
    """Look at every link there is; that opens no other file. Raises RefusedFileError.

    A soft link can lead only to what hard links lead to as well, so without other links nothing leads outside.
    """
    try:
        # What a visitor returns ends the visit and is given back; HDF5 cannot pass on what it raises.
        error = file.id.links.visit(LinkVisitor(), info=True)
    except DAMAGE as damage:
        raise damaged("file", damage) from damage
    if error is not None:
        raise error


def damaged(path: str, error: BaseException) -> RefusedFileError:
    """Make the error for a part that HDF5 itself cannot make sense of."""
    remedy = "Write it with anndata's write_h5ad and upload it again."
    return refused("file_damaged", path, found=str(error)[:300], expected="a whole HDF5 file", remedy=remedy)


def named(name: bytes) -> str:
    """Make a name out of what a stranger's file has for one."""
    return name.decode(errors="replace")[:300]


class LinkVisitor:
    """Finds the first link that leads to another file, and more links than there can be reason for."""

    def __init__(self) -> None:
        """Begin to count."""
        self._count = 0

    def __call__(self, name: bytes, link: Any) -> RefusedFileError | None:
        """Look at a link."""
        self._count += 1
        if self._count > MOST_LINKS:
            return refused("too_many_objects", "file", found=f"more than {MOST_LINKS}", remedy=REMEDY)
        if name.count(b"/") >= DEEPEST:
            found = f"groups within groups, more than {DEEPEST} deep"
            return refused("too_deep", named(name), found=found, remedy=REMEDY)
        if link.type not in {h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT}:
            return refused("external_link", named(name), found="a link to another file", remedy=REMEDY)
        return None
