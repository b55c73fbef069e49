"""The rank-sum test equals scanpy and scipy, ties, negatives and constant genes included."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from studies.analysis import columns, rows
from studies.analysis.results import DifferentialExpression
from studies.analysis.wilcoxon import rank_sum_of_values, rank_sum_test
from tests.builders.matrices import build_matrix, example_matrix
from tests.studies.analysis.reference import ScanpyResult, float64_statistics
from tests.studies.store.matrices import csr_matrices

many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(tmp_path: Path) -> Path:
    return tmp_path / f"store-{len(list(tmp_path.iterdir()))}"


def cells(mask: np.ndarray) -> np.ndarray:
    return np.flatnonzero(mask).astype(np.uint32)


def canonical(matrix: sparse.csr_array) -> sparse.csr_array:
    summed = matrix.copy()
    summed.sum_duplicates()
    return summed


@st.composite
def questions(draw: st.DrawFn, *, least: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Draw a matrix and a group with at least so many cells on either side."""
    matrix = canonical(draw(csr_matrices(min_cells=2 * least)))
    everyone = matrix.shape[0]
    members = draw(st.sets(st.integers(0, everyone - 1), min_size=least, max_size=everyone - least))
    return matrix, np.isin(np.arange(everyone), list(members))


@st.composite
def pairs_of_groups(draw: st.DrawFn, *, least: int = 2) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    """Draw a matrix and two groups without a cell in common, of at least so many cells each."""
    matrix = canonical(draw(csr_matrices(min_cells=2 * least)))
    order = draw(st.permutations(range(matrix.shape[0])))
    first = draw(st.integers(least, matrix.shape[0] - least))
    second = draw(st.integers(least, matrix.shape[0] - first))
    everyone = np.arange(matrix.shape[0])
    return matrix, np.isin(everyone, order[:first]), np.isin(everyone, order[first : first + second])


def assert_same(ours: DifferentialExpression, theirs: ScanpyResult) -> None:
    np.testing.assert_allclose(ours.score, theirs.score, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.p, theirs.p, rtol=1e-9)
    np.testing.assert_allclose(ours.p_adj, theirs.p_adj, rtol=1e-9)
    np.testing.assert_allclose(ours.log2fc, theirs.log2fc, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.pct_in, theirs.pct_in, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.pct_out, theirs.pct_out, rtol=0, atol=1e-12)


@many
@given(
    question=questions(least=2),
    tie_correct=st.booleans(),
    dense=st.booleans(),
    base=st.sampled_from([None, 2.0, 10.0]),
)
def test_equals_scanpy(tmp_path, question, tie_correct, dense, base):
    matrix, group = question
    store = build_matrix(fresh(tmp_path), matrix)
    ours = rank_sum_test(store, cells(group), tie_correct=tie_correct, log1p_base=base)
    theirs = matrix.toarray() if dense else matrix
    assert_same(ours, float64_statistics(theirs, group, tie_correct=tie_correct, base=base))


@many
@given(question=questions(least=1))
def test_p_equals_scipy(tmp_path, question):
    matrix, group = question
    result = rank_sum_test(build_matrix(fresh(tmp_path), matrix), cells(group))
    for gene, column in enumerate(matrix.toarray().astype(np.float64).T):
        if np.unique(column).size == 1:
            assert (result.score[gene], result.p[gene]) == (0.0, 1.0)
            continue
        test = stats.mannwhitneyu(column[group], column[~group], use_continuity=False, method="asymptotic")
        assert result.p[gene] == pytest.approx(test.pvalue, rel=1e-9)
        middle = group.sum() * (~group).sum() / 2
        assert np.sign(result.score[gene]) == np.sign(test.statistic - middle)


@many
@given(question=questions(least=1), tie_correct=st.booleans())
def test_the_rest_against_the_group_is_the_mirror_image(tmp_path, question, tie_correct):
    matrix, group = question
    store = build_matrix(fresh(tmp_path), matrix)
    one, other = (rank_sum_test(store, cells(side), tie_correct=tie_correct) for side in (group, ~group))
    np.testing.assert_array_equal(one.score, -other.score)
    np.testing.assert_array_equal(one.p, other.p)
    np.testing.assert_array_equal(one.pct_in, other.pct_out)


@many
@given(question=pairs_of_groups(), tie_correct=st.booleans(), gathers=st.booleans())
def test_group_against_group_equals_scanpy_however_it_is_computed(tmp_path, question, tie_correct, gathers):
    matrix, group, other = question
    store = build_matrix(fresh(tmp_path), matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "GATHER_FACTOR", 0 if gathers else 10**9)
        ours = rank_sum_test(store, cells(group), cells(other), tie_correct=tie_correct)
    assert_same(ours, float64_statistics(matrix, group, other=other, tie_correct=tie_correct))


@many
@given(question=pairs_of_groups(), tie_correct=st.booleans())
def test_all_values_at_once_are_the_same_as_one_by_one(tmp_path, question, tie_correct):
    matrix, group, other = question
    store = build_matrix(fresh(tmp_path), matrix)
    codes = np.select([group, other], [0, 1], -1).astype(np.int32)
    found = rank_sum_of_values(store, codes, 2, tie_correct=tie_correct)
    assert_same(found[0], float64_statistics(matrix, group, tie_correct=tie_correct))
    assert_same(found[1], float64_statistics(matrix, other, tie_correct=tie_correct))


