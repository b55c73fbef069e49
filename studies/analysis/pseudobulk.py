"""Sums of values over groups of cells, for tools that test samples and not cells."""

import numpy as np
from numpy.typing import NDArray

from studies.analysis.rows import cells_by_code, value_sums
from studies.analysis.spreading import Progress
from studies.store.reader import MatrixReader


def pseudobulk(
    store: MatrixReader, codes: NDArray[np.int32], groups: int, *, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Add up the stored values of each group's cells, shape (groups, genes); `codes` is per cell, -1 for no group.

    As `scanpy.get.aggregate(func="sum")`.
    """
    sums = np.zeros((groups, store.features))
    for number, cells in enumerate(cells_by_code(codes, groups)):
        if cells.size:
            sums[number] = value_sums(store, cells)
        if progress:
            progress(number + 1, groups)
    return sums
