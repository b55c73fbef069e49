"""The computations behind the heavy questions; workers only."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from celery.signals import worker_init
from django.conf import settings
from django.db import transaction

from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import job_task
from studies.analysis.gene_range import cut, gene_range
from studies.computing.parts import answered_in_parts
from studies.computing.tables import tables_of
from studies.services import analyses, analysis_parts, published_stores, stores
from studies.services.analyses import Table
from studies.warming import warm_up

HARD_LIMIT = settings.COMPUTE_TIME_LIMIT
SOFT_LIMIT = HARD_LIMIT * 9 // 10
STAGES = ("compute", "store")


@worker_init.connect
def wait_for_stores(**_: Any) -> None:
    """Have workers wait for Stores of any size."""
    published_stores.wait_for_any_size()


@worker_init.connect
def compile_kernels(**_: Any) -> None:
    """Compile before the worker's children are made, so that they share it and nobody's question waits."""
    if settings.COMPILE_AT_START:
        with TemporaryDirectory(prefix="cellenium-") as directory:
            warm_up(Path(directory))


@job_task(name="studies.differential_expression", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_differential_expression(job: RunningJob, analysis_id: str) -> None:
    """Compare the cells a question names and keep the numbers of all genes."""
    _answer(job, UUID(analysis_id))


@job_task(name="studies.correlation", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_correlation(job: RunningJob, analysis_id: str) -> None:
    """Correlate the gene of a question with all others and keep the numbers of all genes."""
    _answer(job, UUID(analysis_id))


@job_task(name="studies.pseudobulk", soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_pseudobulk(job: RunningJob, analysis_id: str) -> None:
    """Add up all genes over the cells of each sample."""
    _answer(job, UUID(analysis_id))


@job_task(name=analysis_parts.PART_JOB, soft=SOFT_LIMIT, hard=HARD_LIMIT, stages=STAGES)
def run_analysis_part(job: RunningJob, analysis_id: str, number: int) -> None:
    """Answer a question for a range of genes."""
    part = analysis_parts.part_to_compute(analysis_id=UUID(analysis_id), number=number)
    layer = analyses.layer_asked(part.analysis)
    store = gene_range(stores.matrix_of(layer), part.first, part.stop)
    job.stage("compute")
    tables = tables_of(part.analysis, layer, store, job.progress)
    with transaction.atomic():
        analysis_parts.keep(analysis_id=UUID(analysis_id), number=number, lease=job.lease, tables=tables)
        job.finish()


def _answer(job: RunningJob, analysis_id: UUID) -> None:
    """Compute an answer, in parts where one worker would take too long."""
    analysis = analyses.analysis_to_compute(analysis_id)
    layer = analyses.layer_asked(analysis)
    store = stores.matrix_of(layer)
    ranges = cut(store, settings.COMPUTE_PART_ENTRIES)
    job.stage("compute")
    if len(ranges) > 1:
        tables = answered_in_parts(job, analysis, ranges, run_analysis_part)
    else:
        tables = tables_of(analysis, layer, store, job.progress)
    _keep(job, analysis_id, tables, genes=store.features)


def _keep(job: RunningJob, analysis_id: UUID, tables: list[Table], *, genes: int) -> None:
    job.stage("store")
    job.report({"analysis_id": str(analysis_id), "genes": genes, "tables": len(tables)})
    with transaction.atomic():
        analyses.store_tables(analysis_id=analysis_id, job_id=job.id, lease_token=job.lease_token, tables=tables)
        job.finish()
