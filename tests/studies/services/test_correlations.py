"""Correlation questions: checked, and put once."""

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import InvalidInputError, NotFoundError, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Job
from studies.services.access import set_visibility
from studies.services.correlations import request_correlations
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, example_matrix, published_study

ZEROS = [3, 5, 8, 13]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner) -> PublishedStudy:
    matrix = example_matrix(30, 6)
    matrix[:, 4], matrix[:, 5] = 0, 2.5
    matrix[ZEROS, 3] = 0
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
        "modality": "rna",
        "feature": "ENSG00000000000",
        "position": 0,
        "method": "pearson",
        "within": None,
    }
    assert (analysis.kind, analysis.job.name) == ("correlation", "studies.correlation")
    assert ask(feature="gene0", layer="X") == analysis
    assert ask(feature="ENSG00000000000") == analysis
    assert ask(method="spearman") != analysis
    assert ask(within={"cell_ids": [0, 1, 2, 3]}) != analysis
    event = AuditEvent.objects.filter(action=Action.ANALYSIS_REQUESTED).order_by("seq").first()
    assert event.details["feature"] == "ENSG00000000000"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"feature": "NOPE"}, "/feature", "unknown_feature"),
        ({"feature": "GENE4"}, "/feature", "constant_feature"),
        ({"feature": "GENE5"}, "/feature", "constant_feature"),
        ({"method": "kendall"}, "/method", "invalid_choice"),
        ({"within": {"cell_ids": [0, 1]}}, "/within", "too_few_cells"),
        ({"within": {"cell_ids": [0, 1, 99]}}, "/within/cell_ids", "unknown_cell"),
        ({"feature": "GENE3", "within": {"cell_ids": ZEROS}}, "/feature", "constant_feature"),
        ({"layer": "counts"}, "/layer", "unknown_layer"),
        ({"modality": "prot"}, "/modality", "no_matrix"),
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
