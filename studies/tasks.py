"""The computations behind the heavy questions; workers only."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import job_task
from studies.analysis.correlation import pearson
from studies.analysis.wilcoxon import rank_sum_test
from studies.models import Analysis, Layer
from studies.services import analyses, cell_groups, correlations, differential_expression, stores

HARD_LIMIT = settings.COMPUTE_TIME_LIMIT
SOFT_LIMIT = HARD_LIMIT * 9 // 10
STAGES = ("compute", "store")


@job_task(name="studies.differential_expression", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_differential_expression(job: RunningJob, analysis_id: str) -> None:
    """Compare the group of a question with the rest and keep the answer."""
    analysis, layer = _question(analysis_id)
    version, asked = analysis.version, analysis.parameters
    store = stores.matrix_of(layer)
    job.stage("compute", total=store.features)
    result = rank_sum_test(
        store,
        cell_groups.group_mask(version, asked["group1"]),
        tie_correct=asked["tie_correct"],
        log1p_base=layer.log1p_base,
        progress=job.progress,
    )
    rows = differential_expression.result_rows(version=version, columns=asdict(result), n_genes=asked["n_genes"])
    _keep(job, analysis, rows)


@job_task(name="studies.correlation", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_correlation(job: RunningJob, analysis_id: str) -> None:
    """Correlate the gene of a question with all others and keep the answer."""
    analysis, layer = _question(analysis_id)
    asked = analysis.parameters
    store = stores.matrix_of(layer)
    job.stage("compute", total=store.features)
    r = pearson(store, asked["position"], progress=job.progress)
    rows = correlations.result_rows(
        version=analysis.version,
        r=r,
        position=asked["position"],
        limit=asked["limit"],
        min_abs_r=asked["min_abs_r"],
    )
    _keep(job, analysis, rows)


def _question(analysis_id: str) -> tuple[Analysis, Layer]:
    analysis = analyses.analysis_to_compute(UUID(analysis_id))
    layer = analysis.version.layers.get(name=analysis.parameters["layer"], modality="rna")
    return analysis, layer


def _keep(job: RunningJob, analysis: Analysis, rows: list[dict[str, Any]]) -> None:
    job.stage("store")
    job.report({"analysis_id": str(analysis.pk), "genes": len(rows)})
    with transaction.atomic():
        analyses.store_results(analysis_id=analysis.pk, job_id=job.id, lease_token=job.lease_token, rows=rows)
        job.finish()
