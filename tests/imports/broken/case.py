"""What a broken file is here: a valid one, something done to it, and what must be said of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
from anndata.io import write_elem

from tests.builders.h5ad import changing

Spoil = Callable[[Path], object]
Change = Callable[[h5py.File], object]
UNS = "uns/cellenium"


@dataclass(frozen=True, slots=True)
class Case:
    """`code` is that of a finding that must be there: an error if the file is `refused`, else a warning or a note.

    Without a code anything may be said; `refused` None means that it may be either, as damage at random goes.
    """

    name: str
    spoil: Spoil
    refused: bool | None
    code: str = ""


def refused(name: str, code: str, change: Change) -> Case:
    """Describe a file that must be refused, by what is done to it while it is open."""
    return Case(name, _changed(change), refused=True, code=code)


def imported(name: str, code: str, change: Change) -> Case:
    """Describe a file that must be imported all the same."""
    return Case(name, _changed(change), refused=False, code=code)


def _changed(change: Change) -> Spoil:
    def spoil(path: Path) -> None:
        with changing(path) as file:
            change(file)

    return spoil


def put(name: str, value: Any) -> Change:
    """Write another element in the place of one."""

    def change(file: h5py.File) -> None:
        parent, _, key = name.rpartition("/")
        group = file[parent] if parent else file
        if key in group:
            del group[key]
        write_elem(group, key, value)

    return change


def drop(*names: str) -> Change:
    """Take elements away."""

    def change(file: h5py.File) -> None:
        for name in names:
            del file[name]

    return change


def dataset(name: str, **options: Any) -> Change:
    """Write a dataset with no word of anndata's in the place of one."""

    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file.create_dataset(name, **options)

    return change


def attribute(name: str, key: str, value: Any) -> Change:
    """Set an attribute, or remove it when the value is None."""

    def change(file: h5py.File) -> None:
        if value is None:
            del file[name].attrs[key]
        else:
            file[name].attrs[key] = value

    return change


def several(*changes: Change) -> Change:
    """Do one after another."""

    def change(file: h5py.File) -> None:
        for each in changes:
            each(file)

    return change


def flat(groups: list[list[Case]]) -> Iterator[Case]:
    """Give all cases, each name once."""
    seen: set[str] = set()
    for case in (case for group in groups for case in group):
        assert case.name not in seen, case.name
        seen.add(case.name)
        yield case