@many
@given(question=pairs_of_groups(), tie_correct=st.booleans(), gathers=st.booleans())
def test_all_values_within_a_subset_equal_scanpy_on_the_subset(tmp_path, question, tie_correct, gathers):
    matrix, group, other = question
    store = build_matrix(fresh(tmp_path), matrix)
    codes = np.select([group, other], [0, 1], -1).astype(np.int32)
    within = group | other
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "GATHER_FACTOR", 0 if gathers else 10**9)
        found = rank_sum_of_values(store, codes, 2, within=cells(within), tie_correct=tie_correct)
    for result, members in zip(found, (group, other), strict=True):
        assert_same(result, float64_statistics(matrix[within], members[within], tie_correct=tie_correct))


def test_a_value_without_cells_or_with_all_of_them_has_no_result(tmp_path):
    store = build_matrix(tmp_path / "store", example_matrix(20, 5))
    codes = np.zeros(20, dtype=np.int32)
    assert rank_sum_of_values(store, codes, 2) == [None, None]
    assert rank_sum_of_values(store, codes, 2, within=np.arange(5, dtype=np.uint32)) == [None, None]


@pytest.mark.parametrize("entries", [1, 7, 100])
@pytest.mark.parametrize("against", [None, np.arange(20, 45, dtype=np.uint32)])
def test_parts_do_not_change_the_answer(tmp_path, monkeypatch, entries, against):
    store = build_matrix(tmp_path / "store", example_matrix(50, 40))
    group = np.arange(15, dtype=np.uint32)
    whole = rank_sum_test(store, group, against)
    monkeypatch.setattr(rows, "ENTRIES_PER_PART", entries)
    monkeypatch.setattr(columns, "ENTRIES_PER_PART", entries)
    seen: list[tuple[int, int]] = []
    cut = rank_sum_test(store, group, against, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] > 3
    for field in fields(DifferentialExpression):
        np.testing.assert_allclose(getattr(cut, field.name), getattr(whole, field.name), rtol=1e-12)


def test_what_progress_raises_ends_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "ENTRIES_PER_PART", 1)
    store = build_matrix(tmp_path / "store", example_matrix(50, 40))

    def refuse(done: int, total: int) -> None:
        raise KeyError("cancelled")

    with pytest.raises(KeyError, match="cancelled"):
        rank_sum_test(store, np.arange(15, dtype=np.uint32), progress=refuse)


def test_a_mean_of_zero_outside_is_no_rounding_error(tmp_path):
    """0.1 + 0.2 - (0.1 + 0.2) in another order is not 0 in float64; the fold change would be off by far."""
    column = np.zeros((9, 1), dtype=np.float32)
    column[:6, 0] = [0.1, 0.7, 1e5, 0.3, 1e-3, 0.9]
    group = np.arange(9) < 6
    result = rank_sum_test(build_matrix(tmp_path / "store", column), cells(group))
    mean = column[:6].astype(np.float64).mean()
    with np.errstate(over="ignore"):
        assert result.log2fc[0] == np.log2(np.expm1(mean) / 1e-9)
    assert (result.pct_in[0], result.pct_out[0]) == (1.0, 0.0)


@pytest.mark.parametrize("size", [0, 6])
def test_refuses_groups_that_leave_nothing_to_compare(tmp_path, size):
    with pytest.raises(ValueError, match="some of 6 cells"):
        rank_sum_test(build_matrix(tmp_path / "store", np.eye(6)), np.arange(size, dtype=np.uint32))


@pytest.mark.parametrize("other", [[], [1, 3]])
def test_refuses_a_second_group_without_cells_or_with_one_of_the_first(tmp_path, other):
    store = build_matrix(tmp_path / "store", np.eye(6))
    with pytest.raises(ValueError, match="none in common"):
        rank_sum_test(store, np.array([0, 1], np.uint32), np.array(other, np.uint32))


class TestControls:
    """The comparison with scanpy notices what it must."""

    @pytest.fixture
    def matrix(self):
        return example_matrix(60, 20)

    @pytest.fixture
    def store(self, tmp_path, matrix):
        return build_matrix(tmp_path / "store", matrix)

    group = np.arange(60) < 20

    def test_the_right_question_passes(self, store, matrix):
        assert_same(rank_sum_test(store, cells(self.group)), float64_statistics(matrix, self.group, tie_correct=True))

    def test_one_cell_swapped(self, store, matrix):
        swapped = self.group.copy()
        swapped[[0, 40]] = ~swapped[[0, 40]]
        with pytest.raises(AssertionError):
            assert_same(rank_sum_test(store, cells(swapped)), float64_statistics(matrix, self.group, tie_correct=True))

    def test_ties_off(self, store, matrix):
        off = rank_sum_test(store, cells(self.group), tie_correct=False)
        with pytest.raises(AssertionError):
            assert_same(off, float64_statistics(matrix, self.group, tie_correct=True))

    def test_groups_reversed(self, store, matrix):
        with pytest.raises(AssertionError):
            assert_same(
                rank_sum_test(store, cells(~self.group)), float64_statistics(matrix, self.group, tie_correct=True)
            )

    def test_the_mark_of_the_group_is_its_first_gene(self, store):
        assert int(np.argmax(rank_sum_test(store, cells(self.group)).score)) == 0


def test_drawn_questions_hold_what_they_are_meant_to(tmp_path):
    """Were the strategies to stop drawing constant genes or negatives, the tests above would prove less."""
    seen = set()

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(question=questions(least=2))
    def look(question: tuple[sparse.csr_array, np.ndarray]) -> None:
        columns = question[0].toarray().T
        assume(columns.size)
        kinds = {
            "constant": any(np.unique(column).size == 1 and column[0] for column in columns),
            "all zero": any(not column.any() for column in columns),
            "negative": bool((columns < 0).any()),
            "ties": any(np.unique(column).size < column.size for column in columns),
            "zeros written down": bool((question[0].data == 0).any()),
        }
        seen.update(name for name, there in kinds.items() if there)

    look()
    assert seen == {"constant", "all zero", "negative", "ties", "zeros written down"}
