"""The jobs compute what was asked and keep it under their lease only."""

import numpy as np
import pytest
from django.db import transaction
from scipy import stats

from cellenium_admin.core.exceptions import LeaseLostError
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases
from studies import tasks
from studies.models import Analysis, Layer
from studies.services import analyses, tables
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study
from tests.studies.analysis.reference import ScanpyResult, float64_statistics

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
    assert (analysis.job.state, analysis.job.error_detail) == ("succeeded", "")
    return analysis


def table(analysis: Analysis, position: int = 0) -> dict[str, np.ndarray]:
    return tables.unpack(analysis.kind, analysis.tables.get(position=position))


def assert_as_scanpy(columns: dict[str, np.ndarray], theirs: ScanpyResult) -> None:
    for name in ("score", "p", "p_adj", "log2fc", "pct_in", "pct_out"):
        np.testing.assert_allclose(columns[name], getattr(theirs, name), rtol=1e-6, atol=1e-9)


@pytest.fixture
def ask(made, owner):
    def request(**question) -> Analysis:
        asked = request_differential_expression(user=owner, study_id=made.study.pk, **question)
        return run(tasks.run_differential_expression, asked)

    return request


@pytest.fixture
def values(made) -> dict[str, int]:
    return {value.label: value.pk for value in made.version.annotation_groups.get().values.all()}


@pytest.mark.parametrize("tie_correct", [True, False])
@pytest.mark.parametrize("base", [None, 2.0])
def test_a_value_against_the_rest_equals_scanpy(made, ask, values, tie_correct, base):
    Layer.objects.update(log1p_base=base)
    analysis = ask(group1={"value_ids": [values["B cell"]]}, tie_correct=tie_correct)
    assert_as_scanpy(
        table(analysis), float64_statistics(made.matrix, made.codes == 1, tie_correct=tie_correct, base=base)
    )
    assert analysis.tables.get().facts == {"cells1": 20, "cells2": 40}
    assert analysis.job.report == {"analysis_id": str(analysis.pk), "genes": 20, "tables": 1}


@pytest.mark.parametrize("method", ["wilcoxon", "t-test"])
def test_a_value_against_another_equals_scanpy(made, ask, values, method):
    analysis = ask(group1={"value_ids": [values["B cell"]]}, group2={"value_ids": [values["Monocyte"]]}, method=method)
    theirs = float64_statistics(
        made.matrix.astype(np.float64), made.codes == 1, other=made.codes == 2, method=method, tie_correct=True
    )
    assert_as_scanpy(table(analysis), theirs)
    assert analysis.tables.get().facts == {"cells1": 20, "cells2": 19}


def test_within_some_cells_the_others_do_not_exist(made, ask, values):
    within = np.isin(made.codes, [0, 1])
    analysis = ask(
        group1={"cell_ids": [*range(10, 30), 45]}, within={"value_ids": [values["T cell"], values["B cell"]]}
    )
    group = np.isin(np.arange(60), range(10, 30))
    assert_as_scanpy(table(analysis), float64_statistics(made.matrix[within], group[within]))
    assert analysis.tables.get().facts == {"cells1": 20, "cells2": 20}


@pytest.mark.parametrize("method", ["wilcoxon", "t-test"])
@pytest.mark.parametrize("within", [None, range(10, 60)])
def test_every_value_of_an_annotation_equals_scanpy(made, ask, values, method, within):
    limits = None if within is None else {"cell_ids": list(within)}
    analysis = ask(annotation="cell_type", method=method, within=limits)
    inside = np.isin(np.arange(60), within if within is not None else range(60))
    for code, label in enumerate(("T cell", "B cell", "Monocyte")):
        members = (made.codes == code) & inside
        theirs = float64_statistics(made.matrix.astype(np.float64)[inside], members[inside], method=method)
        assert_as_scanpy(table(analysis, code), theirs)
        facts = {"value_id": values[label], "label": label, "cells1": int(members.sum())}
        assert analysis.tables.get(position=code).facts == {**facts, "cells2": int(inside.sum() - members.sum())}


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("within", [None, range(5, 45)])
def test_correlations_equal_numpy(made, owner, method, within):
    limits = None if within is None else {"cell_ids": list(within)}
    asked = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0", method=method, within=limits)
    analysis = run(tasks.run_correlation, asked)
    numbers = made.matrix.astype(np.float64)[list(within if within is not None else range(60))]
    numbers = stats.rankdata(numbers, axis=0) if method == "spearman" else numbers
    with np.errstate(invalid="ignore"):
        theirs = np.corrcoef(numbers.T)[0]
    np.testing.assert_allclose(table(analysis)["r"], theirs, atol=1e-9)
    assert analysis.tables.get().facts == {"cells": len(numbers)}


def test_an_answer_belongs_to_the_version_that_was_asked(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    published_study(owner=owner, cells=9, genes=2, source_uri=made.study.source_uri)
    assert table(run(tasks.run_correlation, analysis))["r"].size == 20


def test_a_damaged_store_fails_the_job_and_says_so(made, owner, settings):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    (settings.STORE_DIR / Layer.objects.get().store_path / "manifest.json").unlink()
    tasks.run_correlation(str(analysis.job_id))
    analysis.refresh_from_db()
    assert (analysis.answered_at, analysis.job.state, analysis.job.error_code) == (None, "failed", "store_damaged")


def test_a_worker_that_lost_its_lease_writes_nothing(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    job = job_leases.claim(job_id=analysis.job_id, worker="one")
    Job.objects.filter(pk=job.pk).update(lease_token=job.lease_token + 1)
    with pytest.raises(LeaseLostError):
        analyses.store_tables(analysis_id=analysis.pk, job_id=job.pk, lease_token=job.lease_token, tables=[])
    analysis.refresh_from_db()
    assert analysis.answered_at is None


def test_the_first_answer_stays(made, owner):
    analysis = request_correlations(user=owner, study_id=made.study.pk, feature="GENE0")
    job = job_leases.claim(job_id=analysis.job_id, worker="one")
    for r in (1.0, 2.0):
        with transaction.atomic():
            kept = [analyses.Table(0, {}, {"r": np.array([r])})]
            analyses.store_tables(analysis_id=analysis.pk, job_id=job.pk, lease_token=job.lease_token, tables=kept)
    assert table(analysis)["r"].tolist() == [1.0]
