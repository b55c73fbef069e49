"""Correlation of one gene with every gene of a Store, over all cells or some, zeros included."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studies.analysis import kernels, walks
from studies.analysis.columns import columns_of, over_genes
from studies.analysis.gene_range import gene_range, whole_of
from studies.analysis.rows import Cells, moments, row_arrays, row_parts
from studies.analysis.spreading import Progress, spread
from studies.store.reader import MatrixReader

# Up to this ratio of mean to spread, products of values as they are lose no more than four of sixteen digits.
MOST_SHIFTED = 1e4


@dataclass(frozen=True, slots=True)
class Correlation:
    """r with each gene, shape (genes,), NaN where either is constant; over `n` cells."""

    r: NDArray[np.float64]
    n: int


@dataclass(frozen=True, slots=True)
class _Spread:
    """Per gene: mean, and sum of squared distances from it."""

    mean: NDArray[np.float64]
    centered: NDArray[np.float64]


def pearson(
    store: MatrixReader, position: int, *, within: Cells | None = None, progress: Progress | None = None
) -> Correlation:
    """Give Pearson's r of the gene at `position` with each gene, over all cells or those `within` some, ascending.

    Only the rows in which the gene is not zero are read: the sum of products needs no others.
    """
    cells, values = whole_of(store).gene(position)
    spread_of, asked = _spread_of(store, within, progress), _spread_of_asked(store, position, within)
    n = store.cells
    if within is not None:
        n = within.size
        kept = np.isin(cells, within, assume_unique=True)
        cells, values = cells[kept], values[kept]
    weights = values.astype(np.float64)
    if _is_shifted(spread_of, n) or _is_shifted(asked, n):
        distance = np.full(store.cells, -asked.mean[0])
        distance[cells] += weights
        product = _centered_product(store, distance, within, spread_of.mean, progress)
    else:
        product = _product(store, cells, weights, kernels.add_value_products, progress)
        product -= n * asked.mean[0] * spread_of.mean
    return Correlation(_ratio(product, spread_of.centered, asked.centered[0]), n)


def spearman(
    store: MatrixReader, position: int, *, within: Cells | None = None, progress: Progress | None = None
) -> Correlation:
    """Give Spearman's rho, Pearson's r of average ranks, as `scipy.stats.spearmanr`; cells as for `pearson`."""
    if within is not None:
        return _spearman_within(store, position, within, progress)
    n, whole = store.cells, whole_of(store)
    cells, _ = whole.gene(position)
    from_zero = _ranks_of(whole, position, cells)
    zero = store.zero_rank2 - (n + 1)
    product = _product(store, cells, from_zero, kernels.add_rank_products, progress)
    # Doubled ranks less their mean are `zero` plus what the entries lie away from it; the entries of a gene together
    # lie -n * zero away.
    product -= n * float(whole.zero_rank2[position] - (n + 1)) * zero
    asked = _rank_spread(n, whole.tie_term[position : position + 1])
    return Correlation(_ratio(product, _rank_spread(n, store.tie_term), asked[0]), n)


def _product(
    store: MatrixReader,
    cells: Cells,
    weights: NDArray[np.float64],
    add: Callable[..., None],
    progress: Progress | None,
) -> NDArray[np.float64]:
    """Add up values, or doubled ranks, times the weight of their cell, shape (genes,)."""
    whole, rows = np.zeros(store.cells), row_arrays(store, cells)
    whole[cells] = weights

    def work(part: Cells, product: NDArray[np.float64]) -> None:
        add(part, whole, rows, product)

    held = spread(row_parts(rows, cells), work, lambda: np.zeros(store.features), progress=progress)
    return np.asarray(np.sum(held, axis=0))


def _centered_product(
    store: MatrixReader,
    distance: NDArray[np.float64],
    within: Cells | None,
    mean: NDArray[np.float64],
    progress: Progress | None,
) -> NDArray[np.float64]:
    """Do without the difference of large numbers: take the gene's distances from its mean, of every cell.

    What the mean was rounded by would count once per cell and gene; it is taken off again.
    """
    everyone = np.arange(store.cells, dtype=np.uint32) if within is None else within
    product = _product(store, everyone, distance[everyone], kernels.add_value_products, progress)
    return np.asarray(product - distance[everyone].sum() * mean)


def _spread_of(store: MatrixReader, within: Cells | None, progress: Progress | None) -> _Spread:
    if within is None:
        return _Spread(store.sum / store.cells, store.centered_sum_of_squares)
    return _spread_within(store, within, progress)


def _spread_of_asked(store: MatrixReader, position: int, within: Cells | None) -> _Spread:
    """Give the one gene's, which may lie outside of the genes to correlate it with."""
    return _spread_of(gene_range(whole_of(store), position, position + 1), within, None)


