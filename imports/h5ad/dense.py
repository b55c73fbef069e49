"""A dense matrix in a file, read straight from HDF5."""

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from imports.h5ad.blocks import BLOCK_ENTRIES, CHUNK, RowBlock, ValueChunk

# A number itself, its place if it is not zero, and the mask in between.
BYTES_PER_NUMBER = 32


class DenseMatrix:
    """All numbers, zeros as well."""

    def __init__(self, dataset: h5py.Dataset, *, cells: int, genes: int) -> None:
        """Take a dataset of cells x genes."""
        self.cells, self.genes = cells, genes
        self._dataset = dataset
        self.dtype: np.dtype[Any] = dataset.dtype
        self.stored = cells * genes

    def flaw(self) -> str:
        """Find nothing: any table of numbers is a dense matrix."""
        return ""

    def chunks(self) -> Iterator[ValueChunk]:
        """Give all numbers, row after row."""
        rows = max(1, CHUNK // self.genes)
        for start in range(0, self.cells, rows):
            yield ValueChunk(start * self.genes, self._dataset[start : start + rows].ravel())

    def place(self, number: int) -> tuple[int, int]:
        """Give cell and gene of a number."""
        return divmod(number, self.genes)

    def blocks(self, memory_bytes: int) -> Iterator[RowBlock]:
        """Give all rows in order, without the zeros."""
        rows = max(1, min(BLOCK_ENTRIES, memory_bytes // BYTES_PER_NUMBER) // self.genes)
        for start in range(0, self.cells, rows):
            block = self._dataset[start : start + rows]
            cells, genes = np.nonzero(block)
            counts = np.bincount(cells, minlength=block.shape[0])
            yield RowBlock(start, np.concatenate([[0], np.cumsum(counts)]), genes, block[cells, genes])
