"""Checking a whole file at once, so that whoever prepared it mends everything in one go."""

from dataclasses import dataclass, replace

import h5py

from imports.h5ad import contract
from imports.h5ad.annotations import Annotation
from imports.h5ad.blocks import Matrix
from imports.h5ad.cellxgene import declared_values, feature_names, is_cellxgene
from imports.h5ad.declaration import Declaration, declaration_of, read_declaration
from imports.h5ad.findings import Findings
from imports.h5ad.matrices import Progress
from imports.h5ad.multimodal import is_multimodal, read_modalities
from imports.h5ad.parts import ModalityFile, read_part
from imports.h5ad.projections import Projections


@dataclass(frozen=True, slots=True)
class StudyFile:
    """All that a file without errors holds; the matrices are still in the file, which must stay open."""

    declared: Declaration
    cells: list[str]
    modalities: list[ModalityFile]
    annotations: list[Annotation]
    projections: Projections

    @property
    def genes(self) -> list[str]:
        """The features of the first modality."""
        return self.modalities[0].features

    @property
    def matrix(self) -> Matrix:
        """The values `X` of the first modality."""
        return self.modalities[0].layers[0].matrix

    @property
    def log1p_base(self) -> float | None:
        """The base of the logarithm in `X` of the first modality."""
        return self.modalities[0].layers[0].log1p_base


@dataclass(frozen=True, slots=True)
class Inspection:
    """All findings, and the study if none of them is an error."""

    findings: Findings
    study: StudyFile | None


def inspect(file: h5py.File, progress: Progress | None = None) -> Inspection:
    """Check everything the contract asks for; `progress(values seen, values)` is told of the longest part."""
    findings = Findings()
    try:
        study = (_of_many if is_multimodal(file) else _of_one)(file, progress or _silent, findings)
    except (OSError, RuntimeError) as error:
        remedy = "Write the file again with anndata's write_h5ad."
        findings.error("file_damaged", "file", found=str(error)[:300], expected="a whole HDF5 file", remedy=remedy)
        return Inspection(findings, None)
    return Inspection(findings, None if findings.errors else study)


def _of_one(file: h5py.File, progress: Progress, findings: Findings) -> StudyFile:
    is_theirs = is_cellxgene(file)
    declared = (
        declaration_of(declared_values(file, findings), findings) if is_theirs else read_declaration(file, findings)
    )
    part = read_part(file, declared, findings, name=contract.DEFAULT_MODALITY, kind="gene", progress=progress)
    symbols = feature_names(file, len(part.modality.features)) if is_theirs else None
    modality = replace(part.modality, symbols=symbols or part.modality.features)
    return StudyFile(declared, part.cells, [modality], part.annotations, part.projections)


def _of_many(file: h5py.File, progress: Progress, findings: Findings) -> StudyFile:
    held = read_modalities(file, progress, findings)
    return StudyFile(held.declared, held.cells, held.modalities, held.annotations, held.projections)


def _silent(done: int, total: int) -> None:
    """Stand in for a caller who does not ask for progress."""
