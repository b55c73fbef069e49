"""Which genes set cells apart: a group from the rest or from another, or every value of an annotation."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from studies.models import Analysis, AnnotationGroup, Layer, StudyVersion
from studies.services.analyses import ask
from studies.services.cell_groups import CellGroup, group_mask, invalid, resolve_group, resolve_subset
from studies.services.stores import cells_of, layer_of, local_cells, rows_of
from studies.services.studies import computable_study, current_version
from studies.services.user_annotations import with_cells

WILCOXON, T_TEST = "wilcoxon", "t-test"
METHODS = (WILCOXON, T_TEST)
REST = "rest"
# Welch's test has no variance with fewer.
LEAST_FOR_T_TEST = 2

Cells = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups of cells, ascending; the second is None for all other cells."""

    cells1: Cells
    cells2: Cells | None


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """Every value of an annotation against the other cells; `within` is None for all cells."""

    codes: NDArray[np.int32]
    within: Cells | None
    values: tuple[tuple[int, str], ...]


def request_differential_expression(
    *,
    user: User,
    study_id: uuid.UUID,
    group1: Mapping[str, Any] | None = None,
    group2: str | Mapping[str, Any] = REST,
    annotation: str | None = None,
    within: Mapping[str, Any] | None = None,
    method: str = WILCOXON,
    tie_correct: bool = True,
    layer: str | None = None,
    modality: str | None = None,
) -> Analysis:
    """Ask for the genes that differ between two groups, or between each value of `annotation` and the other cells.

    `within` leaves all other cells out. Raises InvalidInputError naming the field, NotFoundError and RefusedError as
    `computable_study`.
    """
    study = computable_study(user=user, study_id=study_id)
    version = current_version(study)
    matrix = layer_of(version, name=layer, modality=modality)
    group1 = with_cells(group1, user=user, version=version, pointer="/group1")
    if isinstance(group2, Mapping):
        group2 = with_cells(group2, user=user, version=version, pointer="/group2") or {}
    within = with_cells(within, user=user, version=version, pointer="/within")
    if (group1 is None) == (annotation is None):
        raise invalid("/group1", "invalid", "Give either group1, or annotation for all its values.")
    parameters: dict[str, Any] = {**_of_layer(matrix), **_of_method(method, tie_correct)}
    if group1 is not None:
        parameters |= _of_groups(matrix, group1, group2, within, parameters["method"])
    else:
        parameters |= _of_annotation(version, str(annotation), group2, within)
    return ask(
        version=version,
        kind=Analysis.Kind.DIFFERENTIAL_EXPRESSION,
        parameters=parameters,
        user=user,
        actor=Actor.of(user),
        details={"method": method, "layer": matrix.name, **_said(parameters, version)},
    )


def request_values(
    *, version: StudyVersion, group: AnnotationGroup, layer: Layer, user: User | None, actor: Actor
) -> Analysis:
    """Ask for the genes that set each value of an annotation apart from the other cells, as one asks by default."""
    return ask(
        version=version,
        kind=Analysis.Kind.DIFFERENTIAL_EXPRESSION,
        parameters=parameters_of_values(group, layer),
        user=user,
        actor=actor,
        details={"method": WILCOXON, "layer": layer.name, "annotation": group.key},
    )


def parameters_of_values(group: AnnotationGroup, layer: Layer) -> dict[str, Any]:
    """Give the parameters of the question about all values of an annotation, everything else left as it is."""
    return {**_of_layer(layer), **_of_method(WILCOXON, True), "annotation": group.key, "within": None}


def comparison(layer: Layer, parameters: Mapping[str, Any]) -> Comparison:
    """Turn the parameters of a question about groups into rows of its layer."""
    first, second = _masks(layer.version, parameters)
    return Comparison(local_cells(layer, first), None if second is None else local_cells(layer, second))


