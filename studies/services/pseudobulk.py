"""Sums of values per sample, or per sample and value of another annotation, for tools that compare samples."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core import csv
from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from studies.models import Analysis, Layer, StudyVersion
from studies.services.analyses import ask
from studies.services.cell_groups import group_mask, invalid, resolve_subset
from studies.services.features import names_at
from studies.services.stores import cells_of, layer_of, rows_of
from studies.services.studies import computable_study, current_version
from studies.services.tables import unpack
from studies.services.user_annotations import with_cells

METHOD = "sum"
# A row of all genes is kept for each.
MOST_GROUPS = 1000
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class SummedGroups:
    """The number of a group per row of a layer, -1 for none; sample and value of each group, None without a value."""

    codes: NDArray[np.int32]
    labels: tuple[tuple[str, str | None], ...]


def request_pseudobulk(
    *,
    user: User,
    study_id: uuid.UUID,
    sample: str,
    by: str | None = None,
    within: Mapping[str, Any] | None = None,
    layer: str | None = None,
    modality: str | None = None,
) -> Analysis:
    """Ask for the sums of all genes over the cells of each sample, apart for each value of `by`.

    `sample` and `by` are keys of annotations. Raises InvalidInputError naming the field, also when there are too many
    groups or none; NotFoundError and RefusedError as `computable_study`.
    """
    version = current_version(computable_study(user=user, study_id=study_id))
    matrix = layer_of(version, name=layer, modality=modality)
    _check_annotations(version, sample, by)
    within = with_cells(within, user=user, version=version, pointer="/within")
    subset = None if within is None else resolve_subset(version, within, pointer="/within")
    parameters = {
        "layer": matrix.name,
        "modality": matrix.modality,
        "method": METHOD,
        "sample": sample,
        "by": by,
        "within": None if subset is None else subset.parameters,
    }
    _check_groups(matrix, parameters)
    return ask(
        version=version,
        kind=Analysis.Kind.PSEUDOBULK,
        parameters=parameters,
        user=user,
        actor=Actor.of(user),
        details={"method": METHOD, "layer": matrix.name, "annotation": sample if by is None else f"{sample}, {by}"},
    )


def summed_groups(layer: Layer, parameters: Mapping[str, Any]) -> SummedGroups:
    """Number the groups that have cells, by sample and then by value, in the order of the file's categories."""
    version, rows = layer.version, rows_of(layer)
    samples, sample_labels = _codes(version, parameters["sample"])
    values, labels = _codes(version, parameters["by"])
    inside = (samples >= 0) & (values >= 0)
    if parameters["within"] is not None:
        inside &= group_mask(version, parameters["within"])
    if rows is not None:
        samples, values, inside = samples[rows], values[rows], inside[rows]
    pairs = samples[inside] * len(labels) + values[inside]
    found, numbers = np.unique(pairs, return_inverse=True)
    codes = np.full(samples.size, -1, dtype=np.int32)
    codes[inside] = numbers
    named = ((sample_labels[pair // len(labels)], labels[pair % len(labels)]) for pair in found.tolist())
    return SummedGroups(codes, tuple((str(sample), value) for sample, value in named))


def csv_lines(analysis: Analysis, *, min_cells: int = 0) -> Iterator[str]:
    """Write a line a group: sample, value, number of cells, then the sum of each gene, by identifier.

    The shape is that of an AnnData object: groups are observations, genes variables. Groups with fewer than
    `min_cells` cells are left out.
    """
    names = names_at(analysis.version, range(analysis.version.gene_count), modality=analysis.parameters["modality"])
    genes = [names[position][0] for position in range(len(names))]
    by_value = analysis.parameters["by"] is not None
    yield csv.line(["sample", *(["value"] if by_value else []), "cells", *genes])
    for table in analysis.tables.order_by("position").iterator(chunk_size=1):
        if table.facts["cells"] >= min_cells:
            told = [table.facts["sample"], *([table.facts["value"]] if by_value else []), table.facts["cells"]]
            yield csv.line([*told, *map(_number, unpack(analysis.kind, table)["sum"].tolist())])


def _number(value: float) -> int | float:
    """Write counts as whole numbers."""
    return int(value) if value.is_integer() else value


def _check_annotations(version: StudyVersion, sample: str, by: str | None) -> None:
    if sample == by:
        raise invalid("/by", "invalid", "This must be another annotation than that of the samples.")
    known = list(version.annotation_groups.order_by("position").values_list("key", flat=True))
    for pointer, key in (("/sample", sample), ("/by", by)):
        if key is not None and key not in known:
            detail = f"The study has no annotation {key!r}; it has: {', '.join(known[:MOST_NAMED])}."
            raise invalid(pointer, "unknown_annotation", detail)


def _codes(version: StudyVersion, key: str | None) -> tuple[NDArray[np.int64], list[str | None]]:
    """Give each cell's code, -1 for none, and the labels; without an annotation, one group without a label."""
    if key is None:
        return np.zeros(version.cell_count, dtype=np.int64), [None]
    group = version.annotation_groups.get(key=key)
    labels: list[str | None] = list(group.values.order_by("code").values_list("label", flat=True))
    codes = cells_of(version).codes(group.position).astype(np.int64)
    return np.where(codes < len(labels), codes, -1), labels


def _check_groups(layer: Layer, parameters: Mapping[str, Any]) -> None:
    count = len(summed_groups(layer, parameters).labels)
    if count == 0:
        raise invalid("/sample", "no_groups", "No cell has a sample and a value: choose other annotations.")
    if count > MOST_GROUPS:
        detail = f"There would be {count} groups, the most is {MOST_GROUPS}: choose an annotation with fewer values."
        raise invalid("/by" if parameters["by"] else "/sample", "too_many_groups", detail)
