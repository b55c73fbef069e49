"""The columns of a matrix in order of value: those of the Store, or made of some cells' rows when these are few."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studies.analysis import kernels
from studies.analysis.gene_range import whole_of
from studies.analysis.rows import Cells, row_arrays
from studies.analysis.spreading import Progress, spread
from studies.analysis.walks import ColumnArrays
from studies.store.reader import MatrixReader

# Gathering and sorting one entry costs as much as walking past so many.
GATHER_FACTOR = 25
ENTRIES_PER_PART = 1 << 21


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays for the walks; `store` is where they are mapped from, if they are."""

    arrays: ColumnArrays
    store: MatrixReader | None = None

    @property
    def features(self) -> int:
        """Number of genes."""
        return self.arrays.indptr.size - 1

    def parts(self) -> list[tuple[int, int]]:
        """Cut the genes into ranges of about the same number of entries, each for one thread to work on."""
        indptr = self.arrays.indptr - self.arrays.indptr[0]
        wanted = max(2, -(-int(indptr[-1]) // ENTRIES_PER_PART))
        bounds = np.searchsorted(indptr, indptr[-1] * np.arange(1, wanted) / wanted)
        bounds = np.unique(np.concatenate([[0], bounds, [self.features]]))
        return list(itertools.pairwise(bounds.tolist()))

    def prefetch(self, first: int, stop: int) -> None:
        """Have a range of genes read from disk in the background."""
        if self.store is not None:
            self.store.prefetch_genes(first, stop)


def columns_of(store: MatrixReader, cells: Cells) -> Columns:
    """Give columns that hold at least the entries of these cells, whichever way costs less."""
    whole = whole_of(store)
    entries = int((whole.row_indptr[cells + np.uint32(1)] - whole.row_indptr[cells]).sum())
    if entries * GATHER_FACTOR < int(whole.gene_indptr[-1]):
        return gathered(store, cells)
    return Columns(ColumnArrays(store.gene_indptr, store.gene_cells, store.level_indptr, store.levels), store)


def gathered(store: MatrixReader, cells: Cells) -> Columns:
    """Make columns of the rows of some cells: their entries brought to the genes and sorted by the ranks they have."""
    counts, rows = np.zeros(store.features, dtype=np.int64), row_arrays(store, cells)
    kernels.count_entries(cells, rows, counts)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    entries, spare = _room(int(indptr[-1])), _room(int(indptr[-1]))
    kernels.gather(cells, rows, indptr[:-1].copy(), entries)
    by_value, levels = np.empty(indptr[-1], np.uint32), np.empty(indptr[-1], np.float32)
    level_indptr = np.zeros(store.features + 1, dtype=np.int64)
    filled = kernels.order_gathered(indptr[1:], entries, spare, by_value, levels, level_indptr)
    return Columns(ColumnArrays(indptr, by_value, level_indptr, levels[:filled]))


def _room(entries: int) -> kernels.Gathered:
    return kernels.Gathered(np.empty(entries, np.int64), np.empty(entries, np.uint32), np.empty(entries, np.float32))


def over_genes(columns: Columns, work: Callable[[int, int], None], *, progress: Progress | None = None) -> None:
    """Call `work(first gene, gene to stop before)` for all ranges of genes; each writes to its own genes."""

    def step(part: tuple[int, int], _: None) -> None:
        columns.prefetch(*part)
        work(*part)

    spread(columns.parts(), step, lambda: None, progress=progress)
