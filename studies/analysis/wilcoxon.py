"""The Wilcoxon rank-sum test of one group of cells against all others, for every gene of a Store."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from studies.analysis.adjust import benjamini_hochberg
from studies.analysis.slices import Chunk, chunks, segment_sums
from studies.store.reader import MatrixReader

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RankSumResult:
    """One number per gene, each of shape (genes,) and type float64.

    `score` is the z-score, positive where the group is higher; `p` is two-sided; `p_adj` is Benjamini-Hochberg over
    all genes; `pct_in` and `pct_out` are fractions of cells whose value is not zero. A gene with one value in all
    cells has score 0 and p 1. `log2fc` is NaN or infinite where the formula is (values that are not log1p).
    """

    score: NDArray[np.float64]
    p: NDArray[np.float64]
    p_adj: NDArray[np.float64]
    log2fc: NDArray[np.float64]
    pct_in: NDArray[np.float64]
    pct_out: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums over the entries of a group's cells, per gene: doubled ranks (exact), values, and how many entries."""

    rank2: NDArray[np.int64]
    value: NDArray[np.float64]
    count: NDArray[np.int64]


def rank_sum_test(
    store: MatrixReader,
    group: NDArray[np.bool_],
    *,
    tie_correct: bool = True,
    log1p_base: float | None = None,
    progress: Progress | None = None,
) -> RankSumResult:
    """Test each gene for a difference between the cells of `group`, a mask of shape (cells,), and all others.

    Equal to `scanpy.tl.rank_genes_groups(method="wilcoxon", reference="rest")`. `log1p_base` is the base of the
    logarithm the values were taken with, None for e. Raises ValueError when the group is empty or has all cells.
    """
    size = int(np.count_nonzero(group))
    if group.shape != (store.cells,) or not 0 < size < store.cells:
        raise ValueError(f"the group must be a mask of {store.cells} cells with some in and some out, not {size} in")
    sums = group_sums(store, group, progress)
    score = z_scores(store, sums.rank2, size, tie_correct=tie_correct)
    p = 2 * special.ndtr(-np.abs(score))
    pct_in, pct_out = sums.count / size, (store.nonzero - sums.count) / (store.cells - size)
    fold_change = _log2_fold_change(*_means(store, sums, size), log1p_base)
    return RankSumResult(score, p, benjamini_hochberg(p), fold_change, pct_in, pct_out)


def z_scores(
    store: MatrixReader, entries_rank2: NDArray[np.int64], size: int, *, tie_correct: bool
) -> NDArray[np.float64]:
    """Turn doubled rank sums over a group's entries into z-scores.

    The rank sum of a group of k cells is k times the rank of zero plus what its entries lie away from it. Without
    ties corrected, the variance is that of n different values.
    """
    cells, rest = store.cells, store.cells - size
    rank_sum = (size * store.zero_rank2 + entries_rank2) / 2
    variance = np.full(store.features, size * rest * (cells + 1) / 12)
    if tie_correct:
        variance *= 1 - store.tie_term / float(cells**3 - cells)
    score = np.zeros(store.features)
    np.divide(rank_sum - size * (cells + 1) / 2, np.sqrt(np.maximum(variance, 0)), out=score, where=variance > 0)
    return score


def group_sums(store: MatrixReader, group: NDArray[np.bool_], progress: Progress | None = None) -> GroupSums:
    """Add up doubled ranks and values over the entries of the group's cells, shape (genes,).

    The smaller side, group or rest, is looked up; the other follows from the totals.
    """
    swapped = 2 * np.count_nonzero(group) > group.size
    genes = store.features
    sums = GroupSums(np.zeros(genes, np.int64), np.zeros(genes, np.float64), np.zeros(genes, np.int64))
    side = ~group if swapped else group
    for chunk in chunks(store.indptr):
        _add_chunk(store, side, chunk, sums)
        if progress:
            progress(chunk.stop, store.features)
    return _complement(store, sums) if swapped else sums


def _add_chunk(store: MatrixReader, side: NDArray[np.bool_], chunk: Chunk, sums: GroupSums) -> None:
    entries = slice(chunk.begin, chunk.end)
    members = np.flatnonzero(side[store.cell_numbers[entries]])
    bounds = np.searchsorted(members, store.indptr[chunk.first : chunk.stop + 1] - chunk.begin)
    genes = slice(chunk.first, chunk.stop)
    sums.rank2[genes] = segment_sums(store.ranks[entries][members], bounds, np.int64)
    sums.value[genes] = segment_sums(store.values[entries][members], bounds, np.float64)
    sums.count[genes] = np.diff(bounds)


def _complement(store: MatrixReader, sums: GroupSums) -> GroupSums:
    """Take sums over some cells from the totals. All ranks of a gene add up to n(n + 1) / 2, whatever the values."""
    total_rank2 = store.cells * (store.cells + 1) - store.cells * store.zero_rank2
    return GroupSums(total_rank2 - sums.rank2, *_other_side(store, sums))


def _other_side(store: MatrixReader, sums: GroupSums) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give value sums and counts of the other cells; where they have no entry the sum is 0, not a rounding error."""
    count = store.nonzero - sums.count
    return np.where(count > 0, store.sum - sums.value, 0.0), count


def _means(store: MatrixReader, sums: GroupSums, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return sums.value / size, _other_side(store, sums)[0] / (store.cells - size)


def _log2_fold_change(
    inside: NDArray[np.float64], outside: NDArray[np.float64], base: float | None
) -> NDArray[np.float64]:
    """Compare means of log1p values as scanpy does: taken back to counts, with 1e-9 added."""
    scale = 1.0 if base is None else np.log(base)
    with np.errstate(all="ignore"):
        fold_change: NDArray[np.float64] = np.log2(
            (np.expm1(inside * scale) + 1e-9) / (np.expm1(outside * scale) + 1e-9)
        )
    return fold_change
