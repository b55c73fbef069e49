"""Small studies as the importer would leave them: a Store on disk and the rows that describe it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job, User
from studies.content import (
    AnnotationContent,
    AnnotationValueContent,
    FeatureContent,
    LayerContent,
    SourceContent,
    VersionContent,
)
from studies.models import (
    Analysis,
    AnalysisTable,
    AnnotationValue,
    DifferentialExpressionTable,
    Study,
    StudyVersion,
)
from studies.services.publication import publish_version
from studies.services.tables import pack
from studies.store.builder import write_cells
from tests.builders.matrices import build_matrix, example_matrix

LABELS = ("T cell", "B cell", "Monocyte")
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728")


@dataclass(frozen=True, slots=True)
class PublishedStudy:
    """The rows of a small study and the numbers its Store was built from.

    `matrix` is dense, cells x genes; `codes` are per cell in the one annotation group `cell_type`, -1 unassigned.
    """

    study: Study
    version: StudyVersion
    matrix: NDArray[np.float32]
    codes: NDArray[np.int64]
    symbols: tuple[str, ...]
    coordinates: NDArray[np.float32]


def published_study(
    *,
    owner: User | None,
    cells: int = 60,
    genes: int = 30,
    name: str = "A small study",
    symbols: Sequence[str] = (),
    labels: Sequence[str] = LABELS,
    matrix: NDArray[np.float32] | None = None,
    source_uri: str = "",
    version_id: uuid.UUID | None = None,
    seed: int = 0,
) -> PublishedStudy:
    """Make a study that can be asked at once: Store under settings.STORE_DIR, rows, owner as its admin.

    Genes are `GENE0`, `GENE1`, ... with identifiers `ENSG00000000000`, ...; cells fall into equal parts by label,
    in order, but for the last one, which is unassigned. Needs the database.
    """
    matrix = example_matrix(cells, genes, seed=seed) if matrix is None else matrix
    cells, genes = matrix.shape
    symbols = tuple(symbols) or tuple(f"GENE{number}" for number in range(genes))
    codes = codes_of(cells, labels)
    places = np.random.default_rng(seed).normal(size=(cells, 2)).astype(np.float32)
    version_id = version_id or uuid.uuid4()
    directory = Path(settings.STORE_DIR) / str(version_id)
    build_matrix(directory / "rna-X", matrix)
    write_cells(directory / "cells", [f"cell-{number}" for number in range(cells)], [codes], [places])
    content = small_content(name, symbols, labels, codes=codes, source_uri=source_uri or f"file:///{version_id}.h5ad")
    version = publish_version(version_id=version_id, content=content, owner=owner, actor=Actor.system("test"))
    return PublishedStudy(version.study, version, matrix, codes, symbols, places)


def codes_of(cells: int, labels: Sequence[str]) -> NDArray[np.int64]:
    """Give equal parts of the cells a label each, in order, and the last cell none."""
    codes = np.arange(cells) * len(labels) // cells
    codes[-1] = -1
    return codes


def small_content(
    name: str = "A small study",
    symbols: Sequence[str] = ("CD3E", "CD19", "LYZ"),
    labels: Sequence[str] = LABELS,
    *,
    cells: int = 60,
    codes: NDArray[np.int64] | None = None,
    source_uri: str = "file:///small.h5ad",
) -> VersionContent:
    """Describe a small file as the importer would; the Store it speaks of need not exist."""
    codes = codes_of(cells, labels) if codes is None else codes
    values = tuple(
        AnnotationValueContent(label, COLORS[code % len(COLORS)], int(np.count_nonzero(codes == code)))
        for code, label in enumerate(labels)
    )
    return VersionContent(
        title=name,
        description="Made for a test.",
        organism_tax_id=9606,
        cell_count=codes.size,
        features=tuple(FeatureContent(f"ENSG{number:011d}", symbol) for number, symbol in enumerate(symbols)),
        annotations=(AnnotationContent("cell_type", "Cell type", True, values),),
        projections=("umap",),
        layers=(LayerContent("X", "rna-X", "rna", None),),
        source=SourceContent(source_uri, "1", 1, "0" * 64),
    )


def answered_correlation(made: PublishedStudy, job: Job) -> Analysis:
    """Make a question about the first gene, and an answer that says 0 for all genes."""
    asked = {"layer": "X", "modality": "rna", "feature": "ENSG00000000000", "position": 0, "method": "pearson"}
    analysis = Analysis.objects.create(
        version=made.version,
        kind=Analysis.Kind.CORRELATION,
        parameters={**asked, "within": None},
        parameters_sha256="0" * 64,
        job=job,
        answered_at=timezone.now(),
    )
    packed = pack(analysis.kind, {"r": np.zeros(made.version.gene_count)})
    AnalysisTable.objects.create(analysis=analysis, position=0, facts={"cells": 3}, columns=packed)
    return analysis


def table_of_file(made: PublishedStudy, *, code: int = 0) -> DifferentialExpressionTable:
    """Make a table about one value as if it had come with the file: the last gene with score 3, the first with -1."""
    value = AnnotationValue.objects.get(group__version=made.version, code=code)
    last = made.version.gene_count - 1
    columns = np.array([[last, 0], [3, -1], [0.01, np.nan], [0.02, 0.5], [np.inf, -2]])
    return DifferentialExpressionTable.objects.create(
        version=made.version, value=value, modality="rna", gene_count=2, columns=columns.astype("<f8").tobytes()
    )
