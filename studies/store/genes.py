"""From one bucket of entries to finished columns of genes, and to the same entries with their ranks."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from studies.store import build_kernels as kernels
from studies.store import format as fmt
from studies.store.format import StoreBuildError
from studies.store.staging import StagedDirectory


@dataclass(frozen=True, slots=True)
class RankedEntries:
    """The entries of a range of genes in the order of their cells, each array of shape (entries,)."""

    cells: NDArray[np.uint32]
    genes: NDArray[np.uint32]
    values: NDArray[np.float32]
    ranks: NDArray[np.int32] | NDArray[np.int64]


class GeneColumns:
    """Appends genes in ascending order to the arrays of a Store and gathers what is kept per gene."""

    def __init__(self, staged: StagedDirectory, *, cells: int, features: int) -> None:
        """Begin the arrays of a matrix."""
        self._staged, self._cells = staged, cells
        self._by_value = staged.grow(fmt.GENE_CELLS, np.dtype("<u4"))
        self._levels = staged.grow(fmt.LEVELS, np.dtype("<f4"))
        self._rank_dtype = fmt.rank_dtype(cells)
        self._counts = np.zeros(features, dtype=np.int64)
        self._level_counts = np.zeros(features, dtype=np.int64)
        self._zero_rank2 = np.zeros(features, dtype=np.int64)
        self._tie_term, self._sum, self._centered = np.zeros(features), np.zeros(features), np.zeros(features)

    def __enter__(self) -> Self:
        """Stand for itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the files."""
        self._by_value.close()
        self._levels.close()

    def add(self, first: int, stop: int, records: NDArray[Any]) -> RankedEntries:
        """Finish the genes `first` to before `stop`, whose entries come in row order.

        Raises StoreBuildError for a value too large for float32.
        """
        records, order, counts = _by_gene(records, first, stop)
        values = records["value"][order]
        narrowed = self._narrowed(values, records, order)
        ranks = np.empty(values.size, dtype=self._rank_dtype)
        ranks[order] = self._rank(slice(first, stop), counts, records["cell"][order], values, narrowed)
        in_rows = np.empty_like(narrowed)
        in_rows[order] = narrowed
        return RankedEntries(records["cell"].copy(), records["gene"].copy(), in_rows, ranks)

    def save_statistics(self) -> None:
        """Write the arrays that have one number per gene."""
        for name, array in (
            (fmt.GENE_INDPTR, np.concatenate([[0], np.cumsum(self._counts)])),
            (fmt.LEVEL_INDPTR, np.concatenate([[0], np.cumsum(self._level_counts)])),
            (fmt.ZERO_RANK2, self._zero_rank2),
            (fmt.TIE_TERM, self._tie_term),
            (fmt.SUM, self._sum),
            (fmt.CENTERED, self._centered),
        ):
            self._staged.save(name, array)

    def _rank(
        self,
        genes: slice,
        counts: NDArray[np.int64],
        cells: NDArray[np.uint32],
        values: NDArray[Any],
        narrowed: NDArray[np.float32],
    ) -> NDArray[Any]:
        """Rank the entries, write their genes' columns, and give the ranks in the order they came."""
        ends = np.cumsum(counts)
        kernels.moments(ends, narrowed, self._cells, self._sum[genes], self._centered[genes])
        ranks, by_value = np.empty(narrowed.size, self._rank_dtype), np.empty(narrowed.size, np.uint32)
        levels = np.empty(narrowed.size, np.float32)
        filled = kernels.rank_genes(
            kernels.Entries(ends, _sortable(values), cells, narrowed, self._cells),
            kernels.Ranked(ranks, by_value, levels),
            kernels.RankStatistics(self._level_counts[genes], self._zero_rank2[genes], self._tie_term[genes]),
        )
        self._counts[genes] = counts
        self._by_value.append(by_value)
        self._levels.append(levels[:filled])
        return ranks

    @staticmethod
    def _narrowed(values: NDArray[Any], records: NDArray[Any], order: NDArray[np.int64]) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            narrowed: NDArray[np.float32] = values.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(narrowed))
        if bad.size:
            record = records[order[bad[0]]]
            raise StoreBuildError(
                f"gene {record['gene']}, cell {record['cell']}: {values[bad[0]]} does not fit in 32 bits; "
                "normalise the data"
            )
        return narrowed


def _by_gene(records: NDArray[Any], first: int, stop: int) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Give the records without duplicates, the order that sorts them by gene, and the number of each gene's."""
    records, order, counts = _ordered(records, first, stop)
    genes, cells = records["gene"][order], records["cell"][order]
    repeated = (genes[1:] == genes[:-1]) & (cells[1:] == cells[:-1])
    if not repeated.any():
        return records, order, counts
    return _ordered(_summed(records, order, repeated), first, stop)


def _ordered(records: NDArray[Any], first: int, stop: int) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    local = records["gene"] - np.uint32(first)
    counts = np.bincount(local, minlength=stop - first)
    return records, kernels.order_by_number(local, np.cumsum(counts) - counts), counts


def _summed(records: NDArray[Any], order: NDArray[np.int64], repeated: NDArray[np.bool_]) -> NDArray[Any]:
    """Sum entries of the same gene and cell, which are neighbours in this order, and drop those that come to zero.

    Real numbers are summed in 64 bits: in 32, 1.001 written down as 0.001 + 1.0 would differ from 1.001.
    """
    starts = np.flatnonzero(np.concatenate(([True], ~repeated)))
    given = records["value"][order]
    wide = np.dtype(np.float64) if given.dtype.kind == "f" else given.dtype
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(given, starts, dtype=wide)
    where = order[starts]
    place = np.argsort(where)
    described = [(name, wide if name == "value" else records.dtype[name]) for name in ("gene", "cell", "value")]
    kept = np.empty(where.size, dtype=np.dtype(described))
    kept["gene"], kept["cell"] = records["gene"][where[place]], records["cell"][where[place]]
    kept["value"] = sums[place]
    nonzero: NDArray[Any] = kept[kept["value"] != 0]
    return nonzero


def _sortable(values: NDArray[Any]) -> NDArray[Any]:
    """Give unsigned numbers that are in the same order as the values."""
    bits: NDArray[Any] = np.ascontiguousarray(values).view(f"<u{values.dtype.itemsize}")
    top = bits.dtype.type(1 << (8 * values.dtype.itemsize - 1))
    if values.dtype.kind == "i":
        return np.asarray(bits ^ top)
    return np.asarray(np.where(bits & top, ~bits, bits | top))
