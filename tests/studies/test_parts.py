"""A question cut into ranges of genes: the same answer, whoever works on the parts and whatever happens to them."""

import threading

import numpy as np
import pytest
from django.db import connection

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_leases
from cellenium_admin.core.services.job_leases import Lease
from studies import tasks
from studies.computing import parts
from studies.models import Analysis, AnalysisPart
from studies.services import analysis_parts, tables
from studies.services.analyses import Table
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study

pytestmark = pytest.mark.django_db(transaction=True)
TASKS = {
    Analysis.Kind.CORRELATION.value: tasks.run_correlation,
    Analysis.Kind.DIFFERENTIAL_EXPRESSION.value: tasks.run_differential_expression,
}


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    return published_study(owner=owner, cells=60, genes=20)


@pytest.fixture
def cut(settings):
    settings.COMPUTE_PART_ENTRIES = 150
    return settings


def answered(analysis: Analysis) -> list[tuple[dict, dict[str, np.ndarray]]]:
    TASKS[analysis.kind](str(analysis.job_id))
    analysis.refresh_from_db()
    assert (analysis.job.state, analysis.job.error_detail) == ("succeeded", "")
    return [(table.facts, tables.unpack(analysis.kind, table)) for table in analysis.tables.all()]


QUESTIONS = {
    "rest": {"group1": {"cell_ids": [1, 5, 9, 30, 31]}},
    "groups": {"group1": {"cell_ids": [1, 5, 9]}, "group2": {"cell_ids": [2, 40, 41, 42]}, "method": "t-test"},
    "values": {"annotation": "cell_type"},
    "some": {"annotation": "cell_type", "within": {"cell_ids": list(range(50))}, "tie_correct": False},
}


def ask(made, owner, question) -> Analysis:
    if question in QUESTIONS:
        return request_differential_expression(user=owner, study_id=made.study.pk, **QUESTIONS[question])
    return request_correlations(user=owner, study_id=made.study.pk, feature="GENE19", method=question)


@pytest.mark.parametrize("question", [*QUESTIONS, "pearson", "spearman"])
def test_parts_put_together_are_the_answer(made, owner, settings, question):
    whole = answered(ask(made, owner, question))
    Analysis.objects.all().delete()
    settings.COMPUTE_PART_ENTRIES = 150
    analysis = ask(made, owner, question)
    found = answered(analysis)
    assert Job.objects.filter(name="studies.analysis_part", state="succeeded").count() > 2
    assert not AnalysisPart.objects.exists()
    assert len(found) == len(whole)
    for (facts, columns), (expected_facts, expected) in zip(found, whole, strict=True):
        assert facts == expected_facts
        for name, numbers in expected.items():
            np.testing.assert_allclose(columns[name], numbers, rtol=1e-9, atol=1e-12, err_msg=name)


def held_question(made, owner) -> tuple[Analysis, Lease]:
    analysis = ask(made, owner, "rest")
    return analysis, Lease.of(job_leases.claim(job_id=analysis.job_id, worker="first"))


def test_an_attempt_goes_on_where_the_last_one_died(made, owner, cut):
    """Killed with a part in hand and one done: the next attempt keeps what is there."""
    analysis, lease = held_question(made, owner)
    prepared = analysis_parts.prepare(analysis_id=analysis.pk, lease=lease, ranges=[(0, 8), (8, 20)])
    done = prepared[0].job
    tasks.run_analysis_part(str(done.pk))
    job_leases.claim(job_id=prepared[1].job_id, worker="dead")
    Job.objects.filter(pk__in=[analysis.job_id, prepared[1].job_id]).update(lease_until="2020-01-01T00:00Z")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "cut", lambda store, entries: [(0, 8), (8, 20)])
        [(_, columns)] = answered(analysis)
    assert columns["score"].size == 20
    done.refresh_from_db()
    assert done.attempts == 1
    assert Job.objects.get(pk=prepared[1].job_id).attempts == 2


def test_a_part_that_another_worker_holds_is_waited_for(made, owner, cut, monkeypatch):
    monkeypatch.setattr(parts, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(tasks, "cut", lambda store, entries: [(0, 8), (8, 20)])
    analysis = ask(made, owner, "rest")
    taken = threading.Event()
    original = analysis_parts.prepare

    def prepared(**options):
        found = original(**options)
        claimed = job_leases.claim(job_id=found[0].job_id, worker="elsewhere")
        elsewhere.append(Lease.of(claimed))
        taken.set()
        return found

    def work_elsewhere() -> None:
        try:
            assert taken.wait(20)
            lease = elsewhere[0]
            made_up = {name: np.full(8, 0.5) for name in tables.DIFFERENTIAL_EXPRESSION}
            of_part = [Table(0, {"cells1": 5, "cells2": 55}, made_up)]
            analysis_parts.keep(analysis_id=analysis.pk, number=0, lease=lease, tables=of_part)
            job_leases.finish(lease, report={})
        finally:
            connection.close()

    elsewhere: list[Lease] = []
    monkeypatch.setattr(analysis_parts, "prepare", prepared)
    thread = threading.Thread(target=work_elsewhere)
    thread.start()
    [(_, columns)] = answered(analysis)
    thread.join()
    assert columns["score"][:8].tolist() == [0.5] * 8
    assert columns["pct_out"][8:].max() != 0.5


def test_a_part_that_fails_fails_the_question_and_ends_the_others(made, owner, cut, monkeypatch):
    monkeypatch.setattr(parts, "LOOK_SECONDS", 0.1)
    analysis, lease = held_question(made, owner)
    prepared = analysis_parts.prepare(analysis_id=analysis.pk, lease=lease, ranges=[(0, 8), (8, 20)])
    part_lease = Lease.of(job_leases.claim(job_id=prepared[0].job_id, worker="elsewhere"))
    job_leases.fail(part_lease, code="store_damaged", detail="The data of this study cannot be read.")
    monkeypatch.setattr(analysis_parts, "prepare", lambda **_: prepared)
    Job.objects.filter(pk=analysis.job_id).update(lease_until="2020-01-01T00:00Z")
    monkeypatch.setattr(tasks, "run_analysis_part", lambda job_id: None)
    tasks.run_differential_expression(str(analysis.job_id))
    analysis.refresh_from_db()
    assert (analysis.job.state, analysis.job.error_code) == ("failed", "store_damaged")
    assert Job.objects.get(pk=prepared[1].job_id).state == "cancelled"


def test_cancelling_the_question_ends_its_parts(made, owner, cut, monkeypatch):
    monkeypatch.setattr(tasks, "cut", lambda store, entries: [(0, 8), (8, 20)])
    analysis = ask(made, owner, "rest")

    def cancelled_meanwhile(job_id: str) -> None:
        Job.objects.filter(pk=analysis.job_id).update(cancel_requested_at="2026-01-01T00:00Z")

    monkeypatch.setattr(tasks, "run_analysis_part", cancelled_meanwhile)
    monkeypatch.setattr("cellenium_admin.core.running_job._WRITE_SECONDS", 0.0)
    tasks.run_differential_expression(str(analysis.job_id))
    analysis.refresh_from_db()
    assert analysis.job.state == "cancelled"
    assert set(Job.objects.filter(name="studies.analysis_part").values_list("state", flat=True)) == {"cancelled"}


def test_who_has_lost_the_question_leaves_its_parts_alone(made, owner, cut, monkeypatch):
    monkeypatch.setattr(tasks, "cut", lambda store, entries: [(0, 8), (8, 20)])
    analysis = ask(made, owner, "rest")

    def taken_over(job_id: str) -> None:
        Job.objects.filter(pk=analysis.job_id).update(lease_token=99)

    monkeypatch.setattr(tasks, "run_analysis_part", taken_over)
    monkeypatch.setattr("cellenium_admin.core.running_job._WRITE_SECONDS", 0.0)
    tasks.run_differential_expression(str(analysis.job_id))
    assert set(Job.objects.filter(name="studies.analysis_part").values_list("state", flat=True)) == {"queued"}


def test_a_part_nobody_wants_any_more_ends_as_not_found(made, owner):
    analysis, lease = held_question(made, owner)
    first = analysis_parts.prepare(analysis_id=analysis.pk, lease=lease, ranges=[(0, 8), (8, 20)])
    analysis_parts.prepare(analysis_id=analysis.pk, lease=lease, ranges=[(0, 20)])
    tasks.run_analysis_part(str(first[1].job_id))
    assert Job.objects.get(pk=first[1].job_id).error_code == "not_found"
