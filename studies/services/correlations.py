"""Which genes move with a gene."""

import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from studies.models import Analysis, Feature, Layer
from studies.services.analyses import ask
from studies.services.cell_groups import group_mask, invalid, resolve_subset
from studies.services.features import find_feature
from studies.services.stores import layer_of, local_cells, matrix_of
from studies.services.studies import computable_study, current_version
from studies.services.user_annotations import with_cells

PEARSON, SPEARMAN = "pearson", "spearman"
METHODS = (PEARSON, SPEARMAN)
# With two cells every r is 1 or -1.
LEAST_CELLS = 3


def request_correlations(
    *,
    user: User,
    study_id: uuid.UUID,
    feature: str,
    method: str = PEARSON,
    within: Mapping[str, Any] | None = None,
    layer: str | None = None,
    modality: str | None = None,
) -> Analysis:
    """Ask for the correlation of one gene with all, over all cells or those `within` a group.

    Raises InvalidInputError naming the field, also for a gene with one value in all these cells; NotFoundError and
    RefusedError as `computable_study`.
    """
    study = computable_study(user=user, study_id=study_id)
    version = current_version(study)
    matrix = layer_of(version, name=layer, modality=modality)
    if method not in METHODS:
        raise invalid("/method", "invalid_choice", f"The method must be one of: {', '.join(METHODS)}.")
    found = find_feature(version, feature, modality=matrix.modality)
    within = with_cells(within, user=user, version=version, pointer="/within")
    subset = None if within is None else resolve_subset(version, within, pointer="/within", least=LEAST_CELLS)
    parameters = {
        "layer": matrix.name,
        "modality": matrix.modality,
        "method": method,
        "feature": found.identifier,
        "position": found.position,
        "within": None if subset is None else subset.parameters,
    }
    _check_varies(matrix, found, parameters)
    return ask(
        version=version,
        kind=Analysis.Kind.CORRELATION,
        parameters=parameters,
        user=user,
        actor=Actor.of(user),
        details={"method": method, "layer": matrix.name, "feature": found.identifier},
    )


def cells_within(layer: Layer, parameters: Mapping[str, Any]) -> NDArray[np.uint32] | None:
    """Give the rows of a layer a question is about, ascending; None for all."""
    within = parameters["within"]
    return None if within is None else local_cells(layer, group_mask(layer.version, within))


def _check_varies(layer: Layer, feature: Feature, parameters: Mapping[str, Any]) -> None:
    store = matrix_of(layer)
    expressing, values = store.gene(feature.position)
    cells = cells_within(layer, parameters)
    if cells is not None:
        values = values[np.isin(expressing, cells, assume_unique=True)]
    everyone = store.cells if cells is None else cells.size
    if everyone < LEAST_CELLS:
        detail = f"{layer.modality!r} has {everyone} of these cells: choose at least {LEAST_CELLS}."
        raise invalid("/within", "too_few_cells", detail)
    if values.size == 0 or (values.size == everyone and values.min() == values.max()):
        detail = f"{feature.symbol} has the same value in all these cells, so nothing is correlated with it."
        raise invalid("/feature", "constant_feature", detail)
