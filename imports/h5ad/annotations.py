"""Turning columns of `obs` into numbered values, by rules that never lose a cell and never guess."""

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from imports.h5ad import contract
from imports.h5ad.colors import value_colors
from imports.h5ad.declaration import Declaration
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings, some
from imports.h5ad.frames import REWRITE, Frame


@dataclass(frozen=True, slots=True)
class Annotation:
    """One column: each cell's number in `labels`, -1 for none; shape of codes (cells,), int32."""

    key: str
    is_primary: bool
    labels: tuple[str, ...]
    colors: tuple[str, ...]
    codes: NDArray[np.int32]


def read_annotations(
    file: h5py.Group, obs: Frame, declared: Declaration, cells: int, findings: Findings
) -> list[Annotation]:
    """Read all declared attributes, adding a finding for whatever is wrong or was changed on the way."""
    found = [
        _read(file, obs, key, is_primary=key in declared.main_attributes, cells=cells, findings=findings)
        for key in (*declared.main_attributes, *declared.secondary_attributes)
    ]
    return [annotation for annotation in found if annotation is not None]


def _read(
    file: h5py.Group, obs: Frame, key: str, *, is_primary: bool, cells: int, findings: Findings
) -> Annotation | None:
    path = f"obs['{key}']"
    if len(key) > contract.LONGEST_NAME:
        expected = f"a name of at most {contract.LONGEST_NAME} characters"
        findings.error("attribute_name_too_long", path, found=f"{len(key)}", expected=expected, remedy="Rename it.")
        return None
    if key not in obs.columns:
        remedy = f"Add the column, or take {key!r} out of uns['cellenium']. obs has {some(obs.columns)}."
        findings.error("attribute_missing", path, found="no such column", expected="a column of obs", remedy=remedy)
        return None
    try:
        column = pd.Categorical(obs.column(key))
    except (UnreadableError, ValueError, TypeError) as error:
        expected = "a categorical column of texts"
        findings.error("attribute_unreadable", path, found=str(error), expected=expected, remedy=REWRITE)
        return None
    if len(column) != cells:
        findings.error("attribute_wrong_length", path, found=f"{len(column)}", expected=f"{cells} cells")
        return None
    return _numbered(file, key, is_primary, column, findings)


def _numbered(
    file: h5py.Group, key: str, is_primary: bool, column: pd.Categorical, findings: Findings
) -> Annotation | None:
    path = f"obs['{key}']"
    given = [_label(value) for value in column.categories]
    used = np.bincount(column.codes[column.codes >= 0].astype(np.int64), minlength=len(given)) > 0
    kept = [label for label, some_cells in zip(given, used, strict=True) if some_cells and label]
    labels = tuple(dict.fromkeys(kept))
    _tell_changes(path, column.categories, labels, kept, findings)
    if not _are_labels_fit(path, labels, findings):
        return None
    numbers = {label: number for number, label in enumerate(labels)}
    lookup = np.array([numbers.get(label, -1) for label in given] + [-1], dtype=np.int32)
    codes = lookup[column.codes]
    _tell_unassigned(path, codes, findings)
    colors = value_colors(file, key, given, labels, findings)
    return Annotation(key, is_primary, labels, colors, codes)


def _label(value: Any) -> str:
    """Write a category as a text: 3 and 3.0 as '3', True as 'True'."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value.item() if isinstance(value, np.generic) else value)


def _are_labels_fit(path: str, labels: tuple[str, ...], findings: Findings) -> bool:
    before = len(findings.errors)
    if len(labels) > contract.MOST_VALUES:
        remedy = "Use a column with fewer values; numbers that are measured are no annotation."
        expected = f"at most {contract.MOST_VALUES} values"
        findings.error("attribute_too_many_values", path, found=some(list(labels)), expected=expected, remedy=remedy)
    bad = [label for label in labels if "\0" in label or len(label) > contract.LONGEST_LABEL]
    if bad:
        expected = f"texts of at most {contract.LONGEST_LABEL} characters, without NUL"
        findings.error("attribute_label_invalid", path, found=some(bad), expected=expected, remedy="Rename them.")
    if not labels:
        remedy = "Fill the column, or take it out of uns['cellenium']."
        findings.error("attribute_empty", path, found="no value", expected="at least one", remedy=remedy)
    return len(findings.errors) == before


def _tell_changes(
    path: str, categories: pd.Index, labels: tuple[str, ...], kept: list[str], findings: Findings
) -> None:
    if any(not isinstance(value, str) for value in categories):
        remedy = f"To choose the texts yourself, write {path} = {path}.astype(str).astype('category')."
        kind = type(categories[0]).__name__
        findings.note("attribute_made_text", path, found=f"values of type {kind}", expected="texts", remedy=remedy)
    if len(labels) < len(kept):
        findings.warning("attribute_values_merged", path, found=some(kept), expected="each text once")
    unused = len(categories) - len(kept)
    if unused > 0:
        findings.note("attribute_unused_values", path, found=f"{unused} categories without a cell, left out")


def _tell_unassigned(path: str, codes: NDArray[np.int32], findings: Findings) -> None:
    count = int(np.count_nonzero(codes < 0))
    if count:
        found = f"{count} of {codes.size} cells without a value; they stay unassigned"
        remedy = "Give them a value such as 'unknown' if they are to be a group."
        findings.note("attribute_without_value", path, found=found, remedy=remedy)
