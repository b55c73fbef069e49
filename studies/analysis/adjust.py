"""Correction of p-values for asking about many genes at once."""

import numpy as np
from numpy.typing import NDArray


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values to control the false discovery rate, shape (tests,), as Benjamini and Hochberg (1995) do.

    The same as `statsmodels.stats.multitest.multipletests(method="fdr_bh")`, which scanpy uses; no NaN may come in.
    """
    order = np.argsort(p)[::-1]
    scaled = p[order] * (p.size / np.arange(p.size, 0, -1))
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted
