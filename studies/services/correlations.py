"""Which genes move with a gene."""

import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.models import User
from studies.models import Analysis, Feature, StudyVersion
from studies.services.analyses import ask
from studies.services.cell_groups import invalid
from studies.services.features import find_feature, names_at
from studies.services.rows import fraction, numbers_for_json, whole_number
from studies.services.stores import default_layer, matrix_of
from studies.services.studies import computable_study, current_version

METHODS = ("pearson",)


def request_correlations(
    *,
    user: User,
    study_id: uuid.UUID,
    feature: str,
    method: str = "pearson",
    limit: int = 100,
    min_abs_r: float = 0.0,
) -> Analysis:
    """Ask for the genes correlated with one, over all cells, strongest first whatever the sign.

    Raises InvalidInputError naming the field, also for a gene with one value in all cells; NotFoundError and
    RefusedError as `computable_study`.
    """
    study = computable_study(user=user, study_id=study_id)
    version = current_version(study)
    layer = default_layer(version)
    if method not in METHODS:
        raise invalid("/method", "invalid_choice", f"The method must be one of: {', '.join(METHODS)}.")
    limit = min(whole_number(limit, pointer="/limit", least=1), version.gene_count)
    least = fraction(min_abs_r, pointer="/min_abs_r")
    found = find_feature(version, feature)
    if matrix_of(layer).centered_sum_of_squares[found.position] == 0:
        detail = f"{found.symbol} has the same value in all cells, so nothing is correlated with it."
        raise invalid("/feature", "constant_feature", detail)
    return ask(
        version=version,
        kind=Analysis.Kind.CORRELATION,
        parameters=_parameters(found, layer.name, method, limit, least),
        user=user,
        details={"method": method, "layer": layer.name, "feature": found.identifier},
    )


def _parameters(feature: Feature, layer: str, method: str, limit: int, min_abs_r: float) -> dict[str, Any]:
    return {
        "layer": layer,
        "feature": feature.identifier,
        "position": feature.position,
        "method": method,
        "limit": limit,
        "min_abs_r": min_abs_r,
    }


def result_rows(
    *, version: StudyVersion, r: NDArray[np.float64], position: int, limit: int, min_abs_r: float
) -> list[dict[str, Any]]:
    """Write the genes with the strongest correlation as rows, the asked gene left out, equal ones in matrix order.

    A gene with one value in all cells has no correlation: it comes last with null, and only when `min_abs_r` is 0.
    """
    strength = np.where(np.isnan(r), -1.0, np.abs(r))
    order = np.argsort(-strength, kind="stable")
    order = order[(order != position) & ((strength[order] >= min_abs_r) | (min_abs_r == 0))][:limit]
    positions = order.tolist()
    names = names_at(version, positions)
    return [
        {"feature_id": names[position][0], "symbol": names[position][1], "r": value}
        for position, value in zip(positions, numbers_for_json(r[order]), strict=True)
    ]
