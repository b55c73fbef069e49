"""What sets the values of annotations apart is there without being asked for: of the file, else computed."""

import uuid
from dataclasses import replace

import numpy as np
import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.models import Job
from studies import tasks
from studies.content import AnnotationContent, AnnotationValueContent, DifferentialExpressionContent
from studies.models import Analysis, DifferentialExpressionTable
from studies.services import markers
from studies.services.differential_expression import request_differential_expression
from studies.services.publication import publish_version
from studies.services.tables import GeneSelection
from tests.builders.people import person
from tests.builders.stores import published_study, small_content, table_of_file
from tests.studies.analysis.reference import annotated, public_table

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")
ROWS = (
    ("ENSG00000000002", 9.5, 2.0, 1e-12, 1e-10),
    ("ENSG00000000000", None, float("inf"), None, None),
)


def publish(content):
    return publish_version(version_id=uuid.uuid4(), content=content, owner=None, actor=SYSTEM)


def with_table(content, label="B cell", rows=ROWS):
    table = DifferentialExpressionContent("cell_type", label, "rna", rows)
    return replace(content, differential_expression=(table,))


def value_of(version, label):
    return version.annotation_groups.get(key="cell_type").values.get(label=label)


def test_a_table_of_the_file_is_given_as_it_is():
    version = publish(with_table(small_content()))
    value = value_of(version, "B cell")
    found = markers.markers_of(version, value_id=value.pk, modality="rna", selection=GeneSelection())
    assert (found.kept.source, found.kept.state, found.kept.analysis) == ("file", Job.State.SUCCEEDED, None)
    best, other = found.results
    assert {name: best[name] for name in ("feature_id", "symbol", "score", "p", "p_adj", "log2fc", "pct_in")} == {
        "feature_id": "ENSG00000000002",
        "symbol": "LYZ",
        "score": 9.5,
        "p": 1e-12,
        "p_adj": 1e-10,
        "log2fc": 2.0,
        "pct_in": None,
    }
    assert (other["feature_id"], other["score"], other["p"], other["log2fc"]) == ("ENSG00000000000", None, None, None)


def test_limits_choose_among_the_rows_of_a_file():
    version = publish(with_table(small_content()))
    value = value_of(version, "B cell")
    for selection, genes in (
        (GeneSelection(max_p_adj=0.01), ["ENSG00000000002"]),
        (GeneSelection(min_log2fc=3), ["ENSG00000000000"]),
        (GeneSelection(n_genes=1), ["ENSG00000000002"]),
        (GeneSelection(min_in_fraction=0.1), []),
    ):
        found = markers.markers_of(version, value_id=value.pk, modality="rna", selection=selection)
        assert [row["feature_id"] for row in found.results] == genes, selection


def test_what_the_file_does_not_say_is_computed_once_for_everybody():
    owner = person("ada")
    made = published_study(owner=owner, cells=60, genes=20)
    [analysis] = markers.request_missing(version=made.version, actor=SYSTEM)
    value = value_of(made.version, "B cell")
    waiting = markers.markers_of(made.version, value_id=value.pk, modality="rna", selection=GeneSelection())
    assert (waiting.kept.source, waiting.kept.state, waiting.results) == ("computed", Job.State.QUEUED, None)
    tasks.run_differential_expression(str(analysis.job_id))
    asked = request_differential_expression(user=owner, study_id=made.study.pk, annotation="cell_type")
    assert asked.pk == analysis.pk
    found = markers.markers_of(made.version, value_id=value.pk, modality="rna", selection=GeneSelection(n_genes=20))
    data = annotated(made.matrix, made.codes == 1)
    theirs = public_table(data, "group", "in", tie_correct=True)
    assert len(found.results) == 20
    for row in found.results:
        expected = theirs.loc[f"g{int(row['symbol'].removeprefix('GENE'))}"]
        np.testing.assert_allclose(row["score"], expected["scores"], rtol=1e-5)
        np.testing.assert_allclose(row["p_adj"], expected["pvals_adj"], rtol=1e-5)


def test_annotations_the_file_tells_of_are_left_to_it():
    version = publish(with_table(small_content()))
    assert markers.request_missing(version=version, actor=SYSTEM) == []
    assert [(kept.group.key, kept.source) for kept in markers.kept_markers(version)] == [("cell_type", "file")]


@pytest.mark.parametrize(
    ("is_primary", "counts"),
    [(False, (30, 30)), (True, (60,)), (True, ()), (True, (1,) * (markers.MOST_VALUES + 1))],
    ids=["not a main one", "all cells", "no value", "too many values"],
)
def test_annotations_that_need_no_comparison(is_primary, counts):
    values = tuple(AnnotationValueContent(f"value {code}", "#112233", count) for code, count in enumerate(counts))
    content = replace(small_content(), annotations=(AnnotationContent("cell_type", "Cell type", is_primary, values),))
    version = publish(content)
    assert markers.request_missing(version=version, actor=SYSTEM) == []
    assert markers.kept_markers(version) == []


def test_what_is_not_kept_is_not_found():
    made = published_study(owner=None)
    value = value_of(made.version, "B cell")
    for value_id, modality, code in (
        (value.pk, "rna", "nothing_kept"),
        (value.pk + 1000, "rna", "unknown_value"),
    ):
        with pytest.raises(NotFoundError) as error:
            markers.markers_of(made.version, value_id=value_id, modality=modality, selection=GeneSelection())
        assert error.value.code == code


def test_a_value_of_an_old_version_is_unknown():
    old = publish(with_table(small_content(source_uri="file:///a.h5ad")))
    new = publish(with_table(small_content(source_uri="file:///a.h5ad")))
    assert DifferentialExpressionTable.objects.count() == 2
    options = {"value_id": value_of(old, "B cell").pk, "modality": "rna"}
    with pytest.raises(NotFoundError):
        markers.markers_of(new, **options, selection=GeneSelection())


def test_the_table_says_where_it_is_from_and_disarms_formulas():
    made = published_study(owner=None, symbols=["=1+1", *(f"G{number}" for number in range(29))])
    value = table_of_file(made).value
    found = markers.markers_of(made.version, value_id=value.pk, modality="rna", selection=GeneSelection())
    head, best, other = "".join(markers.csv_of(found)).splitlines()
    assert head.startswith('"value_id","label","source","feature_id","symbol","score","p","p_adj","log2fc"')
    assert best.startswith(f'{value.pk},"T cell","file","ENSG00000000029","G28",3.0,0.01,0.02,"",')
    assert '"\'=1+1"' in other


def test_main_annotations_are_asked_for_in_every_modality():
    content = small_content()
    layers = (*content.layers, replace(content.layers[0], modality="prot", directory="prot-X"))
    version = publish(replace(content, layers=layers))
    asked = markers.request_missing(version=version, actor=SYSTEM)
    assert [analysis.parameters["modality"] for analysis in asked] == ["rna", "prot"]
    assert Analysis.objects.count() == 2
