"""A question is checked field by field, written in one way, put once, and answered in rows."""

import json
import threading
import uuid

import numpy as np
import pytest
from django.db import connection

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.core.services import jobs
from studies.models import Analysis
from studies.services.access import grant_access
from studies.services.differential_expression import COLUMNS, request_differential_expression, result_rows
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    return published_study(owner=owner, cells=30, genes=8)


@pytest.fixture
def values(made) -> dict[str, int]:
    return {value.label: value.pk for value in made.version.annotation_groups.get().values.all()}


@pytest.fixture
def ask(made, owner):
    def request(**changes):
        question = {"user": owner, "study_id": made.study.pk, "group1": {"cell_ids": [0, 1, 2]}, **changes}
        return request_differential_expression(**question)

    return request


def test_a_question_becomes_one_analysis_one_job_and_one_line_in_the_trail(ask, owner, made):
    analysis = ask()
    assert analysis.results is None
    assert analysis.parameters == {
        "layer": "X",
        "group1": {"cell_ids": [0, 1, 2]},
        "group2": "rest",
        "method": "wilcoxon",
        "tie_correct": True,
        "n_genes": 8,
    }
    job = analysis.job
    assert (job.name, job.owner, job.args) == (
        "studies.differential_expression",
        owner,
        {"analysis_id": str(analysis.pk)},
    )
    assert (job.subject_type, job.subject_id) == ("analysis", str(analysis.pk))
    event = AuditEvent.objects.get(action=Action.ANALYSIS_REQUESTED)
    assert (event.actor_id, event.object_id) == (str(owner.pk), str(made.study.pk))
    assert event.details == {
        "analysis_id": str(analysis.pk),
        "job_id": str(job.pk),
        "kind": "differential_expression",
        "version_id": str(made.version.pk),
        "method": "wilcoxon",
        "layer": "X",
        "cells": 3,
    }


def test_equal_questions_are_one_whoever_asks_and_however_it_is_written(ask, made, values):
    other = person("ben")
    grant_access(study=made.study, user=other, role="analyst", actor=Actor.system("test"))
    one = ask()
    assert ask(group1={"cell_ids": [2, 0, 1, 1]}, user=other) == one
    assert ask(n_genes=50_000) == one
    by_value = ask(group1={"value_ids": [values["B cell"], values["T cell"]]})
    assert ask(group1={"value_ids": [values["T cell"], values["B cell"]], "cell_ids": None}) == by_value
    assert by_value != one
    assert Job.objects.count() == Analysis.objects.count() == 2
    assert AuditEvent.objects.filter(action=Action.ANALYSIS_REQUESTED).count() == 2


def test_what_differs_in_the_answer_is_another_question(ask):
    asked = [ask(), ask(tie_correct=False), ask(n_genes=7), ask(group1={"cell_ids": [0, 1]})]
    assert len({analysis.pk for analysis in asked}) == 4


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_ended_badly_is_followed_by_a_new_one(ask, state):
    first = ask()
    Job.objects.filter(pk=first.job_id).update(state=state, finished_at=first.created_at)
    second = ask()
    assert second.pk == first.pk
    assert second.job_id != first.job_id
    assert ask().job_id == second.job_id


def test_a_job_that_was_asked_to_stop_is_not_waited_for(ask):
    first = ask()
    Job.objects.filter(pk=first.job_id).update(state="running", lease_until=first.created_at)
    jobs.cancel(job=Job.objects.get(pk=first.job_id), actor=Actor.system("test"))
    assert ask().job_id != first.job_id


def test_an_answer_is_given_again_without_a_job(ask):
    first = ask()
    Analysis.objects.filter(pk=first.pk).update(results=[{"feature_id": "g"}])
    Job.objects.filter(pk=first.job_id).update(state="succeeded", finished_at=first.created_at)
    assert ask().results == [{"feature_id": "g"}]
    assert Job.objects.count() == 1


