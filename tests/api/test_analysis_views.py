"""One answer seen in many ways: other genes, other orders, a preset, a whole table."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.models import Job, User
from studies.models import Analysis, AnnotationValue
from tests.builders.people import caller, person
from tests.builders.stores import PublishedStudy, published_study
from tests.support.answers import COLUMNS, FACTS, ROWS, end_job, keep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(member: User) -> PublishedStudy:
    return published_study(owner=member)


@pytest.fixture
def url(made: PublishedStudy) -> str:
    return f"/api/v1/studies/{made.study.pk}"


@pytest.fixture
def question(made: PublishedStudy) -> dict[str, Any]:
    value = AnnotationValue.objects.filter(group__version=made.version).first()
    return {"group1": {"value_ids": [value.pk]}, "n_genes": 1}


def test_one_answer_is_seen_in_many_ways(api: APIClient, url: str, question: dict[str, Any]) -> None:
    address = f"/api/v1/analyses/{api.post(f'{url}/de', question).json()['analysis_id']}"
    columns = {name: np.linspace(0, 1, 30) for name in COLUMNS} | {"score": np.arange(30.0) - 10}
    end_job("succeeded", columns=columns)

    def symbols(query: str) -> list[str]:
        return [row["symbol"] for row in api.get(f"{address}?{query}").json()["results"]]

    assert symbols("n_genes=2") == ["GENE29", "GENE28"]
    assert symbols("n_genes=2&direction=down") == ["GENE0", "GENE1"]
    assert symbols("n_genes=2&max_p_adj=0.1") == ["GENE2", "GENE1"]
    assert symbols("min_in_fraction=0.5&max_out_fraction=0.55") == ["GENE15"]
    body = {**question, "n_genes": 3, "direction": "both", "min_log2fc": 0.9}
    assert len(api.post(f"{url}/de", body).json()["results"]) == 3
    assert Job.objects.count() == 1


@pytest.mark.parametrize("query", ["n_genes=0", "n_genes=x", "direction=left", "limit=3", "max_p_adj=2", "n=1"])
def test_unusable_view_names_the_parameter(api: APIClient, url: str, question: dict[str, Any], query: str) -> None:
    address = f"/api/v1/analyses/{api.post(f'{url}/de', question).json()['analysis_id']}"
    response = api.get(f"{address}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_query")
    assert [error["pointer"] for error in response.json()["errors"]] == [f"?{query.split('=', maxsplit=1)[0]}"]


def test_preset_is_what_cellenium_computes(api: APIClient, url: str, question: dict[str, Any]) -> None:
    api.post(f"{url}/de", {"group1": question["group1"], "preset": "cellenium", "method": "t-test"})
    assert (Analysis.objects.get().parameters["method"], Analysis.objects.get().parameters["tie_correct"]) == (
        "wilcoxon",
        False,
    )
    columns = {name: np.linspace(0, 1, 30) for name in COLUMNS} | {"log2fc": np.linspace(0, 1, 30)}
    end_job("succeeded", columns=columns)
    found = api.post(f"{url}/de", {"group1": question["group1"], "preset": "cellenium"}).json()["results"]
    assert [row["symbol"] for row in found] == [f"GENE{gene}" for gene in range(28, 14, -1)]


def test_every_value_of_an_annotation_has_its_genes(api: APIClient, url: str, question: dict[str, Any]) -> None:
    asked = {"annotation": "cell_type", "n_genes": 1}
    assert api.post(f"{url}/de", asked).status_code == 202
    for position, label in enumerate(("T cell", "=B cell")):
        keep(COLUMNS, {"value_id": position, "label": label, **FACTS}, position)
    end_job("succeeded")
    body = api.post(f"{url}/de", asked).json()
    assert (body["results"], body["cells1"]) == (None, None)
    assert [(value["label"], value["results"]) for value in body["values"]] == [("T cell", ROWS), ("=B cell", ROWS)]
    table = read_table(api, body["analysis_id"])
    assert table[0][:5] == ["value_id", "label", "feature_id", "symbol", "score"]
    assert len(table) == 61
    assert table[31][:4] == ["1", "'=B cell", "ENSG00000000000", "GENE0"]


def read_table(api: APIClient, analysis_id: str) -> list[list[str]]:
    response = api.get(f"/api/v1/analyses/{analysis_id}/results.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert f"{analysis_id}.csv" in response["Content-Disposition"]
    return list(csv.reader(io.StringIO(response.getvalue().decode())))


def test_table_holds_all_genes_and_loses_no_digit(api: APIClient, url: str, question: dict[str, Any]) -> None:
    analysis_id = api.post(f"{url}/de", question).json()["analysis_id"]
    early = api.get(f"/api/v1/analyses/{analysis_id}/results.csv")
    assert (early.status_code, early.json()["code"]) == (409, "not_answered")
    columns = COLUMNS | {"p": np.random.default_rng(0).random(30) * 1e-300}
    end_job("succeeded", columns=columns)
    table = read_table(api, analysis_id)
    assert table[0] == ["feature_id", "symbol", *COLUMNS]
    assert [float(row[3]) for row in table[1:]] == columns["p"].tolist()
    assert (table[2][1], table[2][5]) == ("GENE1", "")
    assert caller(person("stranger")).get(f"/api/v1/analyses/{analysis_id}/results.csv").status_code == 404
