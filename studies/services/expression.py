"""How much of one gene each cell has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studies.models import Feature, StudyVersion
from studies.services.features import find_feature
from studies.services.stores import layer_of, matrix_of, rows_of


@dataclass(frozen=True, slots=True)
class GeneExpression:
    """One gene in the cells where it is not zero: their numbers, ascending, and the values; all other cells have 0."""

    feature: Feature
    cell_ids: NDArray[np.uint32]
    values: NDArray[np.float32]


def gene_expression(*, version: StudyVersion, feature: str, modality: str | None = None) -> GeneExpression:
    """Read one gene of all cells, by symbol or identifier. Raises InvalidInputError when it is not just one gene.

    Cells that a modality does not have are not among the numbers, as those where the gene is zero.
    """
    layer = layer_of(version, modality=modality)
    found = find_feature(version, feature, modality=layer.modality)
    cell_ids, values = matrix_of(layer).gene(found.position)
    rows = rows_of(layer)
    return GeneExpression(found, cell_ids if rows is None else rows[cell_ids], values)
