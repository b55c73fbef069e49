"""The jobs compute what was asked and keep it under their lease only."""

import json

import numpy as np
import pytest
from django.db import transaction

from cellenium_admin.core.exceptions import LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases
from studies import tasks
from studies.models import Analysis, Layer
from studies.services import analyses
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study
from tests.studies.analysis.reference import float64_statistics

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    return published_study(owner=owner, cells=60, genes=20)


def run(task, analysis: Analysis) -> Analysis:
    task(str(analysis.job_id))
    analysis.refresh_from_db()
    return analysis


@pytest.mark.parametrize("tie_correct", [True, False])
@pytest.mark.parametrize("base", [None, 2.0])
def test_differential_expression_of_a_value_equals_scanpy(made, owner, tie_correct, base):
    Layer.objects.update(log1p_base=base)
    value = made.version.annotation_groups.get().values.get(label="B cell")
    analysis = request_differential_expression(
        user=owner, study_id=made.study.pk, group1={"value_ids": [value.pk]}, tie_correct=tie_correct
    )
    rows = run(tasks.run_differential_expression, analysis).results
    group = made.codes == 1
    theirs = float64_statistics(made.matrix, group, tie_correct=tie_correct, base=base)
    assert len(rows) == 20
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
    for row in rows:
        gene = made.symbols.index(row["symbol"])
        for name in ("score", "p", "p_adj", "log2fc", "pct_in", "pct_out"):
            assert row[name] == pytest.approx(getattr(theirs, name)[gene], rel=1e-6, abs=1e-9)
    assert analysis.job.state == "succeeded"
    assert analysis.job.report == {"analysis_id": str(analysis.pk), "genes": 20}
    json.dumps(rows, allow_nan=False)


def test_differential_expression_of_cells_gives_the_best_only(made, owner):
    cells = np.flatnonzero(np.arange(60) < 20).tolist()
    analysis = request_differential_expression(
        user=owner, study_id=made.study.pk, group1={"cell_ids": cells}, n_genes=3
    )
    rows = run(tasks.run_differential_expression, analysis).results
    assert len(rows) == 3
    assert rows[0]["symbol"] == "GENE0"


def test_correlations_equal_numpy(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0", min_abs_r=0.05)
    rows = run(tasks.run_correlation, analysis).results
    with np.errstate(invalid="ignore"):
        theirs = np.corrcoef(made.matrix.T.astype(np.float64))[0]
    expected = {f"GENE{gene}": r for gene, r in enumerate(theirs) if gene and abs(r) >= 0.05}
    assert {row["symbol"]: row["r"] for row in rows} == pytest.approx(expected, abs=1e-9)
    assert [abs(row["r"]) for row in rows] == sorted((abs(row["r"]) for row in rows), reverse=True)


def test_an_answer_belongs_to_the_version_that_was_asked(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    published_study(owner=owner, cells=9, genes=2, source_uri=made.study.source_uri)
    assert len(run(tasks.run_correlation, analysis).results) == 19


def test_a_damaged_store_fails_the_job_and_says_so(made, owner, settings):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    (settings.STORE_DIR / Layer.objects.get().store_path / "manifest.json").unlink()
    run(tasks.run_correlation, analysis)
    assert (analysis.results, analysis.job.state, analysis.job.error_code) == (None, "failed", "store_damaged")


def test_a_worker_that_lost_its_lease_writes_nothing(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    job = job_leases.claim(job_id=analysis.job_id, worker="one")
    Job.objects.filter(pk=job.pk).update(lease_token=job.lease_token + 1)
    with pytest.raises(LeaseLostError):
        analyses.store_results(analysis_id=analysis.pk, job_id=job.pk, lease_token=job.lease_token, rows=[])
    analysis.refresh_from_db()
    assert analysis.results is None


def test_the_first_answer_stays(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    job = job_leases.claim(job_id=analysis.job_id, worker="one")
    for rows in ([{"r": 1}], [{"r": 2}]):
        with transaction.atomic():
            analyses.store_results(analysis_id=analysis.pk, job_id=job.pk, lease_token=job.lease_token, rows=rows)
    analysis.refresh_from_db()
    assert analysis.results == [{"r": 1}]
