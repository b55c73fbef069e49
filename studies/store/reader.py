"""Reading a Store: arrays are mapped into memory at first use, so a question touches only what it needs."""

import hashlib
import itertools
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.format import StoreDamagedError


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
        self._arrays: dict[str, NDArray[Any]] = {}
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

    def _array(self, name: str) -> NDArray[Any]:
        with self._lock:
            if name not in self._arrays:
                self._arrays[name] = self._map(name)
            return self._arrays[name]

    def _map(self, name: str) -> NDArray[Any]:
        if name not in self.manifest.arrays:
            raise StoreDamagedError(f"{self.directory} has no array {name}")
        entry = self.manifest.arrays[name]
        try:
            array = np.load(self._path(name), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise StoreDamagedError(f"{self._path(name)} cannot be read: {error}") from error
        if array.dtype.str != entry.dtype or array.shape != entry.shape:
            raise StoreDamagedError(f"{self._path(name)} is {array.dtype.str}{array.shape}, not as its manifest says")
        # A plain ndarray over the same mapping: slicing a memmap costs ten times as much.
        plain: NDArray[Any] = array.view(np.ndarray)
        return plain


class MatrixReader(StoreReader):
    """One expression matrix, gene after gene; zeros are not stored."""

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
    def indptr(self) -> NDArray[np.int64]:
        """Where each gene's entries begin and end, shape (genes + 1,)."""
        return self._array(fmt.INDPTR)

    @property
    def nonzero(self) -> NDArray[np.int64]:
        """Number of cells per gene whose value is not zero, shape (genes,)."""
        counts: NDArray[np.int64] = np.diff(self.indptr)
        return counts

    @property
    def cell_numbers(self) -> NDArray[np.uint32]:
        """Cell of each entry, ascending within a gene, shape (entries,)."""
        return self._array(fmt.CELLS)

    @property
    def values(self) -> NDArray[np.float32]:
        """Value of each entry, shape (entries,)."""
        return self._array(fmt.VALUES)

    @property
    def ranks(self) -> NDArray[np.int32] | NDArray[np.int64]:
        """Twice the distance of each entry's average rank from the rank of zero, shape (entries,)."""
        return self._array(fmt.RANKS)

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
        """Give cells and values of one gene where it is not zero, reading only its slice.

        Raises IndexError when there is no such gene.
        """
        if not 0 <= position < self.features:
            raise IndexError(f"gene {position} of {self.features}")
        start, stop = (int(end) for end in self.indptr[position : position + 2])
        return self.cell_numbers[start:stop], self.values[start:stop]


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

    def coordinates(self, position: int) -> NDArray[np.float32]:
        """Give each cell's place in the projection at a position, shape (cells, 2)."""
        return self._array(fmt.projection_name(position))
