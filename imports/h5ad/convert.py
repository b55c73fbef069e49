"""From a checked file to what the catalogue and the Store take."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imports.h5ad.annotations import Annotation
from imports.h5ad.blocks import Matrix
from imports.h5ad.parts import LayerFile, ModalityFile
from imports.h5ad.validate import StudyFile
from studies.content import (
    AnnotationContent,
    AnnotationValueContent,
    FeatureContent,
    LayerContent,
    SourceContent,
    VersionContent,
)
from studies.store import format as fmt
from studies.store.builder import MatrixBuilder, write_cells

LONGEST_SLUG = 40
# Of the memory a build may take, this part is for the block of rows on its way; the builder has the rest.
BLOCK_SHARE = 4

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """A matrix and the name of the directory it goes to, inside the version's."""

    modality: ModalityFile
    layer: LayerFile
    directory: str


def planned_layers(study: StudyFile) -> list[PlannedLayer]:
    """Choose a directory for every layer: `rna-X`, and made of letters and digits of the names for the others."""
    taken: set[str] = set()
    return [
        PlannedLayer(modality, layer, _directory(modality.name, layer, taken))
        for modality in study.modalities
        for layer in modality.layers
    ]


def _directory(modality: str, layer: LayerFile, taken: set[str]) -> str:
    wanted = f"{_slug(modality)}-{'X' if layer.place == 'X' else _slug(layer.name)}"
    name, number = wanted, 1
    # Not every file system tells small letters from capital ones.
    while name.lower() in taken:
        number += 1
        name = f"{wanted}-{number}"
    taken.add(name.lower())
    return name


def _slug(name: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", name).strip("-")[:LONGEST_SLUG] or "layer"


def version_content(study: StudyFile, source: SourceContent) -> VersionContent:
    """Describe the rows of a version; annotations and projections are in the order of the arrays in the Store."""
    declared = study.declared
    return VersionContent(
        title=declared.title,
        description=declared.description,
        organism_tax_id=declared.taxonomy_id,
        cell_count=len(study.cells),
        features=tuple(
            FeatureContent(identifier=name, symbol=symbol, modality=modality.name, kind=modality.kind)
            for modality in study.modalities
            for name, symbol in zip(modality.features, modality.symbols, strict=True)
        ),
        annotations=tuple(map(_annotation, study.annotations)),
        projections=tuple(key for key, _ in study.projections),
        layers=tuple(_layer(planned, _part_number(study, planned.modality)) for planned in planned_layers(study)),
        source=source,
        metadata={
            "ncit_tissue_ids": list(declared.ncit_tissue_ids),
            "mesh_disease_ids": list(declared.mesh_disease_ids),
            "metadata": dict(declared.metadata),
        },
        differential_expression=tuple(
            table for modality in study.modalities for table in modality.differential_expression
        ),
    )


def _parts(study: StudyFile) -> list[ModalityFile]:
    """Give the modalities that have not all cells."""
    return [modality for modality in study.modalities if modality.rows is not None]


def _part_number(study: StudyFile, modality: ModalityFile) -> int | None:
    numbers = {part.name: number for number, part in enumerate(_parts(study))}
    return numbers.get(modality.name)


def _layer(planned: PlannedLayer, number: int | None) -> LayerContent:
    return LayerContent(
        name=planned.layer.name,
        directory=planned.directory,
        modality=planned.modality.name,
        log1p_base=planned.layer.log1p_base,
        row_map="" if number is None else fmt.part_name(number),
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
    parts = [modality.rows for modality in _parts(study) if modality.rows is not None]
    write_cells(directory / fmt.CELLS_DIRECTORY, study.cells, codes, places, parts=parts, source=source)


def add_all_rows(matrix: Matrix, builder: MatrixBuilder, *, memory_bytes: int, progress: Progress) -> None:
    """Hand the matrix to the builder block by block, telling how many cells are through."""
    for block in matrix.blocks(memory_bytes):
        builder.add_rows(block.start, block.indptr, block.indices, block.data)
        progress(block.stop, matrix.cells)


def matrix_builder(
    study: StudyFile,
    directory: Path,
    *,
    memory_bytes: int,
    source: dict[str, Any],
    planned: PlannedLayer | None = None,
) -> MatrixBuilder:
    """Begin the Store of one layer, of the first if none is given; to be used in a `with` statement."""
    planned = planned or planned_layers(study)[0]
    place, features = directory / planned.directory, len(planned.modality.features)
    return MatrixBuilder(place, planned.layer.matrix.cells, features, memory_bytes, source=source)
