"""The form in which a matrix leaves the file: blocks of rows, each small enough for the memory it may take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Numbers read from the file at a time where their order does not matter.
CHUNK = 1_000_000
# Blocks larger than this gain nothing, and progress is told after each.
BLOCK_ENTRIES = 1_000_000
# What one entry of a block takes while it is sorted into rows, at the most.
BYTES_PER_ENTRY = 64


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows from `start` as the three arrays of a CSR matrix, `indptr` from 0; zeros may be among the data."""

    start: int
    indptr: NDArray[np.int64]
    indices: NDArray[Any]
    data: NDArray[Any]

    @property
    def stop(self) -> int:
        """Number of the row after the last."""
        return self.start + self.indptr.size - 1


@dataclass(frozen=True, slots=True)
class ValueChunk:
    """Some values in the order of the file; `first` is the number of the first."""

    first: int
    values: NDArray[Any]


class Matrix(Protocol):
    """A matrix in a file: cells x genes, compressed by row or by column, or dense."""

    cells: int
    genes: int
    dtype: np.dtype[Any]
    stored: int

    def flaw(self) -> str:
        """Say what is wrong with its structure, or nothing."""

    def chunks(self) -> Iterator[ValueChunk]:
        """Give all stored values, for checks."""

    def place(self, number: int) -> tuple[int, int]:
        """Give cell and gene of a stored value."""

    def blocks(self, memory_bytes: int) -> Iterator[RowBlock]:
        """Give all rows in order, in blocks that take about so much memory; one row is never cut."""


def row_ranges(ends: NDArray[np.int64], most: int) -> Iterator[tuple[int, int]]:
    """Cut rows into ranges of at most `most` entries, or one row; `ends` is the running number of entries."""
    first, rows = 0, ends.size
    while first < rows:
        before = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield first, stop
        first = stop
