"""What sets the values of annotations apart, kept for every version: from its file, else computed after the import."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellenium_admin.core import csv
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import Job
from studies.models import (
    Analysis,
    AnnotationGroup,
    AnnotationValue,
    DifferentialExpressionTable,
    Layer,
    MarkersSource,
    StudyVersion,
)
from studies.services import analyses, differential_expression
from studies.services.file_tables import columns_of
from studies.services.stores import first_layers, layer_of
from studies.services.tables import DIFFERENTIAL_EXPRESSION, GeneSelection, rows_at, select_genes, unpack

# A table of all genes is kept for every value; an annotation with more is a name of cells rather than of kinds.
MOST_VALUES = 100
ROW = ("feature_id", "symbol", *DIFFERENTIAL_EXPRESSION)


@dataclass(frozen=True, slots=True)
class KeptMarkers:
    """Where the genes of one annotation's values come from; `analysis` is None for those of the file."""

    group: AnnotationGroup
    modality: str
    source: MarkersSource
    analysis: Analysis | None

    @property
    def state(self) -> Job.State:
        """Whether they can be read."""
        if self.analysis is None or self.analysis.answered_at is not None:
            return Job.State.SUCCEEDED
        return Job.State(self.analysis.job.state)


@dataclass(frozen=True, slots=True)
class Markers:
    """The genes of one value; `results` is None while they are computed."""

    version: StudyVersion
    value: AnnotationValue
    kept: KeptMarkers
    facts: dict[str, Any]
    results: list[dict[str, Any]] | None


def request_missing(*, version: StudyVersion, actor: Actor) -> list[Analysis]:
    """Have the genes of every main annotation computed that the file has no table for.

    Asked in the transaction that publishes the version; as anybody's question about the annotation would be, so that
    nobody has to wait for it later.
    """
    return [
        differential_expression.request_values(version=version, group=group, layer=layer, user=None, actor=actor)
        for layer, group in _without_table(version)
    ]


def kept_markers(version: StudyVersion) -> list[KeptMarkers]:
    """List what is kept, in the order of modalities and annotations."""
    return [kept for layer in first_layers(version) for kept in _kept_of(version, layer)]


def markers_of(
    version: StudyVersion, *, value_id: int, modality: str | None = None, selection: GeneSelection
) -> Markers:
    """Give the genes that set one value's cells apart. Raises NotFoundError when nothing is kept about it."""
    value = AnnotationValue.objects.filter(pk=value_id, group__version=version).select_related("group").first()
    if value is None:
        raise NotFoundError(f"The study's current version has no annotation value {value_id}.", code="unknown_value")
    modality = layer_of(version, modality=modality).modality
    table = value.differential_expression_tables.filter(modality=modality).first()
    if table is not None:
        positions, columns = columns_of(table)
        chosen = select_genes(columns, selection)
        rows = rows_at(version, columns, chosen, modality=modality, genes=positions)
        return Markers(version, value, KeptMarkers(value.group, modality, MarkersSource.FILE, None), {}, rows)
    return _computed(version, value, modality, selection)


def csv_of(found: Markers) -> Iterator[str]:
    """Write the genes of one value as pieces of a CSV table; what is not finite stays empty."""
    yield csv.line(["value_id", "label", "source", *ROW])
    for row in found.results or []:
        yield csv.line([found.value.pk, found.value.label, found.kept.source, *(row[name] for name in ROW)])


def _computed(version: StudyVersion, value: AnnotationValue, modality: str, selection: GeneSelection) -> Markers:
    layer = layer_of(version, modality=modality)
    analysis = _analysis(version, value.group, layer)
    if analysis is None:
        detail = "Nothing is kept about this value; ask with POST, naming the annotation or the value."
        raise NotFoundError(detail, code="nothing_kept")
    kept = KeptMarkers(value.group, modality, MarkersSource.COMPUTED, analysis)
    if analysis.answered_at is None:
        return Markers(version, value, kept, {}, None)
    table = analysis.tables.filter(position=value.code).first()
    if table is None:
        raise NotFoundError("No cell, or every cell, has this value: there is nothing to compare.", code="no_groups")
    columns = unpack(analysis.kind, table)
    rows = rows_at(version, columns, select_genes(columns, selection), modality=modality)
    return Markers(version, value, kept, table.facts, rows)


def _without_table(version: StudyVersion) -> Iterator[tuple[Layer, AnnotationGroup]]:
    groups = list(version.annotation_groups.filter(is_primary=True).prefetch_related("values").order_by("position"))
    for layer in first_layers(version):
        told = _groups_of_file(version, layer.modality)
        for group in groups:
            if group.pk not in told and _can_be_compared(version, group):
                yield layer, group


def _can_be_compared(version: StudyVersion, group: AnnotationGroup) -> bool:
    counts = np.array([value.cell_count for value in group.values.all()])
    return 0 < counts.size <= MOST_VALUES and bool(np.any((counts > 0) & (counts < version.cell_count)))


def _kept_of(version: StudyVersion, layer: Layer) -> Iterator[KeptMarkers]:
    told = _groups_of_file(version, layer.modality)
    for group in version.annotation_groups.order_by("position"):
        if group.pk in told:
            yield KeptMarkers(group, layer.modality, MarkersSource.FILE, None)
        elif (analysis := _analysis(version, group, layer)) is not None:
            yield KeptMarkers(group, layer.modality, MarkersSource.COMPUTED, analysis)


def _groups_of_file(version: StudyVersion, modality: str) -> set[int]:
    tables = DifferentialExpressionTable.objects.filter(version=version, modality=modality)
    return set(tables.order_by().values_list("value__group", flat=True).distinct())


def _analysis(version: StudyVersion, group: AnnotationGroup, layer: Layer) -> Analysis | None:
    asked = differential_expression.parameters_of_values(group, layer)
    found: Analysis | None = (
        version.analyses.select_related("job")
        .filter(kind=Analysis.Kind.DIFFERENTIAL_EXPRESSION, parameters_sha256=analyses.fingerprint(asked))
        .first()
    )
    return found
