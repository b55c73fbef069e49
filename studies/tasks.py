"""The computations behind the heavy questions; workers only."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from celery.signals import worker_init
from django.conf import settings
from django.db import transaction

from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import job_task
from studies.analysis.correlation import pearson, spearman
from studies.analysis.results import DifferentialExpression
from studies.analysis.t_test import welch_of_values, welch_t_test
from studies.analysis.wilcoxon import rank_sum_of_values, rank_sum_test
from studies.models import Analysis, Layer
from studies.services import analyses, correlations, differential_expression, stores
from studies.warming import warm_up

HARD_LIMIT = settings.COMPUTE_TIME_LIMIT
SOFT_LIMIT = HARD_LIMIT * 9 // 10
STAGES = ("compute", "store")


@worker_init.connect
def compile_kernels(**_: Any) -> None:
    """Compile before the worker's children are made, so that they share it and nobody's question waits."""
    if settings.COMPILE_AT_START:
        with TemporaryDirectory(prefix="cellenium-") as directory:
            warm_up(Path(directory))


@job_task(name="studies.differential_expression", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_differential_expression(job: RunningJob, analysis_id: str) -> None:
    """Compare the cells a question names and keep the numbers of all genes."""
    analysis, layer = _question(analysis_id)
    job.stage("compute")
    tables = _values(job, analysis, layer) if "annotation" in analysis.parameters else _groups(job, analysis, layer)
    _keep(job, analysis, list(tables))


@job_task(name="studies.correlation", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_correlation(job: RunningJob, analysis_id: str) -> None:
    """Correlate the gene of a question with all others and keep the numbers of all genes."""
    analysis, layer = _question(analysis_id)
    asked, store = analysis.parameters, stores.matrix_of(layer)
    compute = pearson if asked["method"] == correlations.PEARSON else spearman
    within = correlations.cells_within(analysis.version, asked)
    job.stage("compute")
    found = compute(store, asked["position"], within=within, progress=job.progress)
    _keep(job, analysis, [(0, {"cells": found.n}, {"r": found.r})])


def _groups(job: RunningJob, analysis: Analysis, layer: Layer) -> Iterator[tuple[int, dict[str, Any], Any]]:
    asked, store = analysis.parameters, stores.matrix_of(layer)
    compared = differential_expression.comparison(analysis.version, asked)
    options: dict[str, Any] = {"log1p_base": layer.log1p_base, "progress": job.progress}
    if asked["method"] == differential_expression.WILCOXON:
        result = rank_sum_test(store, compared.cells1, compared.cells2, tie_correct=asked["tie_correct"], **options)
    else:
        result = welch_t_test(store, compared.cells1, compared.cells2, **options)
    others = store.cells - compared.cells1.size if compared.cells2 is None else compared.cells2.size
    yield 0, {"cells1": int(compared.cells1.size), "cells2": int(others)}, asdict(result)


def _values(job: RunningJob, analysis: Analysis, layer: Layer) -> Iterator[tuple[int, dict[str, Any], Any]]:
    asked, store = analysis.parameters, stores.matrix_of(layer)
    compared = differential_expression.value_comparison(analysis.version, asked)
    options: dict[str, Any] = {"within": compared.within, "log1p_base": layer.log1p_base, "progress": job.progress}
    results: list[DifferentialExpression | None]
    if asked["method"] == differential_expression.WILCOXON:
        results = rank_sum_of_values(
            store, compared.codes, len(compared.values), tie_correct=asked["tie_correct"], **options
        )
    else:
        results = welch_of_values(store, compared.codes, len(compared.values), **options)
    everyone = store.cells if compared.within is None else compared.within.size
    codes = compared.codes if compared.within is None else compared.codes[compared.within]
    for code, ((value_id, label), result) in enumerate(zip(compared.values, results, strict=True)):
        cells = int((codes == code).sum())
        if result is not None:
            facts = {"value_id": value_id, "label": label, "cells1": cells, "cells2": int(everyone) - cells}
            yield code, facts, asdict(result)


def _question(analysis_id: str) -> tuple[Analysis, Layer]:
    analysis = analyses.analysis_to_compute(UUID(analysis_id))
    asked = analysis.parameters
    return analysis, analysis.version.layers.get(name=asked["layer"], modality=asked["modality"])


def _keep(job: RunningJob, analysis: Analysis, tables: list[tuple[int, dict[str, Any], Any]]) -> None:
    job.stage("store")
    job.report({"analysis_id": str(analysis.pk), "genes": analysis.version.gene_count, "tables": len(tables)})
    with transaction.atomic():
        analyses.store_tables(analysis_id=analysis.pk, job_id=job.id, lease_token=job.lease_token, tables=tables)
        job.finish()
