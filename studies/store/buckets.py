"""Entries of a matrix on their way from rows to genes: one file per range of genes, each small enough to sort."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What sorting and ranking one entry takes in memory at the most, measured on float64 values, with some to spare.
BYTES_PER_ENTRY = 64
MOST_BUCKETS = 256


def record_dtype(value: np.dtype[Any]) -> np.dtype[Any]:
    """Describe one entry on disk: gene, cell and the value in the source's precision."""
    return np.dtype([("gene", "<u4"), ("cell", "<u4"), ("value", value)])


@dataclass(slots=True)
class Bucket:
    """Entries of genes `first` to before `stop`, in the order they came; `counts` is per gene."""

    path: Path
    first: int
    stop: int
    counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no entry."""
        self.counts = np.zeros(self.stop - self.first, dtype=np.int64)

    @property
    def entries(self) -> int:
        """Number of entries of all its genes."""
        return int(self.counts.sum())

    def append(self, records: NDArray[Any]) -> None:
        """Add entries of its genes at the end of its file."""
        self.counts += np.bincount(records["gene"] - np.uint32(self.first), minlength=self.counts.size)
        with self.path.open("ab") as file:
            records.tofile(file)

    def read_all(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read the entries back."""
        return np.fromfile(self.path, dtype=dtype) if self.entries else np.empty(0, dtype=dtype)

    def read(self, dtype: np.dtype[Any], limit: int) -> Iterator[NDArray[Any]]:
        """Read the entries back, at most `limit` at a time."""
        with self.path.open("rb") as file:
            while (part := np.fromfile(file, dtype=dtype, count=limit)).size:
                yield part

    def remove(self) -> None:
        """Give the space on disk back."""
        self.path.unlink(missing_ok=True)


class Buckets:
    """All genes, cut into ranges."""

    def __init__(self, directory: Path, *, ranges: list[tuple[int, int]], dtype: np.dtype[Any]) -> None:
        """Make one empty bucket per `(first, stop)`; the ranges follow one another without a gap."""
        directory.mkdir(exist_ok=True)
        self.dtype = dtype
        self._stops = np.array([stop for _, stop in ranges], dtype=np.int64)
        self.all = [Bucket(directory / f"{first}-{stop}", first, stop) for first, stop in ranges]

    def add(self, genes: NDArray[Any], cells: NDArray[Any], values: NDArray[Any]) -> None:
        """Bring entries to their buckets, keeping the order in which they come."""
        numbers = np.searchsorted(self._stops, genes, side="right").astype(np.uint16)
        order = np.argsort(numbers, kind="stable")
        records = np.empty(genes.size, dtype=self.dtype)
        records["gene"], records["cell"], records["value"] = genes[order], cells[order], values[order]
        ends = np.cumsum(np.bincount(numbers, minlength=len(self.all)))
        for bucket, begin, end in zip(self.all, ends - np.diff(ends, prepend=0), ends, strict=True):
            if end > begin:
                bucket.append(records[begin:end])


def first_ranges(features: int, cells: int, memory_bytes: int) -> list[tuple[int, int]]:
    """Cut the genes into equal ranges; as if a third of all values were not zero, which is more than usual."""
    wanted = -(-cells * features * BYTES_PER_ENTRY // (3 * memory_bytes))
    count = max(1, min(features, wanted, MOST_BUCKETS))
    bounds = [features * number // count for number in range(count + 1)]
    return [(first, stop) for first, stop in itertools.pairwise(bounds)]


def fitting(bucket: Bucket, dtype: np.dtype[Any], memory_bytes: int) -> Iterator[Bucket]:
    """Give the bucket if it fits in memory, else its parts, cut by the now known counts; one gene is never cut."""
    most = max(1, memory_bytes // BYTES_PER_ENTRY)
    if bucket.entries <= most or bucket.stop - bucket.first == 1:
        yield bucket
        return
    ranges = _ranges_by_count(bucket, most)
    parts = Buckets(bucket.path.with_name(f"{bucket.path.name}.parts"), ranges=ranges, dtype=dtype)
    for records in bucket.read(dtype, most):
        parts.add(records["gene"], records["cell"], records["value"])
    bucket.remove()
    for part in parts.all:
        yield from fitting(part, dtype, memory_bytes)


def _ranges_by_count(bucket: Bucket, most: int) -> list[tuple[int, int]]:
    """Cut where the running count passes another `most`, into no more parts than may be open in a pass."""
    share = max(most, -(-bucket.entries // MOST_BUCKETS))
    ranges, first, held = [], bucket.first, 0
    for gene, count in enumerate(bucket.counts.tolist(), start=bucket.first):
        if gene > first and held + count > share:
            ranges.append((first, gene))
            first, held = gene, 0
        held += count
    return [*ranges, (first, bucket.stop)]
