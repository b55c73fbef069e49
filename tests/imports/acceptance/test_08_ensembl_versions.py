"""8: Ensembl ids with a version are found in the catalogue."""

from pathlib import Path

import numpy as np
import pytest

from cellenium_admin.core.context import Actor
from imports.services.gene_findings import with_known_genes
from studies.gene_tables import GeneRow, GeneTable
from studies.services.catalogue import load_table
from tests.builders.h5ad import replace
from tests.imports.acceptance.conftest import Convert

IDS = [f"ENSG{number:011}" for number in range(30)]


@pytest.mark.django_db
def test_versions_are_no_hindrance(path: Path, convert: Convert) -> None:
    rows = tuple(GeneRow(identifier, f"SYMBOL{number}") for number, identifier in enumerate(IDS))
    load_table(table=GeneTable(9606, "a table", "1", "made for a test", "1" * 64, rows), actor=Actor.system("test"))
    names = np.array([f"{identifier}.{number}" for number, identifier in enumerate(IDS)], dtype=object)
    content = convert(replace(path, "var/_index", names))[1]
    assert content is not None
    content, findings = with_known_genes(content)
    assert [feature.ensembl_id for feature in content.features] == IDS
    assert {feature.matched_by for feature in content.features} == {"ensembl"}
    assert [finding["code"] for finding in findings] == ["genes_matched"]
