"""Pearson's r equals numpy and Spearman's rho scipy, over all cells or some, zeros included."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from studies.analysis import columns
from studies.analysis.correlation import pearson, spearman
from tests.builders.matrices import build_matrix, example_matrix
from tests.studies.store.matrices import csr_matrices

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(tmp_path: Path) -> Path:
    return tmp_path / f"store-{len(list(tmp_path.iterdir()))}"


def reference(dense: np.ndarray, position: int) -> np.ndarray:
    """numpy.corrcoef of one gene with each, NaN where either has one value only."""
    varied = np.array([np.unique(column).size > 1 for column in dense.T])
    r = np.full(dense.shape[1], np.nan)
    if varied[position]:
        for gene in np.flatnonzero(varied):
            r[gene] = np.corrcoef(dense[:, position], dense[:, gene])[0, 1]
    return r


@many
@given(matrix=csr_matrices(min_cells=2), position=st.integers(0, 7))
def test_equals_numpy(tmp_path, matrix, position):
    matrix.sum_duplicates()
    position %= matrix.shape[1]
    dense = matrix.toarray().astype(np.float32).astype(np.float64)
    found = pearson(build_matrix(fresh(tmp_path), matrix), position).r
    np.testing.assert_allclose(found, reference(dense, position), rtol=0, atol=1e-9)


@many
@given(matrix=csr_matrices(min_cells=4), position=st.integers(0, 7), data=st.data())
def test_within_some_cells_equals_numpy_on_these(tmp_path, matrix, position, data):
    matrix.sum_duplicates()
    position %= matrix.shape[1]
    within = sorted(data.draw(st.sets(st.integers(0, matrix.shape[0] - 1), min_size=2)))
    dense = matrix.toarray().astype(np.float32).astype(np.float64)[within]
    found = pearson(build_matrix(fresh(tmp_path), matrix), position, within=np.array(within, np.uint32))
    assert found.n == len(within)
    np.testing.assert_allclose(found.r, reference(dense, position), rtol=0, atol=1e-9)


@many
@given(matrix=csr_matrices(min_cells=2), position=st.integers(0, 7))
def test_spearman_equals_numpy_on_the_ranks_of_scipy(tmp_path, matrix, position):
    matrix.sum_duplicates()
    position %= matrix.shape[1]
    ranks = stats.rankdata(matrix.toarray(), axis=0)
    found = spearman(build_matrix(fresh(tmp_path), matrix), position)
    np.testing.assert_allclose(found.r, reference(ranks, position), rtol=0, atol=1e-12)


@many
@given(matrix=csr_matrices(min_cells=4), position=st.integers(0, 7), data=st.data(), gathers=st.booleans())
def test_spearman_within_some_cells_ranks_only_these(tmp_path, matrix, position, data, gathers):
    matrix.sum_duplicates()
    position %= matrix.shape[1]
    within = sorted(data.draw(st.sets(st.integers(0, matrix.shape[0] - 1), min_size=2)))
    ranks = stats.rankdata(matrix.toarray()[within], axis=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "GATHER_FACTOR", 0 if gathers else 10**9)
        found = spearman(build_matrix(fresh(tmp_path), matrix), position, within=np.array(within, np.uint32))
    np.testing.assert_allclose(found.r, reference(ranks, position), rtol=0, atol=1e-12)


def test_spearman_equals_scipy(tmp_path):
    dense = example_matrix(300, 30)
    with np.errstate(invalid="ignore"):
        expected = [stats.spearmanr(dense[:, 3], column).statistic for column in dense.T]
    np.testing.assert_allclose(spearman(build_matrix(tmp_path / "s", dense), 3).r, expected, rtol=0, atol=1e-12)


def test_equals_numpy_far_from_zero(tmp_path):
    """A mean a million times the spread is where sums that are not centred go wrong."""
    dense = 1e6 + np.random.default_rng(3).normal(size=(300, 12)).astype(np.float32)
    found = pearson(build_matrix(tmp_path / "store", dense), 4).r
    np.testing.assert_allclose(found, reference(dense.astype(np.float64), 4), rtol=0, atol=1e-7)
    assert np.abs(found).max() <= 1.0


def test_is_symmetric_one_with_itself_and_tells_progress(tmp_path):
    store = build_matrix(tmp_path / "store", example_matrix(80, 25))
    seen = []
    rows = np.array(
        [pearson(store, gene, progress=lambda done, total: seen.append((done, total))).r for gene in range(25)]
    )
    np.testing.assert_allclose(rows, rows.T, rtol=0, atol=1e-12)
    varied = store.centered_sum_of_squares > 0
    np.testing.assert_allclose(np.diag(rows)[varied], 1.0, rtol=0, atol=1e-12)
    assert np.isnan(rows[~varied]).all()
    assert seen[-1] == (1, 1)


def test_control_one_cell_swapped_is_noticed(tmp_path):
    dense = example_matrix(80, 25).astype(np.float64)
    swapped = dense.copy()
    swapped[[0, 50]] = swapped[[50, 0]]
    swapped[:, 1] = dense[:, 1]
    found = pearson(build_matrix(tmp_path / "store", swapped), 1).r
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(found, reference(dense, 1), rtol=0, atol=1e-5)
