"""Ranks of one gene's values among all cells, zeros counted but never written down."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Up to this many cells, the sum of t^3 over all groups of equal values fits in 64 bits.
EXACT_CUBES = 2_097_151


@dataclass(frozen=True, slots=True)
class GeneRanks:
    """What the rank-sum test needs of one gene.

    `ranks` is twice (average rank - rank of zero), a whole number, per entry (int64); `zero_rank2` is twice the
    average rank of zero; `tie_term` is the sum of t^3 - t over the groups of equal values, zeros being one group.
    """

    ranks: NDArray[np.int64]
    zero_rank2: int
    tie_term: float


def rank_gene(values: NDArray[Any], cells: int) -> GeneRanks:
    """Rank the values of a gene that are not zero, in their own precision, among `cells` cells.

    Average ranks as scipy.stats.rankdata gives them: with n_neg values below n0 zeros, zero has the rank
    n_neg + (n0 + 1) / 2, and every value above the zeros comes n0 places later than among the others alone.
    """
    zeros = cells - values.size
    negative = int(np.count_nonzero(values < 0))
    zero_rank2 = 2 * negative + zeros + 1
    order = np.argsort(values)
    ends = _ends_of_levels(values[order])
    sizes = np.diff(ends, prepend=0)
    # Twice the average rank of places begin+1 ... end is begin + end + 1.
    rank2 = 2 * ends - sizes + 1
    rank2[ends > negative] += 2 * zeros
    ranks = np.empty(values.size, dtype=np.int64)
    ranks[order] = np.repeat(rank2 - zero_rank2, sizes)
    return GeneRanks(ranks, zero_rank2, _tie_term(sizes, zeros))


def _ends_of_levels(ordered: NDArray[Any]) -> NDArray[np.int64]:
    """Give for each distinct value the number of entries up to and with it."""
    if ordered.size == 0:
        return np.empty(0, dtype=np.int64)
    last = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.append(last, ordered.size).astype(np.int64)


def _tie_term(sizes: NDArray[np.int64], zeros: int) -> float:
    cells = int(sizes.sum()) + zeros
    of_zeros = zeros**3 - zeros
    if cells <= EXACT_CUBES:
        return float(int((sizes**3 - sizes).sum()) + of_zeros)
    # Beyond, a cube of float64 is right to one part in 10^16, which moves no z-score by 1e-8.
    real = sizes.astype(np.float64)
    return float((real**3 - real).sum() + float(of_zeros))
