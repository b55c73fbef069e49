"""Reading `obs` and `var` without reading columns nobody asked for."""

from collections import Counter
from typing import Any

import h5py

from imports.h5ad import elements
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings, some

REWRITE = "Read the file with a current anndata and write it again with write_h5ad."


class Frame:
    """One of the two tables of a file: its names, and its columns when asked for."""

    def __init__(self, file: h5py.Group, name: str, group: h5py.Group) -> None:
        """Take a group that anndata wrote as a table."""
        self._file = file
        self.name = name
        self._group = group
        self._whole: Any = None

    @property
    def columns(self) -> list[str]:
        """Name the columns."""
        return [str(column) for column in self._group.attrs["column-order"]]

    def names(self) -> list[Any]:
        """Read the index. Raises UnreadableError."""
        if self._is_old:
            return list(self._table().index)
        return list(elements.read(self._group, str(self._group.attrs["_index"])))

    def column(self, name: str) -> Any:
        """Read one column as an array or a pandas array. Raises UnreadableError."""
        return self._table()[name].array if self._is_old else elements.read(self._group, name)

    @property
    def _is_old(self) -> bool:
        # Until anndata 0.8 the categories of a column lay beside it, and only the whole table can be read.
        return str(self._group.attrs.get("encoding-version", "")) != "0.2.0"

    def _table(self) -> Any:
        if self._whole is None:
            self._whole = elements.read(self._file, self.name)
        return self._whole


def open_frame(file: h5py.Group, name: str, findings: Findings) -> Frame | None:
    """Open `obs` or `var`, or add a finding that says why it cannot be."""
    group = elements.group(file, name)
    if group is None or not {"_index", "column-order"} <= elements.attributes(group):
        found = "something else, as anndata before 0.7 wrote it" if name in file else "nothing"
        findings.error("frame_missing", name, found=found, expected="a table as anndata writes it", remedy=REWRITE)
        return None
    return Frame(file, name, group)


def read_names(frame: Frame, findings: Findings, *, longest: int = 0) -> list[str]:
    """Read the names of cells or genes; they must be texts, each once. Gives what was found even so."""
    path = f"{frame.name}.index"
    try:
        given = frame.names()
    except UnreadableError as error:
        findings.error("names_unreadable", path, found=str(error), expected="an array of texts", remedy=REWRITE)
        return []
    names = [name if isinstance(name, str) else str(name) for name in given]
    if not names:
        findings.error("nothing_there", path, found="no name", expected="at least one")
    _check_texts(given, names, path, findings, longest)
    _check_unique(names, path, findings)
    return names


def _check_texts(given: list[Any], names: list[str], path: str, findings: Findings, longest: int) -> None:
    other = [name for value, name in zip(given, names, strict=True) if not isinstance(value, str)]
    remedy = f"Set {path} to texts, for example with {path} = {path}.astype(str)."
    if other:
        findings.error("names_wrong_type", path, found=some(other), expected="texts", remedy=remedy)
    bad = [name for name in names if not name or "\0" in name or (longest and len(name) > longest)]
    if bad:
        expected = f"1 to {longest} characters" if longest else "at least 1 character, none of them NUL"
        findings.error("names_invalid", path, found=some(bad), expected=expected, remedy="Rename them.")


def _check_unique(names: list[str], path: str, findings: Findings) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        remedy = f"Make them unique, for example with {path.partition('.')[0]}_names_make_unique()."
        findings.error("names_repeated", path, found=some(repeated), expected="each name once", remedy=remedy)
