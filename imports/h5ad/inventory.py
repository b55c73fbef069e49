"""Looking at every object of a file before one of them is read: how it is stored, how large it says it is.

HDF5's own visits follow hard links only and see each object once; here each way to an object is gone, so that ways
that lead back to where they came from are seen. Nothing is decompressed and no data is read.
"""

import math
from collections.abc import Iterator
from typing import Any

import h5py
from h5py import h5a, h5d, h5g, h5l, h5o

from imports.h5ad.findings import refused
from imports.h5ad.links import DAMAGE, DEEPEST, MOST_LINKS, REMEDY, damaged, named
from imports.h5ad.storage import check_dataset

MOST_ATTRIBUTES = 1_000
MOST_ATTRIBUTE_BYTES = 16 * 1024**2

Address = tuple[int, int]


def take_inventory(file: h5py.File) -> None:
    """Refuse a file for the first thing in it that no h5ad file has. Raises RefusedFileError."""
    Inventory(file).take()


class Inventory:
    """Goes through a file whose links are all known to stay inside."""

    def __init__(self, file: h5py.File) -> None:
        """Begin at the root."""
        self._file = file
        self._seen: set[Address] = set()
        self._ways = 0

    def take(self) -> None:
        """Look at everything."""
        try:
            root = h5o.open(self._file.id, b"/")
            _check_attributes(root, b"/")
            self._enter(root, b"", (_address(root),))
        except DAMAGE as error:
            raise damaged("file", error) from error

    def _enter(self, group: h5g.GroupID, path: bytes, above: tuple[Address, ...]) -> None:
        for name, item in _members(group, path):
            where = path + b"/" + name if path else name
            address = _address(item)
            if address in above:
                found = "a link that leads back to a group around it"
                raise refused("link_loop", named(where), found=found, remedy=REMEDY)
            self._count(where, len(above))
            if address not in self._seen:
                self._seen.add(address)
                self._look(item, where)
                if isinstance(item, h5g.GroupID):
                    self._enter(item, where, (*above, address))

    def _look(self, item: Any, where: bytes) -> None:
        try:
            _check_attributes(item, where)
            if isinstance(item, h5d.DatasetID):
                check_dataset(item, named(where))
        except DAMAGE as error:
            raise damaged(named(where), error) from error

    def _count(self, where: bytes, depth: int) -> None:
        self._ways += 1
        if self._ways > MOST_LINKS:
            raise refused("too_many_objects", "file", found=f"more than {MOST_LINKS}", remedy=REMEDY)
        if depth > DEEPEST:
            found = f"groups within groups, more than {DEEPEST} deep"
            raise refused("too_deep", named(where), found=found, remedy=REMEDY)


def _members(group: h5g.GroupID, path: bytes) -> Iterator[tuple[bytes, Any]]:
    """Open what is in a group, but for soft links that lead nowhere."""
    for name in list(group):
        where = path + b"/" + name if path else name
        is_soft = group.links.get_info(name).type == h5l.TYPE_SOFT
        try:
            yield name, h5o.open(group, name)
        except DAMAGE as error:
            if not is_soft:
                raise damaged(named(where), error) from error
            if "too many" in str(error):
                found = "a soft link that leads to itself"
                raise refused("link_loop", named(where), found=found, remedy=REMEDY) from error


def _address(item: Any) -> Address:
    info = h5o.get_info(item)
    return int(info.fileno), int(info.addr)


def _check_attributes(item: Any, where: bytes) -> None:
    count = h5a.get_num_attrs(item)
    if count > MOST_ATTRIBUTES:
        expected = f"at most {MOST_ATTRIBUTES}"
        raise refused("too_many_attributes", named(where), found=str(count), expected=expected, remedy=REMEDY)
    for number in range(count):
        attribute = h5a.open(item, index=number)
        size = math.prod(attribute.shape or (1,)) * attribute.get_type().get_size()
        if size > MOST_ATTRIBUTE_BYTES:
            path, expected = f"{named(where)}, attribute {named(attribute.name)}", f"at most {MOST_ATTRIBUTE_BYTES}"
            raise refused("attribute_too_large", path, found=f"{size} bytes", expected=expected, remedy=REMEDY)
