"""Sparse matrices in a file, compressed by row (CSR) or by column (CSC), read straight from HDF5."""

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from imports.h5ad.blocks import BLOCK_ENTRIES, BYTES_PER_ENTRY, CHUNK, RowBlock, ValueChunk, row_ranges


class SparseMatrix:
    """What both orders have in common; `lines` are rows in CSR and columns in CSC."""

    def __init__(self, group: h5py.Group, *, cells: int, genes: int, lines: int, across: int) -> None:
        """Take a group with `data`, `indices` and `indptr`. Raises KeyError, ValueError when they cannot be used."""
        self.cells, self.genes = cells, genes
        self._across = across
        self._data, self._indices = group["data"], group["indices"]
        if group["indptr"].shape != (lines + 1,):
            raise ValueError(f"indptr has the shape {group['indptr'].shape} instead of {(lines + 1,)}")
        self._indptr: NDArray[np.int64] = group["indptr"][()].astype(np.int64)
        self.dtype: np.dtype[Any] = self._data.dtype
        self.stored = int(self._data.shape[0])

    def flaw(self) -> str:
        """Say what is wrong with its structure, or nothing."""
        ends = self._indptr
        if ends[0] != 0 or ends[-1] != self.stored or bool((np.diff(ends) < 0).any()):
            return "indptr does not lead through the data"
        if self._indices.shape != (self.stored,) or self._indices.dtype.kind not in "iu":
            return f"indices are {self._indices.dtype} with shape {self._indices.shape}, data {(self.stored,)}"
        for chunk in self._index_chunks():
            if chunk.min() < 0 or chunk.max() >= self._across:
                return f"indices go from {chunk.min()} to {chunk.max()}, but there are {self._across}"
        return ""

    def chunks(self) -> Iterator[ValueChunk]:
        """Give all stored values."""
        for first in range(0, self.stored, CHUNK):
            part = slice(first, first + CHUNK)
            yield ValueChunk(first, self._data[part])

    def _index_chunks(self) -> Iterator[NDArray[Any]]:
        for first in range(0, self.stored, CHUNK):
            yield self._indices[first : first + CHUNK]

    def _line_and_index(self, number: int) -> tuple[int, int]:
        line = int(np.searchsorted(self._indptr, number, side="right")) - 1
        return line, int(self._indices[number])


class CsrMatrix(SparseMatrix):
    """Row after row: the order in which the Store wants it."""

    def __init__(self, group: h5py.Group, *, cells: int, genes: int) -> None:
        """Take a group. Raises KeyError."""
        super().__init__(group, cells=cells, genes=genes, lines=cells, across=genes)

    def place(self, number: int) -> tuple[int, int]:
        """Give cell and gene of a stored value."""
        return self._line_and_index(number)

    def blocks(self, memory_bytes: int) -> Iterator[RowBlock]:
        """Give all rows in order."""
        most = min(BLOCK_ENTRIES, memory_bytes // BYTES_PER_ENTRY)
        for first, stop in row_ranges(self._indptr[1:], max(1, most)):
            ends = self._indptr[first : stop + 1]
            part = slice(int(ends[0]), int(ends[-1]))
            yield RowBlock(first, ends - ends[0], self._indices[part], self._data[part])


class CscMatrix(SparseMatrix):
    """Column after column: read once to count each row's entries, then once for each block of rows."""

    def __init__(self, group: h5py.Group, *, cells: int, genes: int) -> None:
        """Take a group. Raises KeyError."""
        super().__init__(group, cells=cells, genes=genes, lines=genes, across=cells)

    def place(self, number: int) -> tuple[int, int]:
        """Give cell and gene of a stored value."""
        gene, cell = self._line_and_index(number)
        return cell, gene

    def blocks(self, memory_bytes: int) -> Iterator[RowBlock]:
        """Give all rows in order."""
        counts = np.zeros(self.cells, dtype=np.int64)
        for chunk in self._index_chunks():
            counts += np.bincount(chunk, minlength=self.cells)
        for first, stop in row_ranges(np.cumsum(counts), max(1, memory_bytes // BYTES_PER_ENTRY)):
            yield self._block(first, stop, counts[first:stop])

    def _block(self, first: int, stop: int, counts: NDArray[np.int64]) -> RowBlock:
        rows, genes, data = (np.empty(int(counts.sum()), dtype) for dtype in (np.uint32, np.uint32, self.dtype))
        filled = 0
        for chunk in self.chunks():
            cells = self._indices[chunk.first : chunk.first + chunk.values.size]
            inside = np.flatnonzero((cells >= first) & (cells < stop))
            part = slice(filled, filled + inside.size)
            rows[part] = cells[inside] - first
            genes[part] = np.searchsorted(self._indptr, chunk.first + inside, side="right") - 1
            data[part] = chunk.values[inside]
            filled += inside.size
        order = np.argsort(rows, kind="stable")
        return RowBlock(first, np.concatenate([[0], np.cumsum(counts)]), genes[order], data[order])
