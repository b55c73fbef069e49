"""A question is checked field by field, written in one way, put once, and answered in rows."""

import threading
import uuid

import pytest
from django.db import connection

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.core.services import jobs
from studies.models import Analysis
from studies.services.access import grant_access
from studies.services.differential_expression import request_differential_expression
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
    assert analysis.answered_at is None
    assert analysis.parameters == {
        "layer": "X",
        "modality": "rna",
        "group1": {"cell_ids": [0, 1, 2]},
        "group2": "rest",
        "within": None,
        "method": "wilcoxon",
        "tie_correct": True,
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
    assert ask(layer="X") == one
    by_value = ask(group1={"value_ids": [values["B cell"], values["T cell"]]})
    assert ask(group1={"value_ids": [values["T cell"], values["B cell"]], "cell_ids": None}) == by_value
    assert by_value != one
    assert Job.objects.count() == Analysis.objects.count() == 2
    assert AuditEvent.objects.filter(action=Action.ANALYSIS_REQUESTED).count() == 2


def test_what_differs_in_the_numbers_is_another_question(ask, values):
    asked = [
        ask(),
        ask(tie_correct=False),
        ask(method="t-test"),
        ask(group1={"cell_ids": [0, 1]}),
        ask(group2={"cell_ids": [7, 8]}),
        ask(within={"cell_ids": [0, 1, 2, 9]}),
        ask(group1=None, annotation="cell_type"),
        ask(group1=None, annotation="cell_type", within={"value_ids": [values["B cell"]]}),
    ]
    assert len({analysis.pk for analysis in asked}) == len(asked)
    assert ask(method="t-test", tie_correct=False) == asked[2], "a t-test knows no ties"


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
    Analysis.objects.filter(pk=first.pk).update(answered_at=first.created_at)
    Job.objects.filter(pk=first.job_id).update(state="succeeded", finished_at=first.created_at)
    assert ask() == first
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
        ({"group2": {"cell_ids": []}}, "/group2/cell_ids", "empty_group"),
        ({"group2": {"cell_ids": [2, 3]}}, "/group2", "overlapping_groups"),
        ({"method": "logreg"}, "/method", "invalid_choice"),
        ({"method": "t-test", "group1": {"cell_ids": [4]}}, "/group1", "too_few_cells"),
        ({"method": "t-test", "group2": {"cell_ids": [4]}}, "/group2", "too_few_cells"),
        ({"within": {"cell_ids": []}}, "/within", "too_few_cells"),
        ({"within": {"cell_ids": [5, 6]}}, "/group1", "too_few_cells"),
        ({"within": {"cell_ids": [0, 1]}}, "/group2", "too_few_cells"),
        ({"within": {"value_ids": [0]}}, "/within/value_ids", "unknown_value"),
        ({"tie_correct": 1}, "/tie_correct", "invalid"),
        ({"group1": None}, "/group1", "invalid"),
        ({"annotation": "cell_type"}, "/group1", "invalid"),
        ({"group1": None, "annotation": "nothing"}, "/annotation", "unknown_annotation"),
        ({"group1": None, "annotation": "cell_type", "group2": {"cell_ids": [1]}}, "/group2", "invalid_choice"),
        ({"layer": "counts"}, "/layer", "unknown_layer"),
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
