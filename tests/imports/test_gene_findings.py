"""The report says which genes are known, and warns where the organism is probably another one."""

import pytest

from cellenium_admin.core.context import Actor
from imports.services.gene_findings import with_known_genes
from studies.content import FeatureContent, SourceContent, VersionContent
from studies.gene_tables import GeneRow, GeneTable
from studies.services.catalogue import load_table

SYMBOLS = ("CD79A", "LYZ", "CD4", "TWIN", "TWIN")

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded() -> None:
    rows = tuple(GeneRow(f"ENSG{number:011}", symbol) for number, symbol in enumerate(SYMBOLS))
    load_table(table=GeneTable(9606, "Homo sapiens", "1", "made", "1" * 64, rows), actor=Actor.system("test"))


def content(names: list[str], tax_id: int = 9606) -> VersionContent:
    return VersionContent(
        title="A study",
        description="",
        organism_tax_id=tax_id,
        cell_count=3,
        features=tuple(FeatureContent(name, name) for name in names),
        annotations=(),
        projections=(),
        layers=(),
        source=SourceContent("file:///a.h5ad", "1", 1, "0" * 64),
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["CD79A", "LYZ"], {"genes_matched": "note"}),
        (["CD79A", "LYZ", "NOPE"], {"genes_matched": "note", "genes_unmatched": "note"}),
        (["CD79A", "NO", "NOPE"], {"genes_matched": "note", "genes_unmatched": "warning"}),
        (["TWIN"], {"genes_matched": "note", "genes_ambiguous": "warning"}),
        (["CD79A", "LYZ", "TWIN"], {"genes_matched": "note", "genes_ambiguous": "note"}),
        (["Cd79a", "Lyz"], {"genes_matched": "note", "genes_in_other_case": "warning"}),
        (["CD79A", "Lyz"], {"genes_matched": "note"}),
        ([], {"genes_matched": "note"}),
    ],
)
def test_findings(loaded, names, expected):
    _, findings = with_known_genes(content(names))
    assert {one["code"]: one["severity"] for one in findings} == expected


def test_without_a_table_a_note_says_what_to_load(loaded):
    same, (only,) = with_known_genes(content(["CD79A"], tax_id=10090))
    assert same == content(["CD79A"], tax_id=10090)
    assert (only["code"], only["severity"]) == ("genes_not_matched", "note")
    assert "10090" in only["found"]
    assert "load_features" in only["remedy"]
