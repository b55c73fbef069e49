"""The numbers that answer a question, for all genes of a matrix or a range of them."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from studies.analysis.correlation import pearson, spearman
from studies.analysis.pseudobulk import pseudobulk
from studies.analysis.results import DifferentialExpression
from studies.analysis.spreading import Progress
from studies.analysis.t_test import welch_of_values, welch_t_test
from studies.analysis.wilcoxon import rank_sum_of_values, rank_sum_test
from studies.models import Analysis, Layer
from studies.services import correlations, differential_expression
from studies.services.analyses import Table
from studies.services.pseudobulk import summed_groups
from studies.store.reader import MatrixReader


def tables_of(analysis: Analysis, layer: Layer, store: MatrixReader, progress: Progress) -> list[Table]:
    """Compute the answer over the genes of `store`, which is that of the layer or a part of it."""
    if analysis.kind == Analysis.Kind.CORRELATION:
        return [_correlated(analysis, layer, store, progress)]
    if analysis.kind == Analysis.Kind.PSEUDOBULK:
        return list(_sums(analysis, layer, store, progress))
    if "annotation" in analysis.parameters:
        return list(_values(analysis, layer, store, progress))
    return [_groups(analysis, layer, store, progress)]


def _correlated(analysis: Analysis, layer: Layer, store: MatrixReader, progress: Progress) -> Table:
    asked = analysis.parameters
    compute = pearson if asked["method"] == correlations.PEARSON else spearman
    within = correlations.cells_within(layer, asked)
    found = compute(store, asked["position"], within=within, progress=progress)
    return Table(0, {"cells": found.n}, {"r": found.r})


def _sums(analysis: Analysis, layer: Layer, store: MatrixReader, progress: Progress) -> Iterator[Table]:
    groups = summed_groups(layer, analysis.parameters)
    sums = pseudobulk(store, groups.codes, len(groups.labels), progress=progress)
    cells = np.bincount(groups.codes[groups.codes >= 0], minlength=len(groups.labels)).tolist()
    for number, ((sample, value), row) in enumerate(zip(groups.labels, sums, strict=True)):
        whole = bool(np.all(row == np.rint(row)))
        yield Table(
            number,
            {"sample": sample, "value": value, "cells": cells[number], "whole_numbers": whole},
            {"sum": row},
        )


def _groups(analysis: Analysis, layer: Layer, store: MatrixReader, progress: Progress) -> Table:
    asked = analysis.parameters
    compared = differential_expression.comparison(layer, asked)
    options: dict[str, Any] = {"log1p_base": layer.log1p_base, "progress": progress}
    if asked["method"] == differential_expression.WILCOXON:
        result = rank_sum_test(store, compared.cells1, compared.cells2, tie_correct=asked["tie_correct"], **options)
    else:
        result = welch_t_test(store, compared.cells1, compared.cells2, **options)
    others = store.cells - compared.cells1.size if compared.cells2 is None else compared.cells2.size
    return Table(0, {"cells1": int(compared.cells1.size), "cells2": int(others)}, asdict(result))


def _values(analysis: Analysis, layer: Layer, store: MatrixReader, progress: Progress) -> Iterator[Table]:
    asked = analysis.parameters
    compared = differential_expression.value_comparison(layer, asked)
    options: dict[str, Any] = {"within": compared.within, "log1p_base": layer.log1p_base, "progress": progress}
    count = len(compared.values)
    results: list[DifferentialExpression | None]
    if asked["method"] == differential_expression.WILCOXON:
        results = rank_sum_of_values(store, compared.codes, count, tie_correct=asked["tie_correct"], **options)
    else:
        results = welch_of_values(store, compared.codes, count, **options)
    everyone = store.cells if compared.within is None else compared.within.size
    codes = compared.codes if compared.within is None else compared.codes[compared.within]
    for code, ((value_id, label), result) in enumerate(zip(compared.values, results, strict=True)):
        cells = int((codes == code).sum())
        if result is not None:
            facts = {"value_id": value_id, "label": label, "cells1": cells, "cells2": int(everyone) - cells}
            yield Table(code, facts, asdict(result))
