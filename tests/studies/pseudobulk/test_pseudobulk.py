"""Sums per sample are those pandas and scanpy compute, and are had as a table that tools read."""

import csv as csv_module
import io

import numpy as np
import pandas as pd
import pytest

from cellenium_admin.core.exceptions import InvalidInputError, RefusedError
from studies import tasks
from studies.models import Analysis, StudyAccess
from studies.services import pseudobulk, stores
from studies.services.pseudobulk import request_pseudobulk
from studies.store.builder import write_cells
from tests.builders.people import caller, person
from tests.builders.stores import LABELS, PublishedStudy, published_study

pytestmark = pytest.mark.django_db(transaction=True)
DONORS = ("D1", "D2", "=D3")


@pytest.fixture
def owner():
    return person("ada")


@pytest.fixture
def made(owner, settings) -> PublishedStudy:
    """A study with a second annotation, the donor, which the first cell lacks; counts."""
    matrix = np.random.default_rng(3).poisson(1.5, size=(60, 12)).astype(np.float32)
    study = published_study(owner=owner, matrix=matrix)
    donors = donor_codes()
    group = study.version.annotation_groups.create(key="donor", label="Donor", position=1, is_primary=False)
    for code, label in enumerate(DONORS):
        count = int((donors == code).sum())
        group.values.create(code=code, label=label, color="#112233", cell_count=count)
    directory = settings.STORE_DIR / str(study.version.pk) / "cells"
    names = [f"cell-{number}" for number in range(60)]
    write_cells(directory, names, [study.codes, donors], [study.coordinates])
    assert stores.cells_of(study.version).codes(1)[0] != 0
    return study


def donor_codes() -> np.ndarray:
    codes = np.arange(60) % 3
    codes[0] = -1
    return codes


def answered(analysis: Analysis) -> Analysis:
    tasks.run_pseudobulk(str(analysis.job_id))
    analysis.refresh_from_db()
    assert (analysis.job.state, analysis.job.error_detail) == ("succeeded", "")
    return analysis


def table(analysis: Analysis, **options) -> pd.DataFrame:
    return pd.read_csv(io.StringIO("".join(pseudobulk.csv_lines(analysis, **options))))


def reference(made: PublishedStudy, keys: list[str], inside: np.ndarray | None = None) -> pd.DataFrame:
    """Sum with pandas over the cells that have all keys."""
    names = [f"ENSG{number:011d}" for number in range(made.matrix.shape[1])]
    frame = pd.DataFrame(made.matrix.astype(np.float64), columns=names)
    frame["value"] = np.array([*LABELS, None], dtype=object)[made.codes]
    frame["sample"] = np.array(["D1", "D2", "'=D3", None], dtype=object)[donor_codes()]
    frame = frame if inside is None else frame[inside]
    grouped = frame.dropna(subset=keys).groupby(keys, sort=False)
    sums = grouped[names].sum()
    sums.insert(0, "cells", grouped.size())
    return sums


@pytest.mark.parametrize("by", [None, "cell_type"])
@pytest.mark.parametrize("within", [None, list(range(5, 50))])
def test_equal_to_pandas(made, owner, by, within):
    limits = None if within is None else {"cell_ids": within}
    asked = request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor", by=by, within=limits)
    found = table(answered(asked))
    keys = ["sample", "value"] if by else ["sample"]
    inside = None if within is None else np.isin(np.arange(60), within)
    theirs = reference(made, keys, inside)
    ours = found.set_index(keys).loc[theirs.index]
    assert len(found) == len(theirs)
    pd.testing.assert_frame_equal(ours.astype(np.float64), theirs.astype(np.float64))


def test_in_parts_it_is_the_same(made, owner, settings):
    whole = table(answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor", by="cell_type")))
    Analysis.objects.all().delete()
    settings.COMPUTE_PART_ENTRIES = 100
    parts = table(answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor", by="cell_type")))
    pd.testing.assert_frame_equal(whole, parts)


def test_sums_of_counts_are_written_as_whole_numbers(made, owner):
    analysis = answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor"))
    assert {facts["whole_numbers"] for facts in analysis.tables.values_list("facts", flat=True)} == {True}
    line = "".join(pseudobulk.csv_lines(analysis)).splitlines()[1]
    assert "." not in line.replace('"D1"', "")


def test_other_numbers_are_said_to_be_none(owner):
    made = published_study(owner=owner)
    analysis = answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="cell_type"))
    assert False in set(analysis.tables.values_list("facts__whole_numbers", flat=True))


