"""Looking after the Stores of one host: how they are, and what becomes of damaged copies."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from studies.store import format as fmt
from studies.store import local_copies
from studies.store.format import StoreDamagedError
from studies.store.reader import CellsReader, MatrixReader

READERS = {"cells": CellsReader, "matrix": MatrixReader}


@dataclass(frozen=True, slots=True)
class StoreState:
    """One Store of this host: its place below the directory of Stores, whether it is a copy, and what is wrong."""

    name: str
    bytes: int
    is_copy: bool
    damage: str = ""
    removed: bool = False


def listed() -> Iterator[StoreState]:
    """Give the Stores of this host without reading their arrays."""
    for directory in _directories():
        yield _state(directory, damage="")


def verified(*, mend: bool) -> Iterator[StoreState]:
    """Read every Store of this host whole and compare the SHA-256 of its files.

    With `mend`, damaged copies are removed: the next question fetches them again. What has no other copy stays.
    """
    for directory in _directories():
        damage = _damage(directory)
        state = _state(directory, damage=damage)
        if damage and mend and state.is_copy:
            local_copies.remove(directory)
            state = StoreState(state.name, state.bytes, state.is_copy, damage, removed=True)
        yield state


def _directories() -> list[Path]:
    return sorted(path.parent for path in Path(settings.STORE_DIR).glob(f"[!.]*/*/{fmt.MANIFEST}"))


def _damage(directory: Path) -> str:
    try:
        READERS[fmt.read_manifest(directory).kind](directory).verify()
    except StoreDamagedError as error:
        return str(error)
    return ""


def _state(directory: Path, *, damage: str) -> StoreState:
    size = sum(path.stat().st_size for path in directory.glob("*.npy"))
    name = str(directory.relative_to(settings.STORE_DIR))
    return StoreState(name, size, (directory / local_copies.COPY_MARK).exists(), damage)
