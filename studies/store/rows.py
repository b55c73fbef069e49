"""The last step of a build: entries with ranks, kept by ranges of genes, become the rows of the cells."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.store import build_kernels as kernels
from studies.store import format as fmt
from studies.store.genes import RankedEntries
from studies.store.staging import GrowingArray, StagedDirectory


def row_blocks(counts: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Cut the rows into blocks of at most so many entries, or one row, and give the bounds of the blocks."""
    ends, bounds = np.cumsum(counts, dtype=np.int64), [0]
    while bounds[-1] < counts.size:
        before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
        bounds.append(max(bounds[-1] + 1, int(np.searchsorted(ends, before + most, side="right"))))
    return np.array(bounds)


@dataclass(frozen=True, slots=True)
class _Part:
    path: Path
    ends: NDArray[np.int64]


class RankedParts:
    """One file per range of genes, in ascending order of genes, each in the order of the cells."""

    def __init__(self, directory: Path, *, bounds: NDArray[np.int64], rank_dtype: np.dtype[Any]) -> None:
        """Begin with none; `bounds` are those of the blocks of rows in which the parts are read again."""
        directory.mkdir()
        self._directory, self._bounds = directory, bounds
        self._dtype = np.dtype([("cell", "<u4"), ("gene", "<u4"), ("value", "<f4"), ("rank", rank_dtype)])
        self._parts: list[_Part] = []

    def add(self, entries: RankedEntries) -> None:
        """Keep the entries of the next range of genes."""
        records = np.empty(entries.cells.size, dtype=self._dtype)
        records["cell"], records["gene"] = entries.cells, entries.genes
        records["value"], records["rank"] = entries.values, entries.ranks
        part = _Part(self._directory / str(len(self._parts)), np.searchsorted(entries.cells, self._bounds))
        records.tofile(part.path)
        self._parts.append(part)

    def read(self, block: int) -> NDArray[Any]:
        """Give the entries of a block of rows, one range of genes after another."""
        return np.concatenate([self._read(part, block) for part in self._parts])

    def _read(self, part: _Part, block: int) -> NDArray[Any]:
        begin, end = (int(place) for place in part.ends[block : block + 2])
        return np.fromfile(part.path, dtype=self._dtype, count=end - begin, offset=begin * self._dtype.itemsize)


class RowColumns:
    """Appends cells in ascending order to the arrays of a Store."""

    def __init__(self, staged: StagedDirectory, *, cells: int, features: int) -> None:
        """Begin the arrays."""
        self._staged = staged
        self._types = (fmt.gene_dtype(features), np.dtype("<f4"), fmt.rank_dtype(cells))
        names = (fmt.ROW_GENES, fmt.ROW_VALUES, fmt.ROW_RANKS)
        self._arrays: list[GrowingArray] = [
            staged.grow(name, dtype) for name, dtype in zip(names, self._types, strict=True)
        ]
        self._counts = np.zeros(cells, dtype=np.int64)

    def add(self, first: int, stop: int, records: NDArray[Any]) -> None:
        """Write the rows `first` to before `stop`."""
        local = records["cell"] - np.uint32(first)
        counts = np.bincount(local, minlength=stop - first)
        columns = [np.empty(records.size, dtype) for dtype in self._types]
        genes, values, ranks = (np.ascontiguousarray(records[name]) for name in ("gene", "value", "rank"))
        kernels.sort_rows(local, genes, values, ranks, np.cumsum(counts) - counts, columns[0], columns[1], columns[2])
        self._counts[first:stop] = counts
        for array, column in zip(self._arrays, columns, strict=True):
            array.append(column)

    def close(self) -> None:
        """Close the files and write where each row begins."""
        for array in self._arrays:
            array.close()
        self._staged.save(fmt.ROW_INDPTR, np.concatenate([[0], np.cumsum(self._counts)]))
