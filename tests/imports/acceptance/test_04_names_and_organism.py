"""4: names given twice are refused with their number, an unknown organism is doubted, unmatched genes are counted."""

from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from imports.services.gene_findings import with_known_genes
from studies.content import FeatureContent
from studies.gene_tables import GeneRow, GeneTable
from studies.services.catalogue import load_table
from tests.builders.h5ad import changing, index_of, replace
from tests.imports.acceptance.conftest import Convert, codes


@pytest.mark.parametrize("frame", ["obs", "var"])
def test_names_given_twice(frame: str, path: Path, convert: Convert) -> None:
    with changing(path) as file:
        index_of(file, frame)[3:7] = ["one", "one", "two", "two"]
    (error,) = convert(path)[0]
    assert (error.code, error.path, error.found) == ("names_repeated", f"{frame}.index", "2: 'one', 'two'")


def test_an_unknown_organism(path: Path, convert: Convert) -> None:
    findings, content = convert(replace(path, "uns/cellenium/taxonomy_id", 7227))
    assert codes(findings) == [("warning", "taxonomy_unknown")]
    assert content is not None


@pytest.mark.django_db
@pytest.mark.parametrize(("matching", "severity"), [(0, "warning"), (14, "warning"), (15, "note")])
def test_genes_of_the_catalogue(matching: int, severity: str, path: Path, convert: Convert) -> None:
    rows = tuple(GeneRow(f"ENSG{number:011}", f"GENE{number}") for number in range(matching))
    rows = rows or (GeneRow("ENSG00000099999", "ANOTHER"),)
    load_table(table=GeneTable(9606, "a table", "1", "made for a test", "1" * 64, rows), actor=Actor.system("test"))
    content: Any = convert(path)[1]
    tag = FeatureContent("GENE0", "GENE0", modality="prot", kind="protein_antibody_tag")
    content = type(content)(
        **{name: getattr(content, name) for name in content.__slots__} | {"features": (*content.features, tag)}
    )
    content, findings = with_known_genes(content)
    found = {finding["code"]: finding for finding in findings}
    assert found["genes_matched"]["found"].startswith(f"{matching} of 30 ")
    assert (found["genes_unmatched"]["severity"], found["genes_unmatched"]["found"][:2]) == (
        severity,
        str(30 - matching),
    )
    assert content.features[-1] == tag, "no protein is a gene"
