"""The last step of a build: one bucket of entries becomes finished columns of genes."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.format import StoreBuildError
from studies.store.ranking import rank_gene
from studies.store.staging import StagedDirectory

GENES_PER_STEP = 64


class GeneColumns:
    """Appends genes in ascending order to the arrays of a Store and gathers what is kept per gene."""

    def __init__(self, staged: StagedDirectory, *, cells: int, features: int) -> None:
        """Begin the arrays of a matrix."""
        self._staged, self._cells = staged, cells
        self._cell_numbers = staged.grow(fmt.CELLS, np.dtype("<u4"))
        self._values = staged.grow(fmt.VALUES, np.dtype("<f4"))
        self._rank_dtype = fmt.rank_dtype(cells)
        self._ranks = staged.grow(fmt.RANKS, self._rank_dtype)
        self._indptr = np.zeros(features + 1, dtype=np.int64)
        # A gene without any entry: zero is the only value.
        self._zero_rank2 = np.full(features, cells + 1, dtype=np.int64)
        self._tie_term = np.full(features, float(cells**3 - cells))
        self._sum = np.zeros(features)
        self._centered = np.zeros(features)

    def __enter__(self) -> Self:
        """Stand for itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the files."""
        for array in (self._cell_numbers, self._values, self._ranks):
            array.close()

    def add(self, first: int, stop: int, records: NDArray[Any], step: Callable[[int], None]) -> None:
        """Finish the genes `first` to before `stop`, whose entries come in row order, calling `step(gene)` at times.

        Raises StoreBuildError for a value too large for float32.
        """
        local = records["gene"] - np.uint32(first)
        # Up to 16 bits, numpy's stable sort is a radix sort.
        order = np.argsort(local.astype(np.min_scalar_type(stop - first)), kind="stable")
        local, cells, values = _without_duplicates(local[order], records["cell"][order], records["value"][order])
        narrowed = self._narrowed(values, cells, local, first)
        ends = np.cumsum(np.bincount(local, minlength=stop - first))
        ranks = np.empty(values.size, dtype=self._rank_dtype)
        begin = 0
        for gene, end in enumerate(ends.tolist(), start=first):
            if end > begin:
                ranks[begin:end] = self._finish_gene(gene, values[begin:end], narrowed[begin:end])
            if gene % GENES_PER_STEP == 0:
                step(gene)
            begin = end
        self._indptr[first + 1 : stop + 1] = self._indptr[first] + ends
        for array, part in ((self._cell_numbers, cells), (self._values, narrowed), (self._ranks, ranks)):
            array.append(part)

    def save_statistics(self) -> None:
        """Write the arrays that have one number per gene."""
        for name, array in (
            (fmt.INDPTR, self._indptr),
            (fmt.ZERO_RANK2, self._zero_rank2),
            (fmt.TIE_TERM, self._tie_term),
            (fmt.SUM, self._sum),
            (fmt.CENTERED, self._centered),
        ):
            self._staged.save(name, array)

    def _finish_gene(self, gene: int, values: NDArray[Any], narrowed: NDArray[np.float32]) -> NDArray[np.int64]:
        ranked = rank_gene(values, self._cells)
        self._zero_rank2[gene], self._tie_term[gene] = ranked.zero_rank2, ranked.tie_term
        self._sum[gene], self._centered[gene] = _moments(narrowed, self._cells)
        return ranked.ranks

    @staticmethod
    def _narrowed(values: NDArray[Any], cells: NDArray[Any], genes: NDArray[Any], first: int) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            narrowed: NDArray[np.float32] = values.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(narrowed))
        if bad.size:
            gene, cell = first + int(genes[bad[0]]), int(cells[bad[0]])
            raise StoreBuildError(
                f"gene {gene}, cell {cell}: {values[bad[0]]} does not fit in 32 bits; normalise the data"
            )
        return narrowed


def _without_duplicates(
    genes: NDArray[Any], cells: NDArray[Any], values: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Sum entries of the same gene and cell, which are neighbours, and drop those that come to zero.

    Real numbers are summed in 64 bits: in 32, 1.001 written down as 0.001 + 1.0 would differ from 1.001.
    """
    repeated = (genes[1:] == genes[:-1]) & (cells[1:] == cells[:-1])
    if not repeated.any():
        return genes, cells, values
    starts = np.flatnonzero(np.concatenate(([True], ~repeated)))
    wide = np.float64 if values.dtype.kind == "f" else values.dtype
    with np.errstate(over="ignore"):
        summed = np.add.reduceat(values, starts, dtype=wide)
    kept = summed != 0
    return genes[starts][kept], cells[starts][kept], summed[kept]


def _moments(values: NDArray[np.float32], cells: int) -> tuple[float, float]:
    """Give the sum and the centred sum of squares with all zeros, the latter exactly 0 when all values are equal."""
    real = values.astype(np.float64)
    total = float(real.sum())
    if values.size == cells and real.min() == real.max():
        return total, 0.0
    mean = total / cells
    return total, float(np.square(real - mean).sum()) + (cells - values.size) * mean * mean
