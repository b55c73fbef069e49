"""Reading a Store: arrays are mapped into memory at first use, so a question touches only what it needs."""

import hashlib
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.format import StoreDamagedError
from studies.store.mapping import MappedArray


class StoreReader:
    """One Store directory, open for reading; safe to share between threads."""

    kind: fmt.Kind

    def __init__(self, directory: Path) -> None:
        """Open a directory and compare the files' sizes with the manifest.

        Raises StoreDamagedError naming the file that is missing or has another size.
        """
        self.directory = Path(directory)
        self.manifest = fmt.read_manifest(self.directory)
        if self.manifest.kind != self.kind:
            raise StoreDamagedError(f"{directory} holds {self.manifest.kind}, not {self.kind}: import the study again")
        self._arrays: dict[str, MappedArray] = {}
        self._lock = threading.Lock()
        for name in self.manifest.arrays:
            self._check_size(name)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.manifest.cells

    def verify(self) -> None:
        """Read every file whole and compare its SHA-256 with the manifest.

        Raises StoreDamagedError naming the first file that differs.
        """
        for name, entry in self.manifest.arrays.items():
            with self._path(name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                    raise StoreDamagedError(f"{self._path(name)} was changed after it was written")

    def map_all(self) -> None:
        """Map every array now. Raises StoreDamagedError."""
        for name in self.manifest.arrays:
            self.mapped(name)

    def _path(self, name: str) -> Path:
        return self.directory / fmt.file_name(name)

    def _check_size(self, name: str) -> None:
        expected = self.manifest.arrays[name].bytes
        try:
            found = self._path(name).stat().st_size
        except OSError as error:
            raise StoreDamagedError(f"{self._path(name)} is missing") from error
        if found != expected:
            raise StoreDamagedError(f"{self._path(name)} has {found} bytes instead of {expected}")

    def mapped(self, name: str) -> MappedArray:
        """Map an array at first use. Raises StoreDamagedError."""
        with self._lock:
            if name not in self._arrays:
                self._arrays[name] = self._map(name)
            return self._arrays[name]

    def _array(self, name: str) -> NDArray[Any]:
        return self.mapped(name).array

    def _map(self, name: str) -> MappedArray:
        if name not in self.manifest.arrays:
            raise StoreDamagedError(f"{self.directory} has no array {name}")
        entry = self.manifest.arrays[name]
        try:
            mapped = MappedArray(self._path(name))
        except (OSError, ValueError) as error:
            raise StoreDamagedError(f"{self._path(name)} cannot be read: {error}") from error
        array = mapped.array
        if array.dtype.str != entry.dtype or array.shape != entry.shape:
            raise StoreDamagedError(f"{self._path(name)} is {array.dtype.str}{array.shape}, not as its manifest says")
        return mapped


class MatrixReader(StoreReader):
    """One expression matrix, cell after cell and gene after gene; zeros are not stored."""

    kind = "matrix"

    def __init__(self, directory: Path) -> None:
        """Open, and check that the matrix is whole. Raises StoreDamagedError."""
        super().__init__(directory)
        missing = [name for name in fmt.MATRIX_ARRAYS if name not in self.manifest.arrays]
        if missing:
            raise StoreDamagedError(f"{directory} lacks {', '.join(missing)}")

    @property
    def features(self) -> int:
        """Number of genes."""
        return self.manifest.features

    @property
    def nonzero(self) -> NDArray[np.int64]:
        """Number of cells per gene whose value is not zero, shape (genes,)."""
        counts: NDArray[np.int64] = np.diff(self.gene_indptr)
        return counts

    @property
    def row_indptr(self) -> NDArray[np.int64]:
        """Where each cell's entries begin and end among the rows, shape (cells + 1,)."""
        return self._array(fmt.ROW_INDPTR)

    @property
    def row_genes(self) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Gene of each entry of the rows, ascending within a cell, shape (entries,)."""
        return self._array(fmt.ROW_GENES)

    @property
    def row_values(self) -> NDArray[np.float32]:
        """Value of each entry of the rows, shape (entries,)."""
        return self._array(fmt.ROW_VALUES)

    @property
    def row_ranks(self) -> NDArray[np.int32] | NDArray[np.int64]:
        """Twice the distance of each entry's average rank from the rank of zero, shape (entries,)."""
        return self._array(fmt.ROW_RANKS)

    @property
    def gene_indptr(self) -> NDArray[np.int64]:
        """Where each gene's entries begin and end among the columns, shape (genes + 1,)."""
        return self._array(fmt.GENE_INDPTR)

    @property
    def gene_cells(self) -> NDArray[np.uint32]:
        """Cells of each gene in ascending order of value, LEVEL_FLAG set where a new value begins, shape (entries,)."""
        return self._array(fmt.GENE_CELLS)

    @property
    def level_indptr(self) -> NDArray[np.int64]:
        """Where each gene's levels begin and end, shape (genes + 1,)."""
        return self._array(fmt.LEVEL_INDPTR)

    @property
    def levels(self) -> NDArray[np.float32]:
        """The different values of each gene, ascending and without zero, shape (levels,)."""
        return self._array(fmt.LEVELS)

    @property
    def zero_rank2(self) -> NDArray[np.int64]:
        """Twice the average rank of zero per gene, shape (genes,)."""
        return self._array(fmt.ZERO_RANK2)

    @property
    def tie_term(self) -> NDArray[np.float64]:
        """Sum of t^3 - t over the groups of equal values per gene, zeros being one group, shape (genes,)."""
        return self._array(fmt.TIE_TERM)

    @property
    def sum(self) -> NDArray[np.float64]:
        """Sum of values per gene, shape (genes,)."""
        return self._array(fmt.SUM)

    @property
    def centered_sum_of_squares(self) -> NDArray[np.float64]:
        """Sum of squared distances from the mean per gene, zeros included; exactly 0 for a constant gene."""
        return self._array(fmt.CENTERED)

    def gene(self, position: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Give cells, ascending, and values of one gene where it is not zero, reading only its slice.

        Raises IndexError when there is no such gene.
        """
        if not 0 <= position < self.features:
            raise IndexError(f"gene {position} of {self.features}")
        flagged = self._slice(fmt.GENE_CELLS, self.gene_indptr, position)
        levels = self._slice(fmt.LEVELS, self.level_indptr, position)
        spread = np.zeros(self.cells, dtype=np.float32)
        cells = flagged & fmt.CELL_MASK
        spread[cells] = levels[np.cumsum(flagged >> np.uint32(31)) - 1]
        present = np.zeros(self.cells, dtype=np.bool_)
        present[cells] = True
        ascending = np.flatnonzero(present).astype(np.uint32)
        return ascending, spread[ascending]

    def prefetch_entries(
        self, starts: NDArray[np.int64], stops: NDArray[np.int64], *, arrays: Sequence[str] = fmt.ROW_ENTRIES
    ) -> None:
        """Have these ranges of the rows' entries, ascending, read from disk in the background."""
        for name in arrays:
            self.mapped(name).prefetch(starts, stops)

    def prefetch_genes(self, first: int, stop: int) -> None:
        """Have the columns of genes `first` to before `stop` read from disk in the background."""
        for name, indptr in ((fmt.GENE_CELLS, self.gene_indptr), (fmt.LEVELS, self.level_indptr)):
            self.mapped(name).prefetch(indptr[first : first + 1], indptr[stop : stop + 1])

    def _slice(self, name: str, indptr: NDArray[np.int64], position: int) -> NDArray[Any]:
        mapped = self.mapped(name)
        mapped.prefetch(indptr[position : position + 1], indptr[position + 1 : position + 2])
        return mapped.array[int(indptr[position]) : int(indptr[position + 1])]


class CellsReader(StoreReader):
    """What is said of the cells: their names, annotation codes and coordinates."""

    kind = "cells"

    def obs_keys(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Give the names of the cells from `start` to before `stop`."""
        offsets = self._array(fmt.OBS_KEY_OFFSETS)[start : (self.cells if stop is None else stop) + 1]
        if offsets.size == 0:
            return []
        text = self._array(fmt.OBS_KEY_BYTES)[offsets[0] : offsets[-1]].tobytes()
        ends = (offsets - offsets[0]).tolist()
        return [text[begin:end].decode() for begin, end in itertools.pairwise(ends)]

    def codes(self, position: int) -> NDArray[np.uint16] | NDArray[np.uint32]:
        """Give each cell's code in the annotation group at a position; the type's highest number is unassigned."""
        return self._array(fmt.annotation_name(position))

    def part(self, name: str) -> NDArray[np.uint32]:
        """Give the numbers, ascending, of the cells that a modality has; `name` is that of the layer's row map."""
        return self._array(name)

    def coordinates(self, position: int) -> NDArray[np.float32]:
        """Give each cell's place in the projection at a position, shape (cells, 2)."""
        return self._array(fmt.projection_name(position))
