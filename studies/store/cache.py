"""Opened Stores, kept for the next question of the same process."""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Generic, TypeVar

from studies.store import format as fmt
from studies.store.format import StoreDamagedError
from studies.store.reader import CellsReader, MatrixReader, StoreReader

Reader = TypeVar("Reader", bound=StoreReader)
Stamp = tuple[int, int]


class OpenStores(Generic[Reader]):
    """The Stores used last; an open one costs address space and no memory of its own."""

    def __init__(self, reader: type[Reader], *, size: int) -> None:
        """Keep at most `size` Stores open through `reader`."""
        self._reader = reader
        self._size = size
        self._open: OrderedDict[Path, tuple[Stamp, Reader]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, directory: Path) -> Reader:
        """Open a directory, or give it as opened before if it was not replaced since. Raises StoreDamagedError."""
        stamp = _stamp(directory)
        with self._lock:
            known = self._open.get(directory)
            if known is None or known[0] != stamp:
                known = self._open[directory] = (stamp, self._opened(directory))
            self._open.move_to_end(directory)
            while len(self._open) > self._size:
                self._open.popitem(last=False)
            return known[1]

    def is_whole(self, directory: Path) -> bool:
        """Tell whether a directory can be opened."""
        try:
            self.get(directory)
        except StoreDamagedError:
            return False
        return True

    def _opened(self, directory: Path) -> Reader:
        """Open with all arrays mapped, so that whoever removes the directory later takes nothing away from here."""
        reader = self._reader(directory)
        reader.map_all()
        return reader


def _stamp(directory: Path) -> Stamp:
    try:
        found = (directory / fmt.MANIFEST).stat()
    except OSError as error:
        raise StoreDamagedError(f"{directory} has no {fmt.MANIFEST}: import the study again") from error
    return found.st_ino, found.st_mtime_ns


matrices = OpenStores(MatrixReader, size=32)
cells = OpenStores(CellsReader, size=32)
