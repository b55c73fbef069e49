"""An analysis as somebody wants to see it: which genes, in which order, and the whole table as CSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellenium_admin.core import csv
from studies.models import Analysis, AnalysisTable
from studies.services.features import names_at
from studies.services.tables import (
    COLUMNS,
    Columns,
    CorrelationSelection,
    GeneSelection,
    rows_at,
    select_correlated,
    select_genes,
    unpack,
)

ROWS_PER_PIECE = 500

Selection = GeneSelection | CorrelationSelection


@dataclass(frozen=True, slots=True)
class Shown:
    """An analysis and the part of its answer to show, in the fields its kind has; None while there is none."""

    analysis: Analysis
    facts: dict[str, Any] | None = None
    results: list[dict[str, Any]] | None = None
    values: list[dict[str, Any]] | None = None
    groups: list[dict[str, Any]] | None = None


def shown(analysis: Analysis, selection: Selection | None) -> Shown:
    """Select what to show of an analysis; sums are had as a table only, so nothing is selected of them."""
    if analysis.answered_at is None:
        return Shown(analysis)
    if selection is None:
        return Shown(analysis, groups=list(analysis.tables.order_by("position").values_list("facts", flat=True)))
    # A table is a megabyte and more: one at a time.
    tables = analysis.tables.order_by("position").iterator(chunk_size=1)
    if "annotation" in analysis.parameters:
        return Shown(
            analysis, values=[{**table.facts, "results": _rows(analysis, table, selection)} for table in tables]
        )
    table = next(tables)
    return Shown(analysis, facts=table.facts, results=_rows(analysis, table, selection))


def csv_lines(analysis: Analysis) -> Iterator[str]:
    """Write all genes of an answer, in the order of the matrix, as pieces of a CSV table.

    Numbers are written so that reading them gives the same number again; what is not finite stays empty.
    """
    by_value = "annotation" in analysis.parameters
    columns = COLUMNS[analysis.kind]
    yield csv.line([*(["value_id", "label"] if by_value else []), "feature_id", "symbol", *columns])
    names = names_at(analysis.version, range(analysis.version.gene_count), modality=analysis.parameters["modality"])
    for table in analysis.tables.iterator(chunk_size=1):
        facts = [table.facts["value_id"], table.facts["label"]] if by_value else []
        yield from _pieces(facts, names, unpack(analysis.kind, table))


def _pieces(facts: list[Any], names: dict[int, tuple[str, str]], columns: Columns) -> Iterator[str]:
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [csv.line([*facts, *names[position], *map(_finite, row)]) for position, row in enumerate(rows)]
    for begin in range(0, len(lines), ROWS_PER_PIECE):
        yield "".join(lines[begin : begin + ROWS_PER_PIECE])


def _finite(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _rows(analysis: Analysis, table: AnalysisTable, selection: Selection) -> list[dict[str, Any]]:
    columns = unpack(analysis.kind, table)
    if isinstance(selection, GeneSelection):
        positions = select_genes(columns, selection)
    else:
        positions = select_correlated(columns["r"], selection, position=analysis.parameters["position"])
    return rows_at(analysis.version, columns, positions, modality=analysis.parameters["modality"])
