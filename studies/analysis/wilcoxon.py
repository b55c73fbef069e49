"""The Wilcoxon rank-sum test, for every gene of a Store: a group against the rest, or against another group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from studies.analysis import walks
from studies.analysis.adjust import benjamini_hochberg
from studies.analysis.columns import columns_of, over_genes
from studies.analysis.results import DifferentialExpression, log2_fold_change
from studies.analysis.rows import Cells, RankSums, cells_by_code, rank_sums, rest_of
from studies.analysis.spreading import Progress
from studies.store.reader import MatrixReader


@dataclass(frozen=True, slots=True)
class Compared:
    """Doubled rank sums of a first group among both, and of both the sums of values and numbers of entries."""

    sizes: tuple[int, int]
    rank2: NDArray[np.int64]
    tie_term: NDArray[np.float64]
    values: tuple[NDArray[np.float64], NDArray[np.float64]]
    counts: tuple[NDArray[np.int64], NDArray[np.int64]]


def rank_sum_test(
    store: MatrixReader,
    group1: Cells,
    group2: Cells | None = None,
    *,
    tie_correct: bool = True,
    log1p_base: float | None = None,
    progress: Progress | None = None,
) -> DifferentialExpression:
    """Test each gene for a difference between two groups of cells, the second being all others when it is None.

    Groups are ascending cell numbers. Equal to `scanpy.tl.rank_genes_groups(method="wilcoxon")` with
    `reference="rest"` or a group. `log1p_base` is the base of the logarithm the values were taken with, None for e.
    Raises ValueError when a group is empty or a cell is in both.
    """
    compared = _with_rest(store, group1, progress) if group2 is None else _of_two(store, group1, group2, progress)
    return _result(compared, tie_correct=tie_correct, log1p_base=log1p_base)


def rank_sum_of_values(
    store: MatrixReader,
    codes: NDArray[np.int32],
    values: int,
    *,
    within: Cells | None = None,
    tie_correct: bool = True,
    log1p_base: float | None = None,
    progress: Progress | None = None,
) -> list[DifferentialExpression | None]:
    """Test the cells of each code from 0 to before `values` against all other cells, or all others `within` some.

    `codes` is per cell; cells with another code belong to no group, but to the rest. Gives None where a group has no
    cell or all of them.
    """
    compared = (
        _each_within(store, codes, values, within, progress)
        if within is not None
        else (
            _with_rest(store, cells, progress) if 0 < cells.size < store.cells else None
            for cells in cells_by_code(codes, values)
        )
    )
    return [None if one is None else _result(one, tie_correct=tie_correct, log1p_base=log1p_base) for one in compared]


def z_scores(
    rank2: NDArray[np.int64], tie_term: NDArray[np.float64], sizes: tuple[int, int], *, tie_correct: bool
) -> NDArray[np.float64]:
    """Turn doubled rank sums of the first group into z-scores.

    Without ties corrected, the variance is that of as many different values. A gene with one value has score 0.
    """
    size, other = sizes
    cells = size + other
    variance = np.full(rank2.size, size * other * (cells + 1) / 12)
    if tie_correct:
        variance *= 1 - tie_term / max(1.0, float(cells**3 - cells))
    score = np.zeros(rank2.size)
    np.divide(rank2 / 2 - size * (cells + 1) / 2, np.sqrt(np.maximum(variance, 0)), out=score, where=variance > 0)
    return score


def _with_rest(store: MatrixReader, group: Cells, progress: Progress | None) -> Compared:
    """Compare with all other cells: ranks among all cells are known, so the smaller side's rows are all it takes."""
    size, other = group.size, store.cells - group.size
    if not 0 < size < store.cells:
        raise ValueError(f"the group must have some of {store.cells} cells and leave some out, not {size}")
    swapped = size > other
    sums = rank_sums(store, rest_of(group, store.cells) if swapped else group, progress=progress)
    remaining = _complement(store, sums)
    inside, outside = (remaining, sums) if swapped else (sums, remaining)
    rank2 = size * store.zero_rank2 + inside.rank2
    return Compared((size, other), rank2, store.tie_term, (inside.value, outside.value), (inside.count, outside.count))


