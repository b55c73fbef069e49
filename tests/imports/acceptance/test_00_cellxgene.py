"""A file that follows CELLxGENE's schema and says nothing of cellenium is imported as it is."""

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.builders.h5ad import study_data
from tests.imports.acceptance.conftest import Convert, codes


def theirs(*, cells: int = 60, organism_in_obs: bool = False) -> anndata.AnnData:
    """A study with the fields of schema 6, or with the organism where schema 5 has it."""
    data = study_data(cells=cells)
    data.uns = {"title": "Somebody's atlas", "schema_version": "6.0.0", "schema_reference": "https://example.org"}
    data.obs["tissue"] = pd.Categorical(["blood"] * cells)
    data.obs["donor_id"] = pd.Categorical([f"donor {number}" for number in range(cells)])
    data.obs["tissue_ontology_term_id"] = pd.Categorical(["UBERON:0000178"] * cells)
    data.var["feature_name"] = pd.Categorical([f"Symbol{number}" for number in range(30)])
    data.obsm["X_pca"] = np.ones((cells, 5), dtype=np.float32)
    data.obsm["X_gaps"] = np.full((cells, 2), np.nan, dtype=np.float32)
    if organism_in_obs:
        data.obs["organism_ontology_term_id"] = pd.Categorical(["NCBITaxon:9606"] * cells)
    else:
        data.uns["organism_ontology_term_id"] = "NCBITaxon:9606"
    return data


@pytest.mark.parametrize("organism_in_obs", [False, True])
def test_it_is_imported(organism_in_obs: bool, tmp_path: Path, convert: Convert) -> None:
    theirs(organism_in_obs=organism_in_obs).write_h5ad(tmp_path / "a.h5ad")
    findings, content = convert(tmp_path / "a.h5ad")
    assert codes(findings) == [("note", "cellxgene_schema")]
    assert content is not None
    assert (content.title, content.organism_tax_id) == ("Somebody's atlas", 9606)
    assert [(one.key, one.is_primary) for one in content.annotations] == [
        ("cell_type", True),
        ("tissue", False),
        ("donor_id", False),
    ]
    assert content.projections == ("umap", "pca")
    assert [(one.identifier, one.symbol) for one in content.features[:2]] == [
        ("GENE0", "Symbol0"),
        ("GENE1", "Symbol1"),
    ]
    assert content.metadata["metadata"] == {"tissue_ontology_term_id": ["UBERON:0000178"]}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("title", "", "key_missing"), ("organism_ontology_term_id", "human", "taxonomy_invalid")],
)
def test_a_field_is_of_no_use(key: str, value: Any, code: str, tmp_path: Path, convert: Convert) -> None:
    data = theirs()
    data.uns[key] = value
    data.write_h5ad(tmp_path / "a.h5ad")
    (error,) = convert(tmp_path / "a.h5ad")[0].errors
    assert (error.code, error.path) == (code, f"uns['{key}']")


def test_many_donors_are_left_out(tmp_path: Path, convert: Convert) -> None:
    data = theirs(cells=120)
    data.write_h5ad(tmp_path / "a.h5ad")
    findings, content = convert(tmp_path / "a.h5ad")
    assert ("note", "attribute_left_out") in codes(findings)
    assert content is not None
    assert "donor_id" not in {one.key for one in content.annotations}
