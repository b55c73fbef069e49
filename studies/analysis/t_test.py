"""Welch's t-test, for every gene of a Store: a group against the rest, or against another group."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from studies.analysis.adjust import benjamini_hochberg
from studies.analysis.results import DifferentialExpression, log2_fold_change
from studies.analysis.rows import Cells, Moments, cells_by_code, moments, rest_of
from studies.analysis.spreading import Progress
from studies.store.reader import MatrixReader

LEAST_CELLS = 2


def welch_t_test(
    store: MatrixReader,
    group1: Cells,
    group2: Cells | None = None,
    *,
    log1p_base: float | None = None,
    progress: Progress | None = None,
) -> DifferentialExpression:
    """Test each gene for a difference of means of two groups, the second being all other cells when it is None.

    Equal to `scanpy.tl.rank_genes_groups(method="t-test")`. Raises ValueError when a group has fewer than two cells.
    """
    if group2 is None:
        inside, outside = _with_rest(store, group1, progress)
    else:
        inside, outside = moments(store, group1, progress=progress), moments(store, group2, progress=progress)
    return _result(store, inside, outside, log1p_base)


def welch_of_values(
    store: MatrixReader,
    codes: NDArray[np.int32],
    values: int,
    *,
    within: Cells | None = None,
    log1p_base: float | None = None,
    progress: Progress | None = None,
) -> list[DifferentialExpression | None]:
    """Test the cells of each code from 0 to before `values` against all other cells, or all others `within` some.

    Gives None where a group or its rest has fewer than two cells.
    """
    taking_part = np.arange(store.cells, dtype=np.uint32) if within is None else within
    labels = np.full(store.cells, -1, dtype=np.int32)
    inside = codes[taking_part]
    labels[taking_part] = np.where((inside >= 0) & (inside < values), inside, values)
    held = [moments(store, cells, progress=progress) for cells in cells_by_code(labels, values + 1)]
    pairs = [(one, _together(held[:number] + held[number + 1 :])) for number, one in enumerate(held[:values])]
    return [
        _result(store, one, rest, log1p_base) if min(one.cells, rest.cells) >= LEAST_CELLS else None
        for one, rest in pairs
    ]


def _with_rest(store: MatrixReader, group: Cells, progress: Progress | None) -> tuple[Moments, Moments]:
    """Sum the smaller side's rows; the other follows from the totals."""
    swapped = 2 * group.size > store.cells
    sums = moments(store, rest_of(group, store.cells) if swapped else group, progress=progress)
    count = store.nonzero - sums.count
    value = np.where(count > 0, store.sum - sums.value, 0.0)
    square = np.maximum(store.centered_sum_of_squares - sums.square, 0.0)
    remaining = Moments(store.cells - sums.cells, value, square, count)
    return (remaining, sums) if swapped else (sums, remaining)


def _together(held: list[Moments]) -> Moments:
    return Moments(
        sum(one.cells for one in held),
        np.sum([one.value for one in held], axis=0),
        np.sum([one.square for one in held], axis=0),
        np.sum([one.count for one in held], axis=0),
    )


def _variance(store: MatrixReader, sums: Moments) -> NDArray[np.float64]:
    """Give the variance with n - 1 in the denominator; squares are of distances from the mean of all cells."""
    shift = sums.value / sums.cells - store.sum / store.cells
    return np.maximum(sums.square - sums.cells * shift**2, 0.0) / (sums.cells - 1)


def _result(store: MatrixReader, inside: Moments, outside: Moments, log1p_base: float | None) -> DifferentialExpression:
    if min(inside.cells, outside.cells) < LEAST_CELLS:
        raise ValueError("a t-test needs at least two cells on each side")
    means = inside.value / inside.cells, outside.value / outside.cells
    shares = _variance(store, inside) / inside.cells, _variance(store, outside) / outside.cells
    score, p = _welch(means, shares, (inside.cells, outside.cells))
    fractions = inside.count / inside.cells, outside.count / outside.cells
    fold_change = log2_fold_change(*means, log1p_base)
    return DifferentialExpression(score, p, benjamini_hochberg(p), fold_change, *fractions, *means)


def _welch(
    means: tuple[NDArray[np.float64], NDArray[np.float64]],
    shares: tuple[NDArray[np.float64], NDArray[np.float64]],
    sizes: tuple[int, int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give t and its two-sided p with Welch and Satterthwaite's degrees of freedom; 0 and 1 where nothing varies."""
    both = shares[0] + shares[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = both**2 / (shares[0] ** 2 / (sizes[0] - 1) + shares[1] ** 2 / (sizes[1] - 1))
        score = (means[0] - means[1]) / np.sqrt(both)
    p = 2 * special.stdtr(np.where(np.isnan(freedom), 1.0, freedom), -np.abs(score))
    undefined = np.isnan(score)
    return np.where(undefined, 0.0, score), np.where(undefined, 1.0, p)