def test_small_groups_can_be_left_out(made, owner):
    analysis = answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor"))
    assert table(analysis)["cells"].tolist() == [19, 20, 20]
    assert table(analysis, min_cells=20)["sample"].tolist() == ["D2", "'=D3"]


def test_equal_questions_share_one_answer(made, owner):
    first = request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor", by=None)
    other = person("ben")
    StudyAccess.objects.create(study=made.study, user=other, role="analyst")
    assert request_pseudobulk(user=other, study_id=made.study.pk, sample="donor").pk == first.pk
    assert request_pseudobulk(user=other, study_id=made.study.pk, sample="cell_type").pk != first.pk


@pytest.mark.parametrize(
    ("question", "pointer", "code"),
    [
        ({"sample": "nobody"}, "/sample", "unknown_annotation"),
        ({"sample": "donor", "by": "nothing"}, "/by", "unknown_annotation"),
        ({"sample": "donor", "by": "donor"}, "/by", "invalid"),
        ({"sample": "donor", "within": {"cell_ids": [0]}}, "/sample", "no_groups"),
        ({"sample": "donor", "layer": "none"}, "/layer", "unknown_layer"),
    ],
)
def test_mistakes_are_named(made, owner, question, pointer, code):
    with pytest.raises(InvalidInputError) as error:
        request_pseudobulk(user=owner, study_id=made.study.pk, **question)
    assert [(one.pointer, one.code) for one in error.value.errors] == [(pointer, code)]


def test_too_many_groups_are_refused(made, owner, monkeypatch):
    monkeypatch.setattr(pseudobulk, "MOST_GROUPS", 2)
    with pytest.raises(InvalidInputError, match="There would be 3 groups, the most is 2"):
        request_pseudobulk(user=owner, study_id=made.study.pk, sample="donor")


def test_who_may_only_look_may_not_ask(made):
    viewer = person("eve")
    StudyAccess.objects.create(study=made.study, user=viewer, role="viewer")
    with pytest.raises(RefusedError):
        request_pseudobulk(user=viewer, study_id=made.study.pk, sample="donor")


def test_through_the_api(made, owner):
    client = caller(owner)
    asked = client.post(f"/api/v1/studies/{made.study.pk}/pseudobulk", {"sample": "donor", "by": "cell_type"})
    assert asked.status_code == 202
    assert asked.json()["groups"] is None
    address = f"/api/v1/analyses/{asked.json()['analysis_id']}"
    assert client.get(f"{address}/results.csv").status_code == 409
    answered(Analysis.objects.get())
    found = client.get(address).json()
    assert (found["kind"], found["sample"], found["by"], found["method"]) == ("pseudobulk", "donor", "cell_type", "sum")
    assert sum(group["cells"] for group in found["groups"]) == 58
    lines = b"".join(client.get(f"{address}/results.csv?min_cells=1")).decode()
    rows = list(csv_module.reader(io.StringIO(lines)))
    assert rows[0][:4] == ["sample", "value", "cells", "ENSG00000000000"]
    assert len(rows) == 1 + len(found["groups"])
    assert client.get(f"{address}?n_genes=3").json()["errors"][0]["code"] == "unknown_field"
    assert client.get(f"{address}/results.csv?min_cells=-1").status_code == 400


def test_groups_are_no_matter_of_other_answers(made, owner):
    client = caller(owner)
    asked = client.post(f"/api/v1/studies/{made.study.pk}/correlations", {"feature": "GENE1"}).json()
    tasks.run_correlation(asked["job_id"])
    found = client.get(f"/api/v1/analyses/{asked['analysis_id']}/results.csv?min_cells=2")
    assert (found.status_code, found.json()["errors"][0]["pointer"]) == (400, "?min_cells")
