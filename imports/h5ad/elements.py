"""Reading single elements of a file through anndata, with one error for all that can be wrong with one."""

import warnings
from typing import Any

import h5py
import numpy as np
from anndata.io import read_elem

# An element is read whole; a small file can claim to hold far more than it does.
MOST_ELEMENT_BYTES = 2 * 1024**3
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError, OverflowError)


class UnreadableError(Exception):
    """An element is not what anndata writes; the message says why."""


def read(parent: h5py.Group, name: str) -> Any:
    """Read one element. Raises UnreadableError."""
    try:
        node = parent[name]
        _check_size(node)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_elem(node)
    except UNREADABLE as error:
        raise UnreadableError(_reason(error)) from error
    except Exception as error:
        # anndata's own error for an encoding it does not know derives from nothing more special.
        if type(error).__module__.partition(".")[0] != "anndata":
            raise
        raise UnreadableError(_reason(error)) from error


def group(parent: h5py.Group, name: str) -> h5py.Group | None:
    """Give a group, or None when there is none of that name."""
    try:
        node = parent.get(name)
    except UNREADABLE:
        return None
    return node if isinstance(node, h5py.Group) else None


def names(parent: h5py.Group) -> list[str]:
    """Name the members of a group, in order."""
    return sorted(str(name) for name in parent)


def attributes(group: h5py.Group) -> set[str]:
    """Name the attributes that can be read."""
    readable = set()
    for name in group.attrs:
        try:
            group.attrs[name]
        except UNREADABLE:
            continue
        readable.add(str(name))
    return readable


def is_null(parent: h5py.Group, name: str) -> bool:
    """Tell whether anndata wrote None there; what cannot be read is something else."""
    try:
        return str(parent[name].attrs.get("encoding-type", "")) == "null"
    except UNREADABLE:
        return False


def _check_size(node: h5py.Group | h5py.Dataset) -> None:
    claimed = _claimed_bytes(node)
    if claimed > MOST_ELEMENT_BYTES:
        raise ValueError(f"it would take {claimed / 1e9:,.1f} GB of memory")


def _claimed_bytes(node: h5py.Group | h5py.Dataset) -> int:
    if isinstance(node, h5py.Dataset):
        return 0 if node.shape is None else int(np.prod(node.shape, dtype=object)) * node.dtype.itemsize
    return sum(_claimed_bytes(member) for member in node.values()) if isinstance(node, h5py.Group) else 0


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}"[:300]
