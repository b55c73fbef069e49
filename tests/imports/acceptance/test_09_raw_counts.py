"""9: raw counts in X are doubted; in a layer they belong."""

from pathlib import Path

import numpy as np

from studies.store.reader import MatrixReader
from tests.builders.h5ad import replace, study_file
from tests.imports.acceptance.conftest import Convert, codes

COUNTS = np.random.default_rng(0).poisson(1, (60, 30)).astype(np.float32)


def test_counts_in_x(tmp_path: Path, convert: Convert) -> None:
    findings, content = convert(study_file(tmp_path / "a.h5ad", matrix=COUNTS))
    assert codes(findings) == [("warning", "raw_counts")]
    assert content is not None


def test_counts_in_a_layer(path: Path, convert: Convert, building: Path) -> None:
    for name in ("counts", "log-normalised", "a b/c".replace("/", "+")):
        replace(path, f"layers/{name}", COUNTS)
    findings, content = convert(path)
    assert codes(findings) == [("note", "layer_renamed")]
    assert content is not None
    assert [(layer.name, layer.directory) for layer in content.layers] == [
        ("log-normalised", "rna-X"),
        ("a b+c", "rna-a-b-c"),
        ("counts", "rna-counts"),
        ("log-normalised (layer)", "rna-log-normalised-layer"),
    ]
    reader = MatrixReader(building / "rna-counts")
    reader.verify()
    cells, values = reader.gene(7)
    assert np.array_equal(cells, np.flatnonzero(COUNTS[:, 7]))
    assert np.array_equal(values, COUNTS[cells, 7])


def test_a_layer_that_is_no_matrix(path: Path, convert: Convert) -> None:
    broken = COUNTS.copy()
    broken[3, 4] = np.nan
    replace(replace(path, "layers/scaled", broken), "layers/short", COUNTS[:5])
    findings, _ = convert(path)
    assert [(error.code, error.path) for error in findings.errors] == [
        ("matrix_wrong_shape", "layers['short']"),
        ("matrix_not_finite", "layers['scaled']"),
    ]
