"""Sums per gene over the entries of a Store, in ranges of genes that fit in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Entries looked at in one go: a few working arrays of this length stay in the processor's cache or near it.
ENTRIES_PER_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Genes `first` to before `stop`, whose entries are `begin` to before `end`."""

    first: int
    stop: int
    begin: int
    end: int


def chunks(indptr: NDArray[np.int64], entries: int = ENTRIES_PER_CHUNK) -> Iterator[Chunk]:
    """Cut the genes into ranges of about so many entries; one gene is never cut."""
    genes = indptr.size - 1
    first = 0
    while first < genes:
        begin = int(indptr[first])
        stop = max(first + 1, int(np.searchsorted(indptr, begin + entries, side="right")) - 1)
        yield Chunk(first, stop, begin, int(indptr[stop]))
        first = stop


def segment_sums(numbers: NDArray[Any], bounds: NDArray[np.int64], dtype: type[np.number[Any]]) -> NDArray[Any]:
    """Add up `numbers[bounds[i]:bounds[i + 1]]` for each i in the given type; an empty segment gives exactly 0."""
    sums = np.zeros(bounds.size - 1, dtype=dtype)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if filled.size:
        # reduceat ends a segment where the next begins, which is right because those left out are empty.
        sums[filled] = np.add.reduceat(numbers[: bounds[-1]], bounds[filled], dtype=dtype)
    return sums
