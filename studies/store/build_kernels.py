"""The loops of a build, compiled; each works on one bucket of entries or one block of rows and knows no files."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from studies.store.format import LEVEL_FLAG

DIGIT = 11
BINS = 1 << DIGIT
SMALL = 48

compiled = njit(cache=True, nogil=True, boundscheck=False)


@compiled
def order_by_number(numbers: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the order that sorts whole numbers, equal ones as they came; `offsets` is where each number begins."""
    filled = offsets.copy()
    order = np.empty(numbers.size, np.int64)
    for entry in range(numbers.size):
        number = numbers[entry]
        order[filled[number]] = entry
        filled[number] += 1
    return order


class Entries(NamedTuple):
    """The entries of some genes, gene after gene, gene g up to `ends[g]`.

    `keys` are unsigned numbers in the order of the values; `total` is the number of cells of the matrix.
    """

    ends: NDArray[np.int64]
    keys: NDArray[Any]
    cells: NDArray[np.uint32]
    values: NDArray[np.float32]
    total: int


class Ranked(NamedTuple):
    """What becomes of entries: `ranks` as they came; `by_value` and `levels` as `studies.store.format` has them."""

    ranks: NDArray[Any]
    by_value: NDArray[np.uint32]
    levels: NDArray[np.float32]


class RankStatistics(NamedTuple):
    """Per gene: number of levels, twice the average rank of zero, sum of t^3 - t over groups of equal values."""

    levels: NDArray[np.int64]
    zero_rank2: NDArray[np.int64]
    tie_term: NDArray[np.float64]


@compiled
def rank_genes(entries: Entries, ranked: Ranked, statistics: RankStatistics) -> int:
    """Order each gene's entries by value and rank them among all cells, zeros counted but not written.

    A rank is twice the average rank less that of zero. Gives the number of levels of all genes.
    """
    longest, begin = 0, 0
    for end in entries.ends:
        longest, begin = max(longest, end - begin), end
    work = (np.empty(longest, entries.keys.dtype), np.empty(longest, np.uint32))
    spare = (np.empty(longest, entries.keys.dtype), np.empty(longest, np.uint32))
    counts = np.empty(BINS, np.int64)
    filled, begin = 0, 0
    for gene in range(entries.ends.size):
        end = entries.ends[gene]
        ordered, order = _ordered(entries.keys[begin:end], work, spare, counts)
        filled = _rank_one(gene, begin, ordered, order, filled, entries, ranked, statistics)
        begin = end
    return filled


@compiled
def _rank_one(
    gene: int,
    begin: int,
    ordered: NDArray[Any],
    order: NDArray[np.uint32],
    filled: int,
    entries: Entries,
    ranked: Ranked,
    statistics: RankStatistics,
) -> int:
    size = ordered.size
    zeros, negative = entries.total - size, 0
    while negative < size and entries.values[begin + order[negative]] < 0:
        negative += 1
    of_zero = 2 * negative + zeros + 1
    ties, first, before = cube(zeros), 0, filled
    while first < size:
        last = first + 1
        while last < size and ordered[last] == ordered[first]:
            last += 1
        # Twice the average rank of the places first + 1 to last, zeros standing between negative and positive.
        rank = first + last + 1 + (2 * zeros if first >= negative else 0) - of_zero
        for place in range(first, last):
            ranked.ranks[begin + order[place]] = rank
            ranked.by_value[begin + place] = entries.cells[begin + order[place]]
        ranked.by_value[begin + first] |= LEVEL_FLAG
        ranked.levels[filled] = entries.values[begin + order[first]]
        ties += cube(last - first)
        filled, first = filled + 1, last
    statistics.levels[gene], statistics.zero_rank2[gene] = filled - before, of_zero
    statistics.tie_term[gene] = ties
    return filled


@compiled
def cube(tied: int) -> float:
    """Give t^3 - t, right to one part in 10^16 beyond 2^53, which moves no z-score by 1e-8."""
    real = float(tied)
    return real * real * real - real


@compiled
def _ordered(
    keys: NDArray[Any],
    work: tuple[NDArray[Any], NDArray[np.uint32]],
    free: tuple[NDArray[Any], NDArray[np.uint32]],
    counts: NDArray[np.int64],
) -> tuple[NDArray[Any], NDArray[np.uint32]]:
    """Sort keys, and say where each came from: by insertion when few, else by radix, digits that are equal left out."""
    size = keys.size
    ordered, order, spare, spare_order = work[0], work[1], free[0], free[1]
    for place in range(size):
        ordered[place], order[place] = keys[place], place
    if size <= SMALL:
        _insert(ordered, order, size)
        return ordered[:size], order[:size]
    for shift in range(0, 8 * keys.itemsize, DIGIT):
        counts[:] = 0
        for place in range(size):
            counts[(ordered[place] >> shift) & (BINS - 1)] += 1
        if counts[(ordered[0] >> shift) & (BINS - 1)] == size:
            continue
        total = 0
        for number in range(BINS):
            held = counts[number]
            counts[number] = total
            total += held
        for place in range(size):
            digit = (ordered[place] >> shift) & (BINS - 1)
            spare[counts[digit]], spare_order[counts[digit]] = ordered[place], order[place]
            counts[digit] += 1
        ordered, spare = spare, ordered
        order, spare_order = spare_order, order
    return ordered[:size], order[:size]


@compiled
def _insert(ordered: NDArray[Any], order: NDArray[np.uint32], size: int) -> None:
    for place in range(1, size):
        key, came, at = ordered[place], order[place], place
        while at > 0 and ordered[at - 1] > key:
            ordered[at], order[at] = ordered[at - 1], order[at - 1]
            at -= 1
        ordered[at], order[at] = key, came


@compiled
def moments(
    ends: NDArray[np.int64],
    values: NDArray[np.float32],
    cells: int,
    total: NDArray[np.float64],
    centered: NDArray[np.float64],
) -> None:
    """Add up each gene's values, and the squares of their distances from the mean of all cells, zeros included.

    The latter is exactly 0 when all values are equal.
    """
    begin = 0
    for gene in range(ends.size):
        end = ends[gene]
        added, lowest, highest = 0.0, np.inf, -np.inf
        for entry in range(begin, end):
            value = float(values[entry])
            added += value
            lowest, highest = min(lowest, value), max(highest, value)
        total[gene] = added
        if end - begin == cells and lowest == highest:
            centered[gene] = 0.0
        else:
            mean, spread = added / cells, 0.0
            for entry in range(begin, end):
                spread += (values[entry] - mean) ** 2
            centered[gene] = spread + (cells - (end - begin)) * mean * mean
        begin = end


@compiled
def sort_rows(
    rows: NDArray[np.uint32],
    genes: NDArray[np.uint32],
    values: NDArray[np.float32],
    ranks: NDArray[Any],
    offsets: NDArray[np.int64],
    out_genes: NDArray[Any],
    out_values: NDArray[np.float32],
    out_ranks: NDArray[Any],
) -> None:
    """Bring entries into the order of rows, and of genes within a row; `offsets` is where each row begins.

    Parts come one range of genes after another, each in the order of rows, so little is left to sort.
    """
    filled = offsets.copy()
    for entry in range(rows.size):
        row = rows[entry]
        at = filled[row]
        filled[row] += 1
        gene, value, rank = genes[entry], values[entry], ranks[entry]
        while at > offsets[row] and out_genes[at - 1] > gene:
            out_genes[at], out_values[at], out_ranks[at] = out_genes[at - 1], out_values[at - 1], out_ranks[at - 1]
            at -= 1
        out_genes[at], out_values[at], out_ranks[at] = gene, value, rank
