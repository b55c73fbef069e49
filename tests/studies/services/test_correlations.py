"""Correlation questions: checked, put once, answered by strength whatever the sign."""

import json

import numpy as np
import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Job
from studies.services.access import set_visibility
from studies.services.correlations import request_correlations, result_rows
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, example_matrix, published_study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    matrix = example_matrix(30, 6)
    matrix[:, 4], matrix[:, 5] = 0, 2.5
    return published_study(owner=owner, matrix=matrix)


@pytest.fixture
def ask(made, owner):
    return lambda **changes: request_correlations(
        **{"user": owner, "study_id": made.study.pk, "feature": "GENE0"} | changes
    )


def test_a_question_becomes_one_analysis_however_the_gene_is_named(ask):
    analysis = ask()
    assert analysis.parameters == {
        "layer": "X",
        "feature": "ENSG00000000000",
        "position": 0,
        "method": "pearson",
        "limit": 6,
        "min_abs_r": 0.0,
    }
    assert (analysis.kind, analysis.job.name) == ("correlation", "studies.correlation")
    assert ask(feature="gene0", limit=1000, min_abs_r=0) == analysis
    assert ask(feature="ENSG00000000000") == analysis
    assert ask(min_abs_r=0.2) != analysis
    assert ask(limit=3) != analysis
    event = AuditEvent.objects.filter(action=Action.ANALYSIS_REQUESTED).order_by("seq").first()
    assert event.details["feature"] == "ENSG00000000000"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"feature": "NOPE"}, "/feature", "unknown_feature"),
        ({"feature": "GENE4"}, "/feature", "constant_feature"),
        ({"feature": "GENE5"}, "/feature", "constant_feature"),
        ({"method": "spearman"}, "/method", "invalid_choice"),
        ({"limit": 0}, "/limit", "invalid"),
        ({"limit": "3"}, "/limit", "invalid"),
        ({"min_abs_r": 1.01}, "/min_abs_r", "invalid"),
        ({"min_abs_r": -0.1}, "/min_abs_r", "invalid"),
        ({"min_abs_r": float("nan")}, "/min_abs_r", "invalid"),
        ({"min_abs_r": True}, "/min_abs_r", "invalid"),
    ],
)
def test_what_is_wrong_is_named(ask, changes, pointer, code):
    with pytest.raises(InvalidInputError) as caught:
        ask(**changes)
    assert [(error.pointer, error.code) for error in caught.value.errors] == [(pointer, code)]
    assert not Job.objects.exists()


def test_those_who_may_only_see_are_refused_and_strangers_find_nothing(ask, made):
    with pytest.raises(NotFoundError):
        ask(user=person("stranger"))
    set_visibility(study=made.study, visibility="public", actor=Actor.system("test"))
    with pytest.raises(RefusedError):
        ask(user=person("reader"))


R = np.array([1.0, -0.9, 0.5, 0.9, np.nan, -0.5])


@pytest.mark.parametrize(
    ("limit", "min_abs_r", "expected"),
    [
        (6, 0.0, [("GENE1", -0.9), ("GENE3", 0.9), ("GENE2", 0.5), ("GENE5", -0.5), ("GENE4", None)]),
        (2, 0.0, [("GENE1", -0.9), ("GENE3", 0.9)]),
        (6, 0.5, [("GENE1", -0.9), ("GENE3", 0.9), ("GENE2", 0.5), ("GENE5", -0.5)]),
        (6, 0.95, []),
    ],
)
def test_rows_by_strength_without_the_gene_itself(made, limit, min_abs_r, expected):
    rows = result_rows(version=made.version, r=R, position=0, limit=limit, min_abs_r=min_abs_r)
    assert [(row["symbol"], row["r"]) for row in rows] == expected
    assert all(list(row) == ["feature_id", "symbol", "r"] for row in rows)
    json.dumps(rows, allow_nan=False)
