"""Correlation of one gene with every gene of a Store, over all cells, zeros included."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from studies.analysis.slices import chunks, segment_sums
from studies.store.reader import MatrixReader

Progress = Callable[[int, int], None]


def pearson(store: MatrixReader, position: int, *, progress: Progress | None = None) -> NDArray[np.float64]:
    """Give Pearson's r of the gene at `position` with each gene, shape (genes,); NaN where either is constant.

    A gene's zeros add nothing to the sum of (x_q - m_q) * x_g, so only its entries are read. What m_q was rounded by
    would count once per cell and gene; it is taken off again, so means far above the spread do no harm.
    """
    distance = _centered(store, position)
    products = np.zeros(store.features)
    for chunk in chunks(store.indptr):
        entries = slice(chunk.begin, chunk.end)
        bounds = store.indptr[chunk.first : chunk.stop + 1] - chunk.begin
        terms = distance[store.cell_numbers[entries]] * store.values[entries]
        products[chunk.first : chunk.stop] = segment_sums(terms, bounds, np.float64)
        if progress:
            progress(chunk.stop, store.features)
    products -= distance.sum() * store.sum / store.cells
    spread = store.centered_sum_of_squares * store.centered_sum_of_squares[position]
    r = np.full(store.features, np.nan)
    np.divide(products, np.sqrt(spread), out=r, where=spread > 0)
    return np.clip(r, -1.0, 1.0, out=r)


def _centered(store: MatrixReader, position: int) -> NDArray[np.float64]:
    """Give the distance of each cell's value from the gene's mean, shape (cells,)."""
    cells, values = store.gene(position)
    mean = store.sum[position] / store.cells
    distance = np.full(store.cells, -mean)
    distance[cells] = values.astype(np.float64) - mean
    return distance