def _spread_within(store: MatrixReader, within: Cells, progress: Progress | None) -> _Spread:
    sums = moments(store, within, progress=progress)
    mean = sums.value / max(within.size, 1)
    shift = mean - store.sum / store.cells
    centered = np.maximum(sums.square - within.size * shift**2, 0.0)
    # Rounding must not make a constant gene vary.
    tiny = 1e-13 * (sums.square + within.size * shift**2)
    return _Spread(mean, np.where(centered > tiny, centered, 0.0))


def _is_shifted(spread_of: _Spread, n: int) -> bool:
    varies = spread_of.centered > 0
    ratio = np.abs(spread_of.mean[varies]) * np.sqrt(n / spread_of.centered[varies])
    return bool(ratio.size and ratio.max() > MOST_SHIFTED)


def _ratio(product: NDArray[np.float64], centered: NDArray[np.float64], asked: float) -> NDArray[np.float64]:
    both = np.sqrt(centered) * np.sqrt(asked)
    r = np.full(product.size, np.nan)
    np.divide(product, both, out=r, where=both > 0)
    np.clip(r, -1.0, 1.0, out=r)
    return r


def _rank_spread(n: int, tie_term: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the sum of squared distances of doubled ranks from their mean; exactly 0 for one value."""
    spread_of: NDArray[np.float64] = np.maximum((float(n**3 - n) - tie_term) / 3, 0.0)
    return spread_of


def _ranks_of(store: MatrixReader, position: int, cells: Cells) -> NDArray[np.float64]:
    """Give how far the doubled rank of a gene's entries, in the order of their cells, lies from that of zero."""
    flagged = store.gene_cells[int(store.gene_indptr[position]) : int(store.gene_indptr[position + 1])]
    begins = np.flatnonzero(flagged >> np.uint32(31))
    ends = np.append(begins[1:], flagged.size)
    negative = int(np.count_nonzero(store.gene(position)[1] < 0))
    zeros = store.cells - flagged.size
    rank2 = begins + ends + 1 + np.where(begins >= negative, 2 * zeros, 0) - int(store.zero_rank2[position])
    spread_out = np.zeros(store.cells)
    spread_out[flagged & np.uint32(kernels.MASK)] = np.repeat(rank2, ends - begins)
    return spread_out[cells]


def _spearman_within(store: MatrixReader, position: int, within: Cells, progress: Progress | None) -> Correlation:
    """Rank the subset's cells among themselves for every gene by a walk through its values."""
    n = within.size
    inside = np.full(store.cells, -1, dtype=np.int32)
    inside[within] = 0
    weights = _ranks_within(whole_of(store), position, within)
    columns = columns_of(store, within)
    sums = walks.WeightSums(np.zeros(store.features), np.zeros(store.features))

    def work(first: int, stop: int) -> None:
        walks.walk_weights(first, stop, columns.arrays, inside, weights, n, sums)

    over_genes(columns, work, progress=progress)
    # The gene's own ranks are its weights.
    return Correlation(_ratio(sums.product, _rank_spread(n, sums.tie_term), float(weights @ weights)), n)


def _ranks_within(store: MatrixReader, position: int, within: Cells) -> NDArray[np.float64]:
    """Give the doubled average rank among some cells less its mean, 0 for all other cells, shape (cells,)."""
    cells, _ = store.gene(position)
    known = np.zeros(store.cells)
    known[cells] = _ranks_of(store, position, cells)
    _, inverse, counts = np.unique(known[within], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    weights = np.zeros(store.cells)
    weights[within] = (2 * ends - counts + 1)[inverse] - (within.size + 1)
    return weights
