"""The matrix: recognised in every form, checked value by value, and given on row by row."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from imports.h5ad import blocks, matrices
from imports.h5ad import dense as dense_form
from imports.h5ad import sparse as sparse_form
from imports.h5ad.findings import Finding, Findings
from imports.h5ad.matrices import open_matrix
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect
from tests.builders.h5ad import changing, index_of, remove, replace, study_file
from tests.builders.matrices import example_matrix

Look = Callable[[], list[Finding]]
Codes = Callable[[], list[tuple[str, str, str]]]
FORMS = ["csr", "csc", "dense"]


def rows_of(path: Path, memory_bytes: int) -> tuple[np.ndarray, int]:
    """Put the blocks together again; the matrix and how many there were."""
    with open_h5ad(path) as file:
        findings = Findings()
        matrix = open_matrix(file, len(index_of(file, "obs")), len(index_of(file, "var")), findings)
        assert matrix is not None, findings
        whole, count, row = np.zeros((matrix.cells, matrix.genes)), 0, 0
        for block in matrix.blocks(memory_bytes):
            assert block.start == row
            part = sparse.csr_array(
                (block.data, block.indices, block.indptr), shape=(block.indptr.size - 1, matrix.genes)
            )
            whole[block.start : block.stop] = part.toarray()
            row, count = block.stop, count + 1
    assert row == matrix.cells
    return whole, count


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "u2", "i1"])
def test_every_form_gives_the_same_rows(tmp_path: Path, form: str, dtype: str) -> None:
    expected = (example_matrix(50, 20) * 3).astype(dtype)
    path = study_file(tmp_path / "a.h5ad", matrix=expected, form=form)
    assert np.array_equal(rows_of(path, 1 << 20)[0], expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_blocks_are_small_when_memory_is(
    tmp_path: Path, form: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sparse_form, dense_form):
        monkeypatch.setattr(module, "CHUNK", chunk)
    expected = example_matrix(50, 20)
    expected[7] = 0
    path = study_file(tmp_path / "a.h5ad", matrix=expected, form=form)
    whole, one = rows_of(path, 1 << 30)
    assert np.array_equal(whole, expected)
    assert one == 1
    whole, many = rows_of(path, 64 * 40)
    assert np.array_equal(whole, expected)
    assert 10 < many < 50
    whole, most = rows_of(path, 1)
    assert np.array_equal(whole, expected)
    assert most >= 49


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 20))
def test_ranges_of_rows_follow_one_another(counts: list[int], most: int) -> None:
    ranges = list(blocks.row_ranges(np.cumsum(counts), most))
    assert [row for first, stop in ranges for row in range(first, stop)] == list(range(len(counts)))
    assert all(sum(counts[first:stop]) <= most or stop == first + 1 for first, stop in ranges)


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_unsorted_indices_are_kept_in_their_rows(tmp_path: Path, form: str) -> None:
    expected = example_matrix(20, 10)
    path = study_file(tmp_path / "a.h5ad", matrix=expected, form=form)
    with changing(path) as file:
        ends = file["X/indptr"][()]
        for start, stop in itertools.pairwise(ends):
            for name in ("indices", "data"):
                file["X"][name][start:stop] = file["X"][name][start:stop][::-1]
    assert np.array_equal(rows_of(path, 640)[0], expected)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_placed(tmp_path: Path, form: str, value: float) -> None:
    matrix = example_matrix(60, 30)
    matrix[[41, 50], [7, 3]] = value
    path = study_file(tmp_path / "a.h5ad", matrix=matrix, form=form)
    with open_h5ad(path) as file:
        findings = inspect(file).findings
    error = findings.errors[0]
    assert (error.code, error.path) == ("matrix_not_finite", "X")
    places = {"'cell-41', gene 'GENE7'", "'cell-50', gene 'GENE3'"}
    assert error.found.startswith("2 values, the first in cell")
    assert any(place in error.found for place in places)


def test_values_too_large_for_the_store(tmp_path: Path) -> None:
    matrix = example_matrix(60, 30).astype("f8")
    matrix[5, 6] = 1e39
    with open_h5ad(study_file(tmp_path / "a.h5ad", matrix=matrix)) as file:
        (error,) = inspect(file).findings.errors
    assert "'cell-5', gene 'GENE6'" in error.found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u8"])
def test_raw_counts_are_doubted(tmp_path: Path, form: str, dtype: str) -> None:
    counts = np.random.default_rng(0).poisson(1, size=(60, 30)).astype(dtype)
    with open_h5ad(study_file(tmp_path / "a.h5ad", matrix=counts, form=form)) as file:
        inspection = inspect(file)
    assert [(str(f.severity), f.code) for f in inspection.findings] == [("warning", "raw_counts")]
    assert inspection.study is not None


def test_one_fraction_among_whole_numbers_is_enough(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(1, size=(60, 30)).astype("f4")
    counts[59, 29] = 0.5
    with open_h5ad(study_file(tmp_path / "a.h5ad", matrix=counts)) as file:
        assert inspect(file).findings == []


def test_negative_values_are_doubted(tmp_path: Path) -> None:
    with open_h5ad(study_file(tmp_path / "a.h5ad", matrix=example_matrix(60, 30) - np.float32(0.5))) as file:
        assert [f.code for f in inspect(file).findings] == ["negative_values"]


def test_a_matrix_of_zeros_is_doubted(tmp_path: Path) -> None:
    with open_h5ad(study_file(tmp_path / "a.h5ad", matrix=np.zeros((60, 30), "f4"))) as file:
        assert [f.code for f in inspect(file).findings] == ["matrix_all_zero"]


def test_a_missing_matrix(path: Path, codes: Codes) -> None:
    remove(path, "X")
    assert codes() == [("error", "matrix_missing", "X")]


@pytest.mark.parametrize(
    "value",
    [
        {"a": np.arange(3)},
        "a text",
        np.array(["a"] * 60, dtype=object),
        np.zeros((60, 30), dtype=complex),
        np.full((60, 30), "x", dtype=object),
    ],
)
def test_what_is_no_matrix(path: Path, value: Any, look: Look) -> None:
    replace(path, "X", value)
    (finding,) = look()
    assert finding.code in {"matrix_encoding", "matrix_wrong_type", "matrix_wrong_shape"}
    assert finding.path == "X"


@pytest.mark.parametrize("value", [np.zeros((59, 30)), np.zeros((60, 31)), np.zeros(60), sparse.csr_matrix((30, 60))])
def test_a_matrix_of_another_shape(path: Path, value: Any, look: Look) -> None:
    replace(path, "X", value)
    (finding,) = look()
    assert finding.code == "matrix_wrong_shape"
    assert finding.expected.startswith("(60, 30)")


def unordered(group: Any) -> None:
    group["indptr"][5] = 10**6


def too_short(group: Any) -> None:
    ends = group["indptr"][:-1]
    del group["indptr"]
    group["indptr"] = ends


def outside(group: Any) -> None:
    group["indices"][3] = 1000


def negative(group: Any) -> None:
    group["indices"][3] = -1


def no_end(group: Any) -> None:
    group["indptr"][-1] -= 1


def shorter_indices(group: Any) -> None:
    indices = group["indices"][:-1]
    del group["indices"]
    group["indices"] = indices


def no_indices(group: Any) -> None:
    del group["indices"]


def data_group(group: Any) -> None:
    del group["data"]
    group.create_group("data")


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize(
    "spoil", [unordered, too_short, outside, negative, no_end, shorter_indices, no_indices, data_group]
)
def test_a_damaged_sparse_matrix(tmp_path: Path, form: str, spoil: Callable[[Any], None]) -> None:
    path = study_file(tmp_path / "a.h5ad", form=form)
    with changing(path) as file:
        spoil(file["X"])
    with open_h5ad(path) as file:
        (error,) = inspect(file).findings.errors
    assert error.code in {"matrix_damaged", "matrix_unreadable"}


def test_old_sparse_matrices_are_understood(path: Path, look: Look) -> None:
    with changing(path) as file:
        for name in ("encoding-type", "encoding-version", "shape"):
            del file["X"].attrs[name]
        file["X"].attrs.update({"h5sparse_format": "csr", "h5sparse_shape": (60, 30)})
    assert look() == []


def test_a_compression_nobody_knows(path: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise OSError("Can't synchronously read data (required filter 'x' is not registered)")

    monkeypatch.setattr(matrices.CsrMatrix, "chunks", fail)
    (finding,) = look()
    assert (finding.code, finding.path) == ("matrix_unreadable", "X")
    assert "filter" in finding.found


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with open_h5ad(study_file(tmp_path / "a.h5ad", form="dense")) as file:
        inspect(file, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1800, 1800)


def test_projections_are_checked(path: Path, look: Look) -> None:
    cases: list[tuple[Any, str]] = [
        (np.zeros((59, 2)), "projection_wrong_shape"),
        (np.zeros((60, 1)), "projection_wrong_shape"),
        (np.zeros(60), "projection_wrong_shape"),
        (np.array([["a", "b"]] * 60, dtype=object), "projection_wrong_shape"),
        (np.where(np.arange(120).reshape(60, 2) == 50, np.nan, 1.0), "projection_not_finite"),
        (np.full((60, 2), 1e300), "projection_not_finite"),
        (sparse.csr_matrix((60, 2)), "projection_wrong_shape"),
    ]
    for value, code in cases:
        replace(path, "obsm/X_umap", value)
        assert [finding.code for finding in look()] == [code], code
    remove(path, "obsm/X_umap")
    (finding,) = look()
    assert (finding.code, finding.path) == ("projection_missing", "obsm['X_umap']")


def test_umap_is_the_default_projection(path: Path, look: Look) -> None:
    remove(path, "uns/cellenium/import_projections")
    assert look() == []
    remove(path, "obsm")
    assert [finding.code for finding in look()] == ["projection_missing"]


def test_more_than_two_columns_are_cut(path: Path) -> None:
    places = np.random.default_rng(0).normal(size=(60, 5))
    replace(path, "obsm/X_pca", places)
    replace(path, "uns/cellenium/import_projections", np.array(["pca", "umap"]))
    with open_h5ad(path) as file:
        study = inspect(file).study
    assert study is not None
    assert [key for key, _ in study.projections] == ["pca", "umap"]
    assert np.array_equal(study.projections[0][1], places[:, :2].astype("f4"))


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        (np.array([0, 59]), "key_ignored"),
        (np.array([0, 60]), "sample_out_of_range"),
        (np.array([-1]), "sample_out_of_range"),
        (np.array([0.5]), "sample_out_of_range"),
        ("all", "sample_out_of_range"),
    ],
)
def test_a_sample_of_cells_must_name_cells(path: Path, sample: Any, code: str, look: Look) -> None:
    replace(path, "uns/cellenium/umap_density_sampled_indices", sample)
    assert [finding.code for finding in look()] == [code]


def test_a_projection_kept_as_a_table_is_understood(path: Path, look: Look) -> None:
    names = [f"cell-{number}" for number in range(60)]
    replace(path, "obsm/X_umap", pd.DataFrame(np.zeros((60, 2)), index=names, columns=["x", "y"]))
    assert look() == []
