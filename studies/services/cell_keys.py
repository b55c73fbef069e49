"""Sets of cells by name: written small, and found among the cells of a version."""

import json
import zlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from studies.store.reader import CellsReader

Cells = NDArray[np.uint32]
NUMBERS = np.dtype("<u4")
BLOCK_CELLS = 100_000


def packed_keys(keys: Iterable[str]) -> bytes:
    """Write names as bytes, in ascending order."""
    return zlib.compress(json.dumps(sorted(keys), ensure_ascii=False, separators=(",", ":")).encode())


def unpacked_keys(packed: bytes) -> list[str]:
    """Read names, in ascending order."""
    names: list[str] = json.loads(zlib.decompress(packed))
    return names


def packed_cells(cells: Cells) -> bytes:
    """Write numbers of cells as bytes."""
    return cells.astype(NUMBERS).tobytes()


def unpacked_cells(packed: bytes) -> Cells:
    """Read numbers of cells."""
    return np.frombuffer(packed, dtype=NUMBERS)


def keys_of(reader: CellsReader, cells: Cells) -> list[str]:
    """Give the names of cells, ascending numbers."""
    wanted = np.zeros(reader.cells, dtype=np.bool_)
    wanted[cells] = True
    return [
        key
        for first, keys in _blocks(reader)
        if wanted[first : first + len(keys)].any()
        for key, is_wanted in zip(keys, wanted[first : first + len(keys)].tolist(), strict=True)
        if is_wanted
    ]


def numbers_of(reader: CellsReader, keys: Iterable[str]) -> dict[str, int]:
    """Give the number of each cell that is there; memory grows with the names asked for, not with the cells."""
    wanted = set(keys)
    return {
        key: first + offset for first, block in _blocks(reader) for offset, key in enumerate(block) if key in wanted
    }


def _blocks(reader: CellsReader) -> Iterator[tuple[int, list[str]]]:
    for first in range(0, reader.cells, BLOCK_CELLS):
        yield first, reader.obs_keys(first, min(first + BLOCK_CELLS, reader.cells))
