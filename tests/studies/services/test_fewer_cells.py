"""A modality with fewer cells than its study: numbers are those of the study outside, and only its cells take part."""

import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cellenium_admin.core.exceptions import InvalidInputError
from studies import tasks
from studies.content import FeatureContent, LayerContent
from studies.models import Analysis
from studies.services import pseudobulk, tables
from studies.services.correlations import request_correlations
from studies.services.differential_expression import request_differential_expression
from studies.services.expression import gene_expression
from studies.services.pseudobulk import request_pseudobulk
from studies.services.publication import publish_version
from studies.store.builder import write_cells
from tests.builders.matrices import build_matrix, example_matrix
from tests.builders.people import caller, person
from tests.builders.stores import PublishedStudy, published_study, small_content
from tests.studies.analysis.reference import float64_statistics
from tests.studies.services.test_publication import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = np.array([*range(5, 35), *range(45, 60)], dtype=np.uint32)
TAGS = tuple(f"TAG{number}" for number in range(6))


@pytest.fixture
def owner() -> Any:
    return person("ada")


@pytest.fixture
def made(owner: Any, settings: Any) -> PublishedStudy:
    """A study of 60 cells, 45 of which have protein tags."""
    first = published_study(owner=owner, cells=60, genes=10, source_uri="file:///a.h5mu")
    tags = example_matrix(ROWS.size, len(TAGS), seed=4)
    content = small_content(symbols=first.symbols, codes=first.codes, source_uri="file:///a.h5mu")
    features = tuple(FeatureContent(tag, tag, modality="prot", kind="protein_antibody_tag") for tag in TAGS)
    layers = (*content.layers, LayerContent("X", "prot-X", "prot", None, "parts.0"))
    content = replace(content, features=(*content.features, *features), layers=layers)
    version_id = uuid.uuid4()
    directory = settings.STORE_DIR / str(version_id)
    build_matrix(directory / "rna-X", first.matrix)
    build_matrix(directory / "prot-X", tags)
    names = [f"cell-{number}" for number in range(60)]
    write_cells(directory / "cells", names, [first.codes], [first.coordinates], parts=[ROWS])
    version = publish_version(version_id=version_id, content=content, owner=owner, actor=SYSTEM)
    return replace(first, study=version.study, version=version, matrix=tags)


def answered(analysis: Analysis) -> Analysis:
    task = {
        "correlation": tasks.run_correlation,
        "differential_expression": tasks.run_differential_expression,
        "pseudobulk": tasks.run_pseudobulk,
    }[analysis.kind]
    task(str(analysis.job_id))
    analysis.refresh_from_db()
    assert (analysis.job.state, analysis.job.error_detail) == ("succeeded", "")
    return analysis


def columns(analysis: Analysis, position: int = 0) -> dict[str, np.ndarray]:
    return tables.unpack(analysis.kind, analysis.tables.get(position=position))


def test_expression_speaks_of_the_cells_of_the_study(made: PublishedStudy) -> None:
    found = gene_expression(version=made.version, feature="TAG2", modality="prot")
    here = np.flatnonzero(made.matrix[:, 2])
    np.testing.assert_array_equal(found.cell_ids, ROWS[here])
    np.testing.assert_array_equal(found.values, made.matrix[here, 2])
    assert found.feature.kind == "protein_antibody_tag"


@pytest.mark.parametrize("method", ["wilcoxon", "t-test"])
def test_a_group_is_compared_within_the_modality(made: PublishedStudy, owner: Any, method: str) -> None:
    chosen = [0, 1, 6, 7, 8, 9, 50, 51]
    asked = request_differential_expression(
        user=owner, study_id=made.study.pk, group1={"cell_ids": chosen}, modality="prot", method=method
    )
    analysis = answered(asked)
    group = np.isin(ROWS, chosen)
    theirs = float64_statistics(made.matrix.astype(np.float64), group, method=method)
    np.testing.assert_allclose(columns(analysis)["score"], theirs.score, rtol=1e-6, atol=1e-9)
    assert analysis.tables.get().facts == {"cells1": 6, "cells2": 39}


@pytest.mark.parametrize("within", [None, list(range(10, 58))])
def test_every_value_is_compared_within_the_modality(made: PublishedStudy, owner: Any, within: Any) -> None:
    limits = None if within is None else {"cell_ids": within}
    asked = request_differential_expression(
        user=owner, study_id=made.study.pk, annotation="cell_type", modality="prot", within=limits
    )
    analysis = answered(asked)
    inside = np.isin(ROWS, range(60) if within is None else within)
    for code in range(3):
        group = made.codes[ROWS] == code
        theirs = float64_statistics(made.matrix.astype(np.float64)[inside], group[inside])
        np.testing.assert_allclose(columns(analysis, code)["score"], theirs.score, rtol=1e-6, atol=1e-9)


def test_a_group_none_of_which_was_measured(made: PublishedStudy, owner: Any) -> None:
    with pytest.raises(InvalidInputError, match="0 cells that 'prot' has are left in this group"):
        request_differential_expression(
            user=owner, study_id=made.study.pk, group1={"cell_ids": [0, 1, 40]}, modality="prot"
        )


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("within", [None, list(range(10, 58))])
def test_correlations_are_over_its_cells(made: PublishedStudy, owner: Any, method: str, within: Any) -> None:
    limits = None if within is None else {"cell_ids": within}
    asked = request_correlations(
        user=owner, study_id=made.study.pk, feature="TAG1", modality="prot", method=method, within=limits
    )
    analysis = answered(asked)
    numbers = made.matrix.astype(np.float64)[np.isin(ROWS, range(60) if within is None else within)]
    ranked = stats.rankdata(numbers, axis=0) if method == "spearman" else numbers
    np.testing.assert_allclose(columns(analysis)["r"], np.corrcoef(ranked.T)[1], atol=1e-9)
    assert analysis.tables.get().facts == {"cells": len(numbers)}


def test_too_few_of_the_cells_were_measured(made: PublishedStudy, owner: Any) -> None:
    with pytest.raises(InvalidInputError, match="'prot' has 1 of these cells"):
        request_correlations(
            user=owner, study_id=made.study.pk, feature="TAG1", modality="prot", within={"cell_ids": [0, 1, 2, 5]}
        )


def test_sums_are_over_its_cells(made: PublishedStudy, owner: Any) -> None:
    analysis = answered(request_pseudobulk(user=owner, study_id=made.study.pk, sample="cell_type", modality="prot"))
    rows = "".join(pseudobulk.csv_lines(analysis)).splitlines()
    assert rows[0].split(",")[2:] == [f'"{tag}"' for tag in TAGS]
    for code, row in enumerate(rows[1:]):
        group = made.codes[ROWS] == code
        np.testing.assert_allclose(
            [float(cell) for cell in row.split(",")[2:]], made.matrix[group].astype(np.float64).sum(axis=0)
        )
        assert int(row.split(",")[1]) == group.sum()


def test_modalities_through_the_api(made: PublishedStudy, owner: Any) -> None:
    client, address = caller(owner), f"/api/v1/studies/{made.study.pk}"
    found = client.get(f"{address}/expression?feature=TAG2&modality=prot").json()
    assert found["cell_ids"] == ROWS[np.flatnonzero(made.matrix[:, 2])].tolist()
    assert client.get(f"{address}/expression?feature=TAG2").status_code == 404
    wrong = client.get(f"{address}/expression?feature=TAG2&modality=atac")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "?modality")
    asked = client.post(f"{address}/de", {"group1": {"cell_ids": [6, 7]}, "modality": "atac"})
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/modality")
