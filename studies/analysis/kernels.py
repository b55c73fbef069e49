"""The loops over rows behind the heavy questions, compiled; they hold no lock, so threads can share the work."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from studies.store.format import CELL_MASK, LEVEL_FLAG

compiled = njit(cache=True, nogil=True, boundscheck=False)
FLAG, MASK = np.uint32(LEVEL_FLAG), np.uint32(CELL_MASK)


class RowArrays(NamedTuple):
    """The entries of a Store cell after cell, cell c from `begins[c]` to before `ends[c]`.

    `first` is the number of the gene that counts as gene 0 here.
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    first: int
    genes: NDArray[Any]
    values: NDArray[np.float32]
    ranks: NDArray[Any]


@compiled
def row_bounds(
    cells: NDArray[np.uint32], genes: NDArray[Any], first: int, stop: int, begins: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:  # fmt: skip
    """Narrow the bounds of some cells' entries to those of genes `first` to before `stop`, by bisection."""
    for cell in cells:
        low = begins[cell] + np.searchsorted(genes[begins[cell] : ends[cell]], first)
        ends[cell] = low + np.searchsorted(genes[low : ends[cell]], stop)
        begins[cell] = low


@compiled
def add_ranks(
    cells: NDArray[np.uint32],
    rows: RowArrays,
    rank2: NDArray[np.int64],
    value: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Add up, per gene, doubled ranks, values and the number of entries of some cells."""
    for cell in cells:
        for entry in range(rows.begins[cell], rows.ends[cell]):
            gene = np.int64(rows.genes[entry]) - rows.first
            rank2[gene] += rows.ranks[entry]
            value[gene] += rows.values[entry]
            count[gene] += 1


class MomentSums(NamedTuple):
    """Per gene: sum of values, of squared distances from a mean, and number of entries."""

    value: NDArray[np.float64]
    square: NDArray[np.float64]
    entries: NDArray[np.int64]


@compiled
def add_moments(cells: NDArray[np.uint32], rows: RowArrays, mean: NDArray[np.float64], sums: MomentSums) -> None:
    """Add up, per gene, values, squared distances from `mean`, and the number of entries of some cells."""
    for cell in cells:
        for entry in range(rows.begins[cell], rows.ends[cell]):
            gene, number = np.int64(rows.genes[entry]) - rows.first, float(rows.values[entry])
            sums.value[gene] += number
            sums.square[gene] += (number - mean[gene]) ** 2
            sums.entries[gene] += 1


@compiled
def add_values(cells: NDArray[np.uint32], rows: RowArrays, value: NDArray[np.float64]) -> None:
    """Add up the values of some cells per gene."""
    for cell in cells:
        for entry in range(rows.begins[cell], rows.ends[cell]):
            value[np.int64(rows.genes[entry]) - rows.first] += rows.values[entry]


@compiled
def add_value_products(
    cells: NDArray[np.uint32], weights: NDArray[np.float64], rows: RowArrays, product: NDArray[np.float64]
) -> None:
    """Add up, per gene, values times their cell's weight; `weights` is one per cell of the Store."""
    for cell in cells:
        weight = weights[cell]
        for entry in range(rows.begins[cell], rows.ends[cell]):
            product[np.int64(rows.genes[entry]) - rows.first] += weight * rows.values[entry]


@compiled
def add_rank_products(
    cells: NDArray[np.uint32], weights: NDArray[np.float64], rows: RowArrays, product: NDArray[np.float64]
) -> None:
    """Add up, per gene, doubled ranks times their cell's weight; `weights` is one per cell of the Store."""
    for cell in cells:
        weight = weights[cell]
        for entry in range(rows.begins[cell], rows.ends[cell]):
            product[np.int64(rows.genes[entry]) - rows.first] += weight * rows.ranks[entry]


@compiled
def count_entries(cells: NDArray[np.uint32], rows: RowArrays, count: NDArray[np.int64]) -> None:
    """Count the entries of some cells per gene."""
    for cell in cells:
        for entry in range(rows.begins[cell], rows.ends[cell]):
            count[np.int64(rows.genes[entry]) - rows.first] += 1


class Gathered(NamedTuple):
    """Entries brought to their genes: rank, cell and value of each."""

    ranks: NDArray[np.int64]
    cells: NDArray[np.uint32]
    values: NDArray[np.float32]


@compiled
def gather(cells: NDArray[np.uint32], rows: RowArrays, begins: NDArray[np.int64], gathered: Gathered) -> None:
    """Bring the entries of some cells to their genes; `begins` is where each gene's go and is moved to where they end.

    Within a gene they come in the order of the cells.
    """
    for cell in cells:
        for entry in range(rows.begins[cell], rows.ends[cell]):
            gene = np.int64(rows.genes[entry]) - rows.first
            at = begins[gene]
            begins[gene] += 1
            gathered.ranks[at], gathered.cells[at] = rows.ranks[entry], cell
            gathered.values[at] = rows.values[entry]


@compiled
def order_gathered(
    ends: NDArray[np.int64],
    gathered: Gathered,
    spare: Gathered,
    by_value: NDArray[np.uint32],
    levels: NDArray[np.float32],
    level_indptr: NDArray[np.int64],
) -> int:
    """Make columns in order of value out of gathered entries, each gene's up to `ends`, and give how many levels.

    Equal ranks are equal values in the source; a gene's order by rank is that by value.
    """
    begin, filled = 0, 0
    counts = np.empty(257, np.int64)
    for gene in range(ends.size):
        end = ends[gene]
        ordered = _by_rank(begin, end, gathered, spare, counts)
        for place in range(begin, end):
            by_value[place] = ordered.cells[place]
            if place == begin or ordered.ranks[place] != ordered.ranks[place - 1]:
                by_value[place] |= FLAG
                levels[filled] = ordered.values[place]
                filled += 1
        level_indptr[gene + 1] = filled
        begin = end
    return filled


@compiled
def _by_rank(begin: int, end: int, entries: Gathered, spare: Gathered, counts: NDArray[np.int64]) -> Gathered:
    """Sort entries `begin` to before `end` by rank, a byte at a time from the lowest, and say where they are then."""
    if end - begin < 2:
        return entries
    lowest, highest = entries.ranks[begin], entries.ranks[begin]
    for place in range(begin, end):
        lowest, highest = min(lowest, entries.ranks[place]), max(highest, entries.ranks[place])
    shift = 0
    while (highest - lowest) >> shift:
        counts[:] = 0
        for place in range(begin, end):
            counts[(((entries.ranks[place] - lowest) >> shift) & 255) + 1] += 1
        for byte in range(256):
            counts[byte + 1] += counts[byte]
        for place in range(begin, end):
            byte = ((entries.ranks[place] - lowest) >> shift) & 255
            at = begin + counts[byte]
            counts[byte] += 1
            spare.ranks[at], spare.cells[at] = entries.ranks[place], entries.cells[place]
            spare.values[at] = entries.values[place]
        entries, spare = spare, entries
        shift += 8
    return entries
