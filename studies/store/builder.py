"""Building Stores: out of core, in bounded memory, there whole or not at all. For workers only."""

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.buckets import BYTES_PER_ENTRY, Bucket, Buckets, first_ranges, fitting, record_dtype
from studies.store.cells import write_cells
from studies.store.format import StoreBuildError
from studies.store.genes import GeneColumns
from studies.store.rows import RankedParts, RowColumns, row_blocks
from studies.store.staging import StagedDirectory, discard_unfinished

__all__ = ["MatrixBuilder", "StoreBuildError", "discard_unfinished", "write_cells"]

Progress = Callable[[int, int], None]


class MatrixBuilder:
    """Turns a matrix that comes in blocks of rows into a Store, gene after gene.

    Peak memory is about `memory_bytes` beside the caller's block, whatever the number of cells; the least it can do
    with is one gene's entries. Use it in a `with` statement: leaving without `finish` removes what was written.
    """

    def __init__(
        self, directory: Path, cells: int, features: int, memory_bytes: int, *, source: Mapping[str, Any] | None = None
    ) -> None:
        """Begin the Store that will be at `directory`; `source` goes into the manifest as it is."""
        if not (0 < cells <= fmt.MOST_CELLS and 0 < features < 2**32):
            least = "there must be at least one of each, and below 2^31 cells"
            raise StoreBuildError(f"{cells} cells x {features} genes: {least}")
        self.cells, self.features = cells, features
        self._memory = memory_bytes
        self._source = dict(source or {})
        self._rows = 0
        self._row_counts = np.zeros(cells, dtype=np.int64)
        self._given: np.dtype[Any] | None = None
        self._staged = StagedDirectory(directory)
        self._spill = self._staged.path / "buckets"
        self._buckets: Buckets | None = None

    def __enter__(self) -> Self:
        """Stand for itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove what was written, unless it was finished."""
        self._staged.discard()

    def add_rows(self, start: int, indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[Any]) -> None:
        """Take the next block of rows as the three arrays of a CSR matrix, `indptr` from 0; `start` is its first row.

        Zeros are dropped; indices may come in any order, and more than once within a row: then they are summed.
        Raises StoreBuildError naming gene position and cell for NaN and infinities, and when the block does not fit.
        """
        indptr, indices, data = np.asarray(indptr), np.asarray(indices), np.asarray(data)
        self._check_block(start, indptr, indices, data)
        buckets = self._buckets_for(data.dtype)
        rows = np.repeat(np.arange(start, start + indptr.size - 1, dtype=np.uint32), np.diff(indptr))
        for part in self._parts(rows.size):
            genes, cells, values = indices[part], rows[part], data[part]
            self._check_entries(genes, cells, values)
            kept = values != 0
            buckets.add(genes[kept], cells[kept], values[kept])
        self._row_counts[start : start + indptr.size - 1] = np.diff(indptr)
        self._rows += indptr.size - 1

    def finish(self, progress: Progress | None = None) -> Path:
        """Sort and rank gene after gene, calling `progress(genes done, genes)`, and put the Store in its place.

        Raises StoreBuildError when rows are missing or a value is too large for float32.
        """
        if self._rows != self.cells:
            raise StoreBuildError(f"the matrix has {self.cells} rows, but only {self._rows} came")
        tell = progress or _silent
        bounds = row_blocks(self._row_counts, self._most_entries)
        parts = RankedParts(self._staged.path / "ranked", bounds=bounds, rank_dtype=fmt.rank_dtype(self.cells))
        # Two steps of about the same length, told as one.
        self._write_genes(parts, lambda genes: tell(genes // 2, self.features))
        self._write_rows(
            parts, bounds, lambda rows: tell(self.features * (self.cells + rows) // (2 * self.cells), self.features)
        )
        shutil.rmtree(self._spill)
        shutil.rmtree(self._staged.path / "ranked")
        self._staged.publish(kind="matrix", cells=self.cells, features=self.features, source=self._source)
        tell(self.features, self.features)
        return self._staged.target

    @property
    def _most_entries(self) -> int:
        return max(1, self._memory // BYTES_PER_ENTRY)

    def _write_genes(self, parts: RankedParts, step: Callable[[int], None]) -> None:
        columns = GeneColumns(self._staged, cells=self.cells, features=self.features)
        with columns:
            for bucket, records in self._sortable():
                parts.add(columns.add(bucket.first, bucket.stop, records))
                step(bucket.stop)
        columns.save_statistics()

    def _write_rows(self, parts: RankedParts, bounds: NDArray[np.int64], step: Callable[[int], None]) -> None:
        columns = RowColumns(self._staged, cells=self.cells, features=self.features)
        for block, (first, stop) in enumerate(itertools.pairwise(bounds.tolist())):
            columns.add(first, stop, parts.read(block))
            step(stop)
        columns.close()

    def _buckets_for(self, given: np.dtype[Any]) -> Buckets:
        if self._buckets is None:
            self._given = given
            ranges = first_ranges(self.features, self.cells, self._memory)
            self._buckets = Buckets(self._spill, ranges=ranges, dtype=record_dtype(kept_dtype(given)))
        if given != self._given:
            raise StoreBuildError(f"the values change from {self._given} to {given} at row {self._rows}")
        return self._buckets

    def _parts(self, entries: int) -> Iterator[slice]:
        most = self._most_entries
        return (slice(begin, begin + most) for begin in range(0, entries, most))

    def _sortable(self) -> Iterator[tuple[Bucket, NDArray[Any]]]:
        buckets = self._buckets_for(self._given or np.dtype(np.float32))
        for bucket in buckets.all:
            for part in fitting(bucket, buckets.dtype, self._memory):
                yield part, part.read_all(buckets.dtype)
                part.remove()

    def _check_block(self, start: int, indptr: NDArray[Any], indices: NDArray[Any], data: NDArray[Any]) -> None:
        if start != self._rows:
            raise StoreBuildError(f"row {self._rows} should come next, not row {start}")
        if start + indptr.size - 1 > self.cells:
            raise StoreBuildError(f"more rows came than the {self.cells} of the matrix")
        if indptr[0] != 0 or indptr[-1] != indices.size or indices.size != data.size or (np.diff(indptr) < 0).any():
            raise StoreBuildError(f"the block of rows from {start} is no CSR matrix: indptr does not fit the entries")

    def _check_entries(self, genes: NDArray[Any], cells: NDArray[Any], values: NDArray[Any]) -> None:
        outside = np.flatnonzero((genes < 0) | (genes >= self.features))
        if outside.size:
            gene, cell = int(genes[outside[0]]), int(cells[outside[0]])
            raise StoreBuildError(f"cell {cell} has an entry for gene {gene}, but there are {self.features} genes")
        if values.dtype.kind != "f":
            return
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            gene, cell = int(genes[bad[0]]), int(cells[bad[0]])
            raise StoreBuildError(f"gene {gene}, cell {cell}: {values[bad[0]]} is not a number; replace or remove it")


def _silent(done: int, total: int) -> None:
    """Stand in for a caller who does not ask for progress."""


def kept_dtype(given: np.dtype[Any]) -> np.dtype[Any]:
    """Choose in what precision values are ranked: their own, with room for sums of whole numbers.

    Raises StoreBuildError when they are no real numbers.
    """
    if given.kind == "f":
        return np.dtype(np.float32) if given.itemsize < 4 else given.newbyteorder("=")
    if given.kind in "bi" or (given.kind == "u" and given.itemsize < 8):
        return np.dtype(np.int64)
    if given.kind == "u":
        return np.dtype(np.float64)
    raise StoreBuildError(f"the matrix holds {given}, which are no real numbers")
