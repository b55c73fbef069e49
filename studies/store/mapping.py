"""Arrays mapped into memory, read from disk only where they are asked for.

A plain mapping lets the system read ahead, which costs hundreds of times what scattered rows need. Here it is told not
to, and told beforehand what comes next.
"""

import mmap
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 16 * 1024
# What was asked for longer ago may have been pushed out of memory again.
FORGET_SECONDS = 60.0
WINDOW_BYTES = 64 * 1024 * 1024


class MappedArray:
    """One one-dimensional `.npy` file as a read-only array; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Map a file. Raises OSError, or ValueError when it is no such array."""
        with path.open("rb") as file:
            shape, fortran, dtype = _header(file)
            self._offset = file.tell()
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if fortran or dtype.hasobject:
            raise ValueError("it is not a plain array")
        self.array: NDArray[Any] = np.ndarray(shape, dtype=dtype, buffer=self._map, offset=self._offset)
        self._known = np.zeros(-(-len(self._map) // BLOCK_BYTES), dtype=np.bool_)
        self._known_since = time.monotonic()
        self._lock = threading.Lock()
        self._map.madvise(mmap.MADV_RANDOM)

    def prefetch(self, starts: NDArray[np.int64], stops: NDArray[np.int64]) -> None:
        """Have entries `starts[i]` to before `stops[i]` read in the background, unless that was asked for just now.

        Ranges ascend and do not overlap.
        """
        size = self.array.dtype.itemsize
        filled = stops > starts
        first = (starts[filled] * size + self._offset) // BLOCK_BYTES
        last = -(-(stops[filled] * size + self._offset) // BLOCK_BYTES)
        with self._lock:
            for begin, end in _runs(self._unknown(first, last)):
                offset = begin * BLOCK_BYTES
                length = min(end * BLOCK_BYTES, len(self._map)) - offset
                self._map.madvise(mmap.MADV_WILLNEED, offset, length)

    def _unknown(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the blocks of these ranges that were not asked for lately, ascending, and take them as asked for."""
        now = time.monotonic()
        if now - self._known_since > FORGET_SECONDS:
            self._known[:] = False
            self._known_since = now
        wanted = np.zeros(self._known.size + 1, dtype=np.int32)
        np.add.at(wanted, first, 1)
        np.add.at(wanted, last, -1)
        fresh = (np.cumsum(wanted[:-1]) > 0) & ~self._known
        self._known |= fresh
        return np.flatnonzero(fresh)


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    return shape, fortran, dtype


def _runs(blocks: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Join neighbouring blocks into runs, each from its first block to before its last."""
    if not blocks.size:
        return []
    breaks = np.flatnonzero(np.diff(blocks) > 1)
    begins = blocks[np.concatenate([[0], breaks + 1])]
    ends = blocks[np.concatenate([breaks, [blocks.size - 1]])] + 1
    return list(zip(begins.tolist(), ends.tolist(), strict=True))