def value_comparison(layer: Layer, parameters: Mapping[str, Any]) -> ValueComparison:
    """Turn the parameters of a question about an annotation into codes per row of its layer, -1 for none."""
    version, rows = layer.version, rows_of(layer)
    group = version.annotation_groups.get(key=parameters["annotation"])
    codes = cells_of(version).codes(group.position).astype(np.int64)
    values = tuple(group.values.order_by("code").values_list("pk", "label"))
    signed = np.where(codes < len(values), codes, -1).astype(np.int32)
    within = parameters["within"]
    inside = None if within is None else local_cells(layer, group_mask(version, within))
    return ValueComparison(signed if rows is None else signed[rows], inside, values)


def _of_layer(layer: Layer) -> dict[str, Any]:
    return {"layer": layer.name, "modality": layer.modality}


def _of_method(method: str, tie_correct: bool) -> dict[str, Any]:
    if method not in METHODS:
        raise invalid("/method", "invalid_choice", f"The method must be one of: {', '.join(METHODS)}.")
    if not isinstance(tie_correct, bool):
        raise invalid("/tie_correct", "invalid", "This must be true or false.")
    return {"method": method, "tie_correct": tie_correct if method == WILCOXON else None}


def _of_groups(
    layer: Layer, group1: Mapping[str, Any], group2: Any, within: Mapping[str, Any] | None, method: str
) -> dict[str, Any]:
    version = layer.version
    first = resolve_group(version, group1, pointer="/group1")
    subset = None if within is None else resolve_subset(version, within, pointer="/within")
    second = _resolved_second(version, group2)
    parameters = {
        "group1": first.parameters,
        "group2": REST if second is None else second.parameters,
        "within": None if subset is None else subset.parameters,
    }
    _check_sizes(layer, parameters, method)
    return parameters


def _resolved_second(version: StudyVersion, group2: Any) -> CellGroup | None:
    if group2 == REST:
        return None
    if not isinstance(group2, Mapping):
        raise invalid("/group2", "invalid_choice", f"Give {REST!r} for all other cells, or a group.")
    return resolve_group(version, group2, pointer="/group2")


def _check_sizes(layer: Layer, parameters: Mapping[str, Any], method: str) -> None:
    first, second = _masks(layer.version, parameters)
    second = ~first if second is None else second
    if common := int(np.count_nonzero(first & second)):
        detail = f"{common} cells are in both groups: a cell can be in one only."
        raise invalid("/group2", "overlapping_groups", detail)
    least = LEAST_FOR_T_TEST if method == T_TEST else 1
    for pointer, mask in (("/group1", first), ("/group2", second)):
        size = local_cells(layer, mask).size
        if size < least:
            of_modality = f" that {layer.modality!r} has" if layer.row_map else ""
            detail = f"{size} cells{of_modality} are left in this group; the comparison needs at least {least}."
            raise invalid(pointer, "too_few_cells", detail)


def _masks(version: StudyVersion, parameters: Mapping[str, Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Mark the cells of the two groups; the second is None for all others."""
    first, within = group_mask(version, parameters["group1"]), parameters["within"]
    named = parameters["group2"] != REST
    second = group_mask(version, parameters["group2"], pointer="/group2") if named else None
    if within is None:
        return first, second
    subset = group_mask(version, within, pointer="/within")
    return first & subset, subset & (~first if second is None else second)


def _of_annotation(version: StudyVersion, key: str, group2: Any, within: Mapping[str, Any] | None) -> dict[str, Any]:
    if group2 != REST:
        raise invalid("/group2", "invalid_choice", "All values of an annotation are compared with the rest.")
    if not AnnotationGroup.objects.filter(version=version, key=key).exists():
        known = ", ".join(version.annotation_groups.order_by("position").values_list("key", flat=True)[:20])
        raise invalid("/annotation", "unknown_annotation", f"The study has no annotation {key!r}; it has: {known}.")
    subset = None if within is None else resolve_subset(version, within, pointer="/within")
    return {"annotation": key, "within": None if subset is None else subset.parameters}


def _said(parameters: Mapping[str, Any], version: StudyVersion) -> dict[str, Any]:
    """Give what goes into the trail: how many cells, or which annotation."""
    if "annotation" in parameters:
        return {"annotation": parameters["annotation"]}
    return {"cells": int(np.count_nonzero(group_mask(version, parameters["group1"])))}
