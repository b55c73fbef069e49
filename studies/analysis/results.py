"""What a test of differential expression gives, and what all tests share."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from studies.analysis.adjust import benjamini_hochberg


@dataclass(frozen=True, slots=True)
class DifferentialExpression:
    """One number per gene, each of shape (genes,) and type float64.

    `score` is z or t, positive where the first group is higher; `p` is two-sided; `p_adj` is Benjamini-Hochberg over
    all genes; `pct_in` and `pct_out` are fractions of cells whose value is not zero, `mean_in` and `mean_out` the means
    of the stored values. `log2fc` is NaN or infinite where the formula is (values that are not log1p).
    """

    score: NDArray[np.float64]
    p: NDArray[np.float64]
    p_adj: NDArray[np.float64]
    log2fc: NDArray[np.float64]
    pct_in: NDArray[np.float64]
    pct_out: NDArray[np.float64]
    mean_in: NDArray[np.float64]
    mean_out: NDArray[np.float64]


def log2_fold_change(
    inside: NDArray[np.float64], outside: NDArray[np.float64], base: float | None
) -> NDArray[np.float64]:
    """Compare means of log1p values as scanpy does: taken back to counts, with 1e-9 added; `base` None is e."""
    scale = 1.0 if base is None else np.log(base)
    with np.errstate(all="ignore"):
        fold_change: NDArray[np.float64] = np.log2(
            (np.expm1(inside * scale) + 1e-9) / (np.expm1(outside * scale) + 1e-9)
        )
    return fold_change


def joined(parts: Sequence[DifferentialExpression]) -> DifferentialExpression:
    """Put results about ranges of genes together, in order; p-values are adjusted anew, over all genes."""
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(DifferentialExpression)
    }
    return DifferentialExpression(**{**columns, "p_adj": benjamini_hochberg(columns["p"])})