def test_the_same_question_at_the_same_time_is_put_once(ask):
    found: list[uuid.UUID] = []
    barrier = threading.Barrier(4)

    def put() -> None:
        try:
            barrier.wait(timeout=10)
            found.append(ask().job_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == Job.objects.count() == 1


def test_a_new_version_is_a_new_question(ask, made, owner):
    first = ask()
    published_study(owner=owner, cells=30, genes=8, source_uri=made.study.source_uri)
    assert ask().version_id != first.version_id


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"group1": {}}, "/group1", "invalid"),
        ({"group1": {"cell_ids": [1], "value_ids": [1]}}, "/group1", "invalid"),
        ({"group1": {"cell_ids": [1], "cells": [2]}}, "/group1", "invalid"),
        ({"group1": {"cell_ids": []}}, "/group1/cell_ids", "empty_group"),
        ({"group1": {"value_ids": []}}, "/group1/value_ids", "empty_group"),
        ({"group1": {"cell_ids": list(range(30))}}, "/group1/cell_ids", "all_cells"),
        ({"group1": {"cell_ids": [30]}}, "/group1/cell_ids", "unknown_cell"),
        ({"group1": {"cell_ids": [-1, 3]}}, "/group1/cell_ids", "unknown_cell"),
        ({"group1": {"cell_ids": [1.0]}}, "/group1/cell_ids", "invalid"),
        ({"group1": {"cell_ids": [True]}}, "/group1/cell_ids", "invalid"),
        ({"group1": {"cell_ids": "012"}}, "/group1/cell_ids", "invalid"),
        ({"group1": {"value_ids": [0]}}, "/group1/value_ids", "unknown_value"),
        ({"group1": {"value_ids": [2**70]}}, "/group1/value_ids", "unknown_value"),
        ({"group2": "group1"}, "/group2", "invalid_choice"),
        ({"method": "t-test"}, "/method", "invalid_choice"),
        ({"tie_correct": 1}, "/tie_correct", "invalid"),
        ({"n_genes": 0}, "/n_genes", "invalid"),
        ({"n_genes": True}, "/n_genes", "invalid"),
        ({"n_genes": 1.5}, "/n_genes", "invalid"),
    ],
)
def test_what_is_wrong_is_named(ask, changes, pointer, code):
    with pytest.raises(InvalidInputError) as caught:
        ask(**changes)
    assert [(error.pointer, error.code) for error in caught.value.errors] == [(pointer, code)]
    assert not Job.objects.exists()


def test_values_must_be_of_the_current_version_and_of_one_annotation(ask, made, owner, values):
    old = values["T cell"]
    version = published_study(owner=owner, cells=30, genes=8, source_uri=made.study.source_uri).version
    with pytest.raises(InvalidInputError, match=f"no annotation value {old}"):
        ask(group1={"value_ids": [old]})
    new = version.annotation_groups.get().values.first()
    other = version.annotation_groups.create(key="batch", label="Batch", position=1)
    second = other.values.create(code=0, label="one", color="#000000", cell_count=3)
    with pytest.raises(InvalidInputError, match="several annotations"):
        ask(group1={"value_ids": [new.pk, second.pk]})


def test_a_value_without_cells_is_an_empty_group(ask, made):
    nobody = made.version.annotation_groups.get().values.create(code=9, label="none", color="#000000", cell_count=0)
    with pytest.raises(InvalidInputError, match="no cell"):
        ask(group1={"value_ids": [nobody.pk]})


def test_viewers_are_refused_and_strangers_find_nothing(ask, made):
    viewer = person("ben")
    grant_access(study=made.study, user=viewer, role="viewer", actor=Actor.system("test"))
    with pytest.raises(RefusedError):
        ask(user=viewer)
    with pytest.raises(NotFoundError):
        ask(user=person("stranger"))
    assert not Analysis.objects.exists()


def test_rows_are_sorted_by_score_ties_by_position_and_know_no_nan(made):
    columns = {name: np.arange(8.0) for name in COLUMNS}
    columns["score"] = np.array([0.0, 3.0, -2.0, 3.0, 0.0, 9.0, 0.0, 1.0])
    columns["log2fc"] = np.array([0, np.nan, 0, np.inf, 0, -np.inf, 0, 0.5])
    rows = result_rows(version=made.version, columns=columns, n_genes=6)
    assert [row["symbol"] for row in rows] == ["GENE5", "GENE1", "GENE3", "GENE7", "GENE0", "GENE4"]
    assert [row["log2fc"] for row in rows] == [None, None, None, 0.5, 0.0, 0.0]
    assert list(rows[0]) == ["feature_id", "symbol", *COLUMNS]
    assert rows[0]["p"] == 5.0
    json.dumps(rows, allow_nan=False)
