"""6: without a list of projections there must be a UMAP."""

from pathlib import Path

from tests.builders.h5ad import remove
from tests.imports.acceptance.conftest import Convert


def test_no_umap_and_no_list(path: Path, convert: Convert) -> None:
    remove(path, "uns/cellenium/import_projections")
    assert convert(path)[0] == []


def test_no_umap(path: Path, convert: Convert) -> None:
    remove(remove(path, "uns/cellenium/import_projections"), "obsm/X_umap")
    (finding,) = convert(path)[0]
    assert (finding.severity, finding.code, finding.path) == ("error", "projection_missing", "obsm['X_umap']")
