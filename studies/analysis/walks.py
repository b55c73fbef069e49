"""Loops that rank some cells among themselves without sorting: a walk through each gene's cells in order of value.

Zeros are ranked without being seen. They stand between negative and positive values, so that once a gene's entries are
counted, the positive ones come so many places later.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studies.analysis.kernels import MASK, compiled

# Labels of cells in a walk with two groups: bit 0 for either, bit 1 for the first.
OUTSIDE, SECOND, FIRST = 0, 1, 3


class ColumnArrays(NamedTuple):
    """The entries of a Store gene after gene, cells in ascending order of value (see `studies.store.format`)."""

    indptr: NDArray[np.int64]
    by_value: NDArray[np.uint32]
    level_indptr: NDArray[np.int64]
    levels: NDArray[np.float32]


class PairSums(NamedTuple):
    """The first group's doubled rank sums (genes,); of both, sums of values and numbers of entries (2, genes)."""

    rank2: NDArray[np.int64]
    value: NDArray[np.float64]
    entries: NDArray[np.int64]
    tie_term: NDArray[np.float64]


class GroupSums(NamedTuple):
    """Of each group, doubled rank sums, sums of values, numbers of entries (groups, genes); tie terms (genes,)."""

    rank2: NDArray[np.int64]
    value: NDArray[np.float64]
    entries: NDArray[np.int64]
    tie_term: NDArray[np.float64]


class WeightSums(NamedTuple):
    """Per gene: the sum of doubled ranks times weights, and the tie term."""

    product: NDArray[np.float64]
    tie_term: NDArray[np.float64]


@compiled
def cube(tied: int) -> float:
    """Give t^3 - t."""
    real = float(tied)
    return real * real * real - real


@compiled
def walk_two(
    first: int, stop: int, columns: ColumnArrays, labels: NDArray[np.uint8], sizes: tuple[int, int], sums: PairSums
) -> None:
    """Rank the cells of two groups among themselves, for genes `first` to before `stop`.

    `labels` is OUTSIDE, FIRST or SECOND per cell. Members are first brought together without a branch: whether the
    next cell is one cannot be foreseen, and a processor that guesses wrong waits longer than this takes.
    """
    members = np.empty(_longest(first, stop, columns) + 1, np.uint32)
    for gene in range(first, stop):
        begin, end, level, held = columns.indptr[gene], columns.indptr[gene + 1], -1, 0
        for entry in range(begin, end):
            marked = columns.by_value[entry]
            level += marked >> 31
            label = labels[marked & MASK]
            members[held] = (level << 1) | (label >> 1)
            held += label & 1
        levels = columns.levels[columns.level_indptr[gene] : columns.level_indptr[gene + 1]]
        _rank_two(gene, members[:held], levels, sizes, sums)


@compiled
def _rank_two(
    gene: int, members: NDArray[np.uint32], levels: NDArray[np.float32], sizes: tuple[int, int], sums: PairSums
) -> None:
    """Rank one gene's members, each twice its level and 1 more in the first group."""
    seen_first, below, below_first, ranks, ties, place = 0, 0, 0, 0, 0.0, 0
    value_first, value_second = 0.0, 0.0
    while place < members.size:
        level, begin, tied_first = members[place] >> 1, place, 0
        while place < members.size and members[place] >> 1 == level:
            tied_first += members[place] & 1
            place += 1
        value, tied = float(levels[level]), place - begin
        ranks += tied_first * (begin + place + 1)
        value_first += tied_first * value
        value_second += (tied - tied_first) * value
        seen_first += tied_first
        if value < 0:
            below, below_first = place, seen_first
        if tied > 1:
            ties += cube(tied)
    zeros = sizes[0] + sizes[1] - members.size
    ranks += 2 * zeros * (seen_first - below_first) + (sizes[0] - seen_first) * (2 * below + zeros + 1)
    sums.rank2[gene], sums.tie_term[gene] = ranks, ties + cube(zeros)
    sums.value[0, gene], sums.value[1, gene] = value_first, value_second
    sums.entries[0, gene], sums.entries[1, gene] = seen_first, members.size - seen_first


