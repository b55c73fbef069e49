"""Genes of the catalogue, typed and pasted."""

import pytest
from rest_framework.test import APIClient

from cellenium_admin.core.context import Actor
from studies.gene_tables import GeneRow
from studies.services.catalogue import load_table
from tests.studies.features.conftest import loaded, table

__all__ = ["loaded"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loaded")]
SUGGEST, RESOLVE = "/api/v1/features/suggest", "/api/v1/features/resolve"


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("q=cd", ["CD79A"]),
        ("q=C&limit=2", ["C4orf3", "Case"]),
        ("q=ensg00000105", ["CD79A"]),
        ("q=%25", []),
        ("q=_", []),
        ("q=CD79A&tax_id=10090", []),
    ],
)
def test_suggestions(api: APIClient, query: str, symbols: list[str]) -> None:
    response = api.get(f"{SUGGEST}?{query}")
    assert response.status_code == 200, response.content
    assert [gene["symbol"] for gene in response.json()] == symbols


@pytest.mark.parametrize("query", ["", "q=", "q=a&limit=0", "q=a&limit=101", "q=a&tax_id=0", "q=a&tax_id=x", "q=a&x=1"])
def test_unusable_query(api: APIClient, query: str) -> None:
    assert api.get(f"{SUGGEST}?{query}").status_code == 400


def test_names_of_all_kinds(api: APIClient) -> None:
    asked = ["cd79a", "ENSG00000090382.3", "4069", "TWIN", "NOPE", " LYZ "]
    body = api.post(RESOLVE, {"identifiers": asked}).json()
    assert {one["identifier"]: one["gene"]["symbol"] for one in body["found"]} == {
        "cd79a": "CD79A",
        "ENSG00000090382.3": "LYZ",
        "4069": "LYZ",
        "LYZ": "LYZ",
    }
    assert [(one["identifier"], len(one["genes"])) for one in body["ambiguous"]] == [("TWIN", 2)]
    assert body["missing"] == ["NOPE"]


@pytest.mark.parametrize("body", [{}, {"identifiers": "CD79A"}, {"identifiers": [1]}, {"identifiers": ["a\0"]}])
def test_unusable_names(api: APIClient, body: dict) -> None:
    assert api.post(RESOLVE, body).status_code == 422


def test_a_name_of_hundreds_of_genes_is_answered_once_and_with_the_first_of_them(api: APIClient) -> None:
    rows = tuple(GeneRow(f"ENSG{number:011}", "Y_RNA") for number in range(300))
    load_table(table=table(sha256="4" * 64, rows=rows), actor=Actor.system("test"))
    response = api.post(RESOLVE, {"identifiers": ["Y_RNA"] * 5000})
    (only,) = response.json()["ambiguous"]
    assert (only["identifier"], only["count"], len(only["genes"])) == ("Y_RNA", 300, 20)
    assert len(response.content) < 5000
