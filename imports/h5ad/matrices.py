"""The matrices of a file, `X` and its layers: form recognised, its structure and its values checked."""

from collections.abc import Callable

import h5py
import numpy as np
from numpy.typing import NDArray

from imports.h5ad.blocks import Matrix, ValueChunk
from imports.h5ad.dense import DenseMatrix
from imports.h5ad.elements import UNREADABLE
from imports.h5ad.findings import Findings
from imports.h5ad.sparse import CscMatrix, CsrMatrix

PLACE = "X"
EXPECTED = "numbers of cells x genes, as an array, csr_matrix or csc_matrix"
FORMATS: dict[str, type[CsrMatrix] | type[CscMatrix]] = {
    "csr_matrix": CsrMatrix,
    "csc_matrix": CscMatrix,
    "csr": CsrMatrix,
    "csc": CscMatrix,
}
LARGEST = float(np.finfo(np.float32).max)

Progress = Callable[[int, int], None]


def open_matrix(
    file: h5py.Group, cells: int, genes: int, findings: Findings, *, name: str = PLACE, place: str = PLACE
) -> Matrix | None:
    """Recognise the matrix `name` in a group, or add a finding that says why it cannot be used."""
    if name not in file:
        findings.error("matrix_missing", place, found="nothing", expected=EXPECTED, remedy="Set adata.X.")
        return None
    try:
        return _recognised(file[name], cells, genes, findings, place)
    except UNREADABLE as error:
        remedy = "Write the file again with anndata's write_h5ad."
        findings.error("matrix_unreadable", place, found=str(error), expected=EXPECTED, remedy=remedy)
        return None


def _recognised(
    node: h5py.Group | h5py.Dataset, cells: int, genes: int, findings: Findings, place: str
) -> Matrix | None:
    remedy = f"Set adata.{place} to a scipy.sparse.csr_matrix or a numpy array of float32."
    encoding = str(node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "array")))
    is_table = isinstance(node, h5py.Dataset)
    if is_table != (encoding == "array") or (not is_table and encoding not in FORMATS):
        findings.error("matrix_encoding", place, found=f"encoding {encoding!r}", expected=EXPECTED, remedy=remedy)
        return None
    shape = node.shape if is_table else tuple(node.attrs["shape" if "shape" in node.attrs else "h5sparse_shape"])
    if shape != (cells, genes):
        found, expected = f"shape {tuple(map(int, shape or ()))}", f"({cells}, {genes}), as obs and var are"
        findings.error("matrix_wrong_shape", place, found=found, expected=expected, remedy="Make them fit.")
        return None
    matrix: Matrix = (
        DenseMatrix(node, cells=cells, genes=genes) if is_table else FORMATS[encoding](node, cells=cells, genes=genes)
    )
    if matrix.dtype.kind not in "biuf" or matrix.dtype.itemsize > 8:
        findings.error("matrix_wrong_type", place, found=str(matrix.dtype), expected=EXPECTED, remedy=remedy)
        return None
    if flaw := matrix.flaw():
        findings.error("matrix_damaged", place, found=flaw, expected=EXPECTED, remedy=remedy)
        return None
    return matrix


class Values:
    """What is seen of the values while they pass by."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.unusable = 0
        self.first_unusable: int | None = None
        self.negative = 0
        self.not_zero = 0
        self.whole = True

    def add(self, chunk: ValueChunk) -> None:
        """Look at some more."""
        values = chunk.values
        self.not_zero += int(np.count_nonzero(values))
        if values.dtype.kind in "iu":
            self.negative += int(np.count_nonzero(values < 0))
        if values.dtype.kind == "f":
            self._add_floats(chunk.first, values)

    def _add_floats(self, first: int, values: NDArray[np.floating]) -> None:
        usable = np.abs(values) <= LARGEST
        if not usable.all():
            lost = np.flatnonzero(~usable)
            self.unusable += lost.size
            self.first_unusable = first + int(lost[0]) if self.first_unusable is None else self.first_unusable
        self.negative += int(np.count_nonzero(values < 0))
        self.whole = self.whole and bool((values[usable] == np.rint(values[usable])).all())


def check_values(
    matrix: Matrix, names: tuple[list[str], list[str]], progress: Progress, findings: Findings, *, place: str = PLACE
) -> None:
    """Look at every value once; `names` are those of cells and genes, for the message.

    Whole and negative numbers are doubted in X only: counts and scaled values are what layers are for.
    """
    seen = Values()
    try:
        for chunk in matrix.chunks():
            seen.add(chunk)
            progress(chunk.first + chunk.values.size, matrix.stored)
    except UNREADABLE as error:
        remedy = "Use a compression anndata offers, or write the file again."
        findings.error("matrix_unreadable", place, found=str(error), expected=EXPECTED, remedy=remedy)
        return
    if seen.first_unusable is not None:
        cell, gene = matrix.place(seen.first_unusable)
        found = f"{seen.unusable} values, the first in cell {names[0][cell]!r}, gene {names[1][gene]!r}"
        expected = "finite numbers that fit into float32"
        remedy = "Replace NaN and infinities, or remove these cells or genes."
        findings.error("matrix_not_finite", place, found=found, expected=expected, remedy=remedy)
    if place == PLACE:
        _tell_doubts(seen, findings)


def _tell_doubts(seen: Values, findings: Findings) -> None:
    if not seen.not_zero:
        findings.warning("matrix_all_zero", PLACE, found="no value but zero", remedy="Check what X holds.")
    elif seen.whole:
        remedy = "Normalise first: sc.pp.normalize_total(adata, target_sum=1e4); sc.pp.log1p(adata)."
        findings.warning(
            "raw_counts", PLACE, found="whole numbers only", expected="log-normalised values", remedy=remedy
        )
    if seen.negative:
        found, expected = f"{seen.negative} negative values", "log-normalised values, which are not negative"
        findings.warning("negative_values", PLACE, found=found, expected=expected, remedy="Do not scale X.")
