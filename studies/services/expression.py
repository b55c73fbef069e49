"""How much of one gene each cell has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studies.models import Feature, StudyVersion
from studies.services.features import find_feature
from studies.services.stores import default_layer, matrix_of


@dataclass(frozen=True, slots=True)
class GeneExpression:
    """One gene in the cells where it is not zero: their numbers, ascending, and the values; all other cells have 0."""

    feature: Feature
    cell_ids: NDArray[np.uint32]
    values: NDArray[np.float32]


def gene_expression(*, version: StudyVersion, feature: str) -> GeneExpression:
    """Read one gene of all cells, by symbol or identifier. Raises InvalidInputError when it is not just one gene."""
    found = find_feature(version, feature)
    cell_ids, values = matrix_of(default_layer(version)).gene(found.position)
    return GeneExpression(found, cell_ids, values)