def _complement(store: MatrixReader, sums: RankSums) -> RankSums:
    """Take sums over some cells from the totals. All ranks of a gene add up to n(n + 1) / 2, whatever the values.

    Where the other cells have no entry the sum of values is 0, not a rounding error.
    """
    total_rank2 = store.cells * (store.cells + 1) - store.cells * store.zero_rank2
    count = store.nonzero - sums.count
    return RankSums(total_rank2 - sums.rank2, np.where(count > 0, store.sum - sums.value, 0.0), count)


def _of_two(store: MatrixReader, group1: Cells, group2: Cells, progress: Progress | None) -> Compared:
    labels = np.full(store.cells, walks.OUTSIDE, dtype=np.uint8)
    labels[group1], labels[group2] = walks.FIRST, walks.SECOND
    both = np.flatnonzero(labels).astype(np.uint32)
    if not group1.size or not group2.size or both.size != group1.size + group2.size:
        raise ValueError("two groups must have cells, and none in common")
    columns, genes, sizes = columns_of(store, both), store.features, (group1.size, group2.size)
    sums = walks.PairSums(
        np.zeros(genes, np.int64), np.zeros((2, genes)), np.zeros((2, genes), np.int64), np.zeros(genes)
    )

    def work(first: int, stop: int) -> None:
        walks.walk_two(first, stop, columns.arrays, labels, sizes, sums)

    over_genes(columns, work, progress=progress)
    values, counts = (sums.value[0], sums.value[1]), (sums.entries[0], sums.entries[1])
    return Compared(sizes, sums.rank2, sums.tie_term, values, counts)


def _each_within(
    store: MatrixReader, codes: NDArray[np.int32], values: int, within: Cells, progress: Progress | None
) -> list[Compared | None]:
    """Rank the cells of a subset among themselves once, for all groups; group number `values` is the rest."""
    labels, inside = np.full(store.cells, -1, dtype=np.int32), codes[within]
    labels[within] = np.where((inside >= 0) & (inside < values), inside, values)
    sizes = np.bincount(labels[within], minlength=values + 1).astype(np.int64)
    columns, shape = columns_of(store, within), (values + 1, store.features)
    sums = walks.GroupSums(
        np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.int64), np.zeros(store.features)
    )

    def work(first: int, stop: int) -> None:
        walks.walk_many(first, stop, columns.arrays, labels, sizes, sums)

    over_genes(columns, work, progress=progress)
    return [_one_within(sums, sizes, group) for group in range(values)]


def _one_within(sums: walks.GroupSums, sizes: NDArray[np.int64], group: int) -> Compared | None:
    size, other = int(sizes[group]), int(sizes.sum() - sizes[group])
    if not size or not other:
        return None
    others = [number for number in range(sizes.size) if number != group]
    values = sums.value[group], sums.value[others].sum(axis=0)
    counts = sums.entries[group], sums.entries[others].sum(axis=0)
    return Compared((size, other), sums.rank2[group], sums.tie_term, values, counts)


def _result(compared: Compared, *, tie_correct: bool, log1p_base: float | None) -> DifferentialExpression:
    score = z_scores(compared.rank2, compared.tie_term, compared.sizes, tie_correct=tie_correct)
    p = 2 * special.ndtr(-np.abs(score))
    means = [value / size for value, size in zip(compared.values, compared.sizes, strict=True)]
    fractions = [count / size for count, size in zip(compared.counts, compared.sizes, strict=True)]
    fold_change = log2_fold_change(means[0], means[1], log1p_base)
    return DifferentialExpression(score, p, benjamini_hochberg(p), fold_change, *fractions, *means)
