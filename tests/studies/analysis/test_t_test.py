"""Welch's t-test equals scanpy and scipy, constant genes included."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from scipy import stats

from studies.analysis.t_test import welch_of_values, welch_t_test
from tests.builders.matrices import build_matrix, example_matrix
from tests.studies.analysis.reference import float64_statistics
from tests.studies.analysis.test_wilcoxon import cells, pairs_of_groups, questions

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(tmp_path: Path) -> Path:
    return tmp_path / f"store-{len(list(tmp_path.iterdir()))}"


def assert_welch(ours, dense: np.ndarray, group: np.ndarray, other: np.ndarray) -> None:
    """Compare with scipy in float64 gene by gene, where the two means or any value differ."""
    for gene, column in enumerate(dense.astype(np.float64).T):
        first, second = column[group], column[other]
        if np.unique(first).size == 1 and np.unique(second).size == 1:
            same = first[0] == second[0]
            assert ours.p[gene] == (1.0 if same else 0.0)
            continue
        with warnings.catch_warnings():
            # Where one side has one value only, scipy remarks on it.
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = stats.ttest_ind(first, second, equal_var=False)
        assert ours.score[gene] == pytest.approx(expected.statistic, rel=1e-6, abs=1e-9)
        assert ours.p[gene] == pytest.approx(expected.pvalue, rel=1e-6)


@many
@given(question=questions(least=2))
def test_against_the_rest_equals_scipy(tmp_path, question):
    matrix, group = question
    ours = welch_t_test(build_matrix(fresh(tmp_path), matrix), cells(group))
    assert_welch(ours, matrix.toarray().astype(np.float32), group, ~group)


@many
@given(question=pairs_of_groups())
def test_against_a_group_equals_scipy_also_all_values_at_once(tmp_path, question):
    matrix, group, other = question
    store, dense = build_matrix(fresh(tmp_path), matrix), matrix.toarray().astype(np.float32)
    assert_welch(welch_t_test(store, cells(group), cells(other)), dense, group, other)
    codes = np.select([group, other], [0, 1], -1).astype(np.int32)
    both = welch_of_values(store, codes, 2, within=cells(group | other))
    assert_welch(both[0], dense, group, other)
    if (~group).sum() >= 2:
        assert_welch(welch_of_values(store, codes, 2)[0], dense, group, ~group)


@pytest.mark.parametrize("size", [30, 150])
def test_equals_scanpy(tmp_path, size):
    matrix, group = example_matrix(200, 60), np.arange(200) < size
    ours = welch_t_test(build_matrix(tmp_path / "store", matrix), cells(group))
    theirs = float64_statistics(matrix.astype(np.float64), group, method="t-test")
    for name in ("score", "p", "p_adj", "log2fc", "pct_in", "pct_out"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-7, atol=1e-9)


def test_refuses_a_group_of_one(tmp_path):
    with pytest.raises(ValueError, match="two cells"):
        welch_t_test(build_matrix(tmp_path / "store", np.eye(6)), np.array([2], np.uint32))
