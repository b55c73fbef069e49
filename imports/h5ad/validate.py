"""Checking a whole file at once, so that whoever prepared it mends everything in one go."""

from dataclasses import dataclass

import h5py
import numpy as np

from imports.h5ad import contract, elements
from imports.h5ad.annotations import Annotation, read_annotations
from imports.h5ad.blocks import Matrix
from imports.h5ad.declaration import Declaration, read_declaration
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings
from imports.h5ad.frames import Frame, open_frame, read_names
from imports.h5ad.matrices import Progress, check_values, open_matrix
from imports.h5ad.projections import Projections, read_projections


@dataclass(frozen=True, slots=True)
class StudyFile:
    """All that a file without errors holds; the matrix is still in the file, which must stay open."""

    declared: Declaration
    cells: list[str]
    genes: list[str]
    annotations: list[Annotation]
    projections: Projections
    matrix: Matrix
    log1p_base: float | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """All findings, and the study if none of them is an error."""

    findings: Findings
    study: StudyFile | None


def inspect(file: h5py.File, progress: Progress | None = None) -> Inspection:
    """Check everything the contract asks for; `progress(values seen, values)` is told of the longest part."""
    findings = Findings()
    try:
        return _inspected(file, progress or _silent, findings)
    except (OSError, RuntimeError) as error:
        remedy = "Write the file again with anndata's write_h5ad."
        findings.error("file_damaged", "file", found=str(error)[:300], expected="a whole HDF5 file", remedy=remedy)
        return Inspection(findings, None)


def _inspected(file: h5py.File, progress: Progress, findings: Findings) -> Inspection:
    declared = read_declaration(file, findings)
    obs, var = open_frame(file, "obs", findings), open_frame(file, "var", findings)
    cells = read_names(obs, findings) if obs is not None else []
    genes = read_names(var, findings, longest=contract.LONGEST_NAME) if var is not None else []
    annotations = _annotations(file, obs, declared, cells, findings)
    projections = read_projections(file, declared, len(cells), findings) if cells else []
    matrix = open_matrix(file, len(cells), len(genes), findings) if cells and genes else None
    if matrix is not None:
        check_values(matrix, (cells, genes), progress, findings)
    base = _log1p_base(file, findings)
    _tell_unused(file, findings)
    if findings.errors or matrix is None:
        return Inspection(findings, None)
    return Inspection(findings, StudyFile(declared, cells, genes, annotations, projections, matrix, base))


def _annotations(
    file: h5py.File, obs: Frame | None, declared: Declaration, cells: list[str], findings: Findings
) -> list[Annotation]:
    if obs is None or not cells:
        return []
    return read_annotations(file, obs, declared, len(cells), findings)


def _log1p_base(file: h5py.File, findings: Findings) -> float | None:
    """Read the base of the logarithm that scanpy notes; without a note it is the natural one."""
    uns = elements.group(file, "uns")
    held = elements.group(uns, "log1p") if uns is not None else None
    if held is None or "base" not in held:
        return None
    try:
        base = elements.read(held, "base")
    except UnreadableError:
        base = "nothing readable"
    if base is None:
        return None
    if isinstance(base, (int, float, np.number)) and np.isfinite(base) and base > 0 and base != 1:
        return float(base)
    path, expected = "uns['log1p']['base']", "a positive number other than 1, or None"
    remedy = "The natural logarithm is assumed; correct the note if that is wrong."
    findings.warning("log_base_invalid", path, found=str(base)[:100], expected=expected, remedy=remedy)
    return None


def _tell_unused(file: h5py.File, findings: Findings) -> None:
    layers = elements.group(file, "layers")
    if layers is not None and len(layers):
        found = ", ".join(elements.names(layers))[:300]
        findings.note("layers_unused", "layers", found=found, remedy="X alone is imported.")
    if "raw" in file or "raw.X" in file:
        findings.note("raw_unused", "raw", found="a second matrix", remedy="X alone is imported.")


def _silent(done: int, total: int) -> None:
    """Stand in for a caller who does not ask for progress."""
