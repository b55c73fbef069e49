"""A small catalogue, with all that makes names hard to match."""

import pytest

from cellenium_admin.core.context import Actor
from studies.gene_tables import GeneRow, GeneTable
from studies.models import FeatureTable
from studies.services.catalogue import load_table

ROWS = (
    GeneRow("ENSG00000105369", "CD79A", "973", "protein_coding"),
    GeneRow("ENSG00000090382", "LYZ", "4069", "protein_coding"),
    GeneRow("ENSG00000000001", "TWIN", "", "lncRNA"),
    GeneRow("ENSG00000000002", "TWIN", "", "lncRNA"),
    GeneRow("ENSG00000000003", "Case", "", ""),
    GeneRow("ENSG00000000004", "CASE", "", ""),
    GeneRow("ENSG00000000005", "C4orf3", "401152", "protein_coding"),
    GeneRow("FBgn0038189", "Art6.1", "", ""),
)


def table(*, sha256: str = "1" * 64, rows: tuple[GeneRow, ...] = ROWS, tax_id: int = 9606) -> GeneTable:
    return GeneTable(tax_id, "a table", "1", "made for a test", sha256, rows)


@pytest.fixture
def loaded(db) -> FeatureTable:
    return load_table(table=table(), actor=Actor.system("test"))[0]
