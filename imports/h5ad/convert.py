"""From a checked file to what the catalogue and the Store take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from imports.h5ad.annotations import Annotation
from imports.h5ad.blocks import Matrix
from imports.h5ad.validate import StudyFile
from studies.content import (
    AnnotationContent,
    AnnotationValueContent,
    FeatureContent,
    LayerContent,
    SourceContent,
    VersionContent,
)
from studies.store.builder import MatrixBuilder, write_cells
from studies.store.format import CELLS_DIRECTORY

LAYER_DIRECTORY = "rna-X"
# Of the memory a build may take, this part is for the block of rows on its way; the builder has the rest.
BLOCK_SHARE = 4

Progress = Callable[[int, int], None]


def version_content(study: StudyFile, source: SourceContent) -> VersionContent:
    """Describe the rows of a version; annotations and projections are in the order of the arrays in the Store."""
    declared = study.declared
    return VersionContent(
        title=declared.title,
        description=declared.description,
        organism_tax_id=declared.taxonomy_id,
        cell_count=len(study.cells),
        features=tuple(FeatureContent(identifier=gene, symbol=gene) for gene in study.genes),
        annotations=tuple(map(_annotation, study.annotations)),
        projections=tuple(key for key, _ in study.projections),
        layers=(LayerContent(name=declared.layer_name, directory=LAYER_DIRECTORY, log1p_base=study.log1p_base),),
        source=source,
        metadata={
            "ncit_tissue_ids": list(declared.ncit_tissue_ids),
            "mesh_disease_ids": list(declared.mesh_disease_ids),
            "metadata": dict(declared.metadata),
        },
    )


def _annotation(annotation: Annotation) -> AnnotationContent:
    counts = np.bincount(annotation.codes[annotation.codes >= 0], minlength=len(annotation.labels))
    values = zip(annotation.labels, annotation.colors, counts.tolist(), strict=True)
    return AnnotationContent(
        key=annotation.key,
        label=annotation.key.replace("_", " "),
        is_primary=annotation.is_primary,
        values=tuple(AnnotationValueContent(label, color, count) for label, color, count in values),
    )


def write_cell_store(study: StudyFile, directory: Path, *, source: dict[str, Any]) -> None:
    """Write the Store of the cells into a version's directory."""
    codes = [annotation.codes for annotation in study.annotations]
    places = [places for _, places in study.projections]
    write_cells(directory / CELLS_DIRECTORY, study.cells, codes, places, source=source)


def add_all_rows(matrix: Matrix, builder: MatrixBuilder, *, memory_bytes: int, progress: Progress) -> None:
    """Hand the matrix to the builder block by block, telling how many cells are through."""
    for block in matrix.blocks(memory_bytes):
        builder.add_rows(block.start, block.indptr, block.indices, block.data)
        progress(block.stop, matrix.cells)


def matrix_builder(study: StudyFile, directory: Path, *, memory_bytes: int, source: dict[str, Any]) -> MatrixBuilder:
    """Begin the Store of the matrix in a version's directory; to be used in a `with` statement."""
    return MatrixBuilder(directory / LAYER_DIRECTORY, len(study.cells), len(study.genes), memory_bytes, source=source)