@compiled
def walk_many(
    first: int, stop: int, columns: ColumnArrays, labels: NDArray[np.int32], sizes: NDArray[np.int64], sums: GroupSums
) -> None:
    """Rank the cells of many groups among themselves, for genes `first` to before `stop`, adding into `sums`.

    `labels` is the number of a group per cell, -1 for a cell that takes no part; `sizes` is per group.
    """
    longest = _longest(first, stop, columns) + 1
    cells, numbers, below = np.empty(longest, np.uint32), np.empty(longest, np.uint32), np.zeros(sizes.size, np.int64)
    everyone = sizes.sum()
    for gene in range(first, stop):
        held = _inside(columns.by_value[columns.indptr[gene] : columns.indptr[gene + 1]], labels, cells, numbers)
        place, under, ties = 0, 0, 0.0
        below[:] = 0
        while place < held:
            begin = place
            while place < held and numbers[place] == numbers[begin]:
                place += 1
            value = float(columns.levels[columns.level_indptr[gene] + numbers[begin]])
            for member in range(begin, place):
                label = labels[cells[member]]
                sums.rank2[label, gene] += begin + place + 1
                sums.value[label, gene] += value
                sums.entries[label, gene] += 1
                below[label] += value < 0
            under = place if value < 0 else under
            ties += cube(place - begin)
        zeros = everyone - held
        sums.tie_term[gene] = ties + cube(zeros)
        for group in range(sizes.size):
            there, lower = sums.entries[group, gene], below[group]
            sums.rank2[group, gene] += 2 * zeros * (there - lower) + (sizes[group] - there) * (2 * under + zeros + 1)


@compiled
def walk_weights(
    first: int, stop: int, columns: ColumnArrays, inside: NDArray[np.int32], weights: NDArray[np.float64],
    everyone: int, sums: WeightSums,
) -> None:  # fmt: skip
    """Add up, per gene, doubled ranks among some cells times their weights, which add up to zero over them.

    `inside` is 0 for these cells and -1 for others; `everyone` is how many they are.
    """
    longest = _longest(first, stop, columns) + 1
    cells, numbers = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    for gene in range(first, stop):
        held = _inside(columns.by_value[columns.indptr[gene] : columns.indptr[gene + 1]], inside, cells, numbers)
        place, below, ties, added, under, over = 0, 0, 0.0, 0.0, 0.0, 0.0
        while place < held:
            begin, weight = place, 0.0
            while place < held and numbers[place] == numbers[begin]:
                weight += weights[cells[place]]
                place += 1
            added += weight * (begin + place + 1)
            if columns.levels[columns.level_indptr[gene] + numbers[begin]] < 0:
                below, under = place, under + weight
            else:
                over += weight
            ties += cube(place - begin)
        zeros = everyone - held
        sums.product[gene] = added + 2 * zeros * over - (under + over) * (2 * below + zeros + 1)
        sums.tie_term[gene] = ties + cube(zeros)


@compiled
def _longest(first: int, stop: int, columns: ColumnArrays) -> int:
    longest = 0
    for gene in range(first, stop):
        longest = max(longest, columns.indptr[gene + 1] - columns.indptr[gene])
    return longest


@compiled
def _inside(
    by_value: NDArray[np.uint32], labels: NDArray[np.int32], cells: NDArray[np.uint32], numbers: NDArray[np.uint32]
) -> int:
    """Bring the cells of a gene that have a label together, each with the number of its level, and give how many."""
    level, held = -1, 0
    for marked in by_value:
        level += marked >> 31
        cell = marked & MASK
        cells[held], numbers[held] = cell, level
        held += labels[cell] >= 0
    return held
