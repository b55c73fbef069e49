"""Sums over the rows of some cells."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studies.analysis import kernels
from studies.analysis.gene_range import GeneRange
from studies.analysis.spreading import Progress, spread
from studies.store import format as fmt
from studies.store.reader import MatrixReader

Cells = NDArray[np.uint32]
ENTRIES_PER_PART = 1 << 21


@dataclass(frozen=True, slots=True)
class RankSums:
    """Sums over the entries of some cells, per gene: doubled ranks (exact), values, and how many entries."""

    rank2: NDArray[np.int64]
    value: NDArray[np.float64]
    count: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over some cells, per gene: values, squared distances from the mean of all cells with zeros, entries."""

    cells: int
    value: NDArray[np.float64]
    square: NDArray[np.float64]
    count: NDArray[np.int64]


def rest_of(cells: Cells, everyone: int) -> Cells:
    """Give the cells that are not among these, ascending."""
    inside = np.zeros(everyone, dtype=np.bool_)
    inside[cells] = True
    return np.flatnonzero(~inside).astype(np.uint32)


def row_parts(rows: kernels.RowArrays, cells: Cells) -> list[Cells]:
    """Cut cells into parts of about the same number of entries, each for one thread to work on."""
    entries = np.cumsum(rows.ends[cells] - rows.begins[cells])
    wanted = max(1, -(-int(entries[-1]) // ENTRIES_PER_PART)) if entries.size else 1
    if wanted > 1:
        wanted += wanted % 2
    bounds = np.searchsorted(entries, entries[-1] * np.arange(1, wanted) / wanted) if entries.size else []
    return [part for part in np.split(cells, bounds) if part.size]


def row_arrays(store: MatrixReader, cells: Cells, *, ranks: bool = True) -> kernels.RowArrays:
    """Bundle the rows of some cells, ascending, for the kernels, and have them read from disk.

    The bounds of other cells must not be used.
    """
    begins, ends, first = store.row_indptr[:-1], store.row_indptr[1:], 0
    if isinstance(store, GeneRange):
        store.prefetch_entries(begins[cells], ends[cells], arrays=[fmt.ROW_GENES])
        begins, ends, first = begins.copy(), ends.copy(), store.first
        kernels.row_bounds(cells, store.row_genes, first, store.stop, begins, ends)
    store.prefetch_entries(begins[cells], ends[cells], arrays=fmt.ROW_ENTRIES[: 3 if ranks else 2])
    return kernels.RowArrays(begins, ends, first, store.row_genes, store.row_values, store.row_ranks)


def rank_sums(store: MatrixReader, cells: Cells, *, progress: Progress | None = None) -> RankSums:
    """Add up doubled ranks and values over the entries of some cells, each array of shape (genes,)."""
    rows, genes = row_arrays(store, cells), store.features

    def work(part: Cells, sums: RankSums) -> None:
        kernels.add_ranks(part, rows, sums.rank2, sums.value, sums.count)

    def begin() -> RankSums:
        return RankSums(np.zeros(genes, np.int64), np.zeros(genes), np.zeros(genes, np.int64))

    held = spread(row_parts(rows, cells), work, begin, progress=progress)
    rank2, count = np.sum([one.rank2 for one in held], axis=0), np.sum([one.count for one in held], axis=0)
    return RankSums(rank2, np.sum([one.value for one in held], axis=0), count)


def moments(store: MatrixReader, cells: Cells, *, progress: Progress | None = None) -> Moments:
    """Add up values and squared distances from each gene's mean over all cells, each array of shape (genes,)."""
    rows, genes, mean = row_arrays(store, cells, ranks=False), store.features, store.sum / store.cells

    def work(part: Cells, sums: kernels.MomentSums) -> None:
        kernels.add_moments(part, rows, mean, sums)

    def begin() -> kernels.MomentSums:
        return kernels.MomentSums(np.zeros(genes), np.zeros(genes), np.zeros(genes, np.int64))

    held = spread(row_parts(rows, cells), work, begin, progress=progress)
    value, square, count = (np.sum(part, axis=0) for part in zip(*held, strict=True))
    return Moments(cells.size, value, square + (cells.size - count) * mean**2, count)


def value_sums(store: MatrixReader, cells: Cells, *, progress: Progress | None = None) -> NDArray[np.float64]:
    """Add up values over some cells, shape (genes,)."""
    rows = row_arrays(store, cells, ranks=False)

    def work(part: Cells, value: NDArray[np.float64]) -> None:
        kernels.add_values(part, rows, value)

    held = spread(row_parts(rows, cells), work, lambda: np.zeros(store.features), progress=progress)
    return np.asarray(np.sum(held, axis=0))


def cells_by_code(codes: NDArray[np.int32], values: int) -> Iterator[Cells]:
    """Give the cells of each code from 0 to before `values`, ascending; other codes take no part."""
    order = np.argsort(codes, kind="stable").astype(np.uint32)
    bounds = np.searchsorted(codes[order], np.arange(values + 1))
    return (order[begin:end] for begin, end in itertools.pairwise(bounds))
