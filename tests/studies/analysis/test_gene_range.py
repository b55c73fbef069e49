"""A question answered for ranges of genes and put together is the question answered at once."""

import itertools
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from studies.analysis import columns
from studies.analysis.correlation import pearson, spearman
from studies.analysis.gene_range import cut, gene_range
from studies.analysis.results import DifferentialExpression, joined
from studies.analysis.t_test import welch_of_values, welch_t_test
from studies.analysis.wilcoxon import rank_sum_of_values, rank_sum_test
from studies.store.reader import MatrixReader
from tests.builders.matrices import build_matrix
from tests.studies.store.matrices import csr_matrices

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(tmp_path: Path) -> Path:
    return tmp_path / f"store-{len(list(tmp_path.iterdir()))}"


def in_parts(store: MatrixReader, bounds: list[int]) -> list[MatrixReader]:
    edges = sorted({0, store.features, *(bound % store.features for bound in bounds)})
    return [gene_range(store, first, stop) for first, stop in itertools.pairwise(edges)]


def same(found: DifferentialExpression, expected: DifferentialExpression) -> None:
    for field in fields(DifferentialExpression):
        ours, theirs = getattr(found, field.name), getattr(expected, field.name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=field.name)


@pytest.fixture(params=[0, 10**9], ids=["walked", "gathered"])
def either_way(request, monkeypatch):
    monkeypatch.setattr(columns, "GATHER_FACTOR", 10**9 if request.param == 0 else 0)


@many
@given(matrix=csr_matrices(min_cells=6), bounds=st.lists(st.integers(0, 30), max_size=4), data=st.data())
def test_two_groups_and_a_rest(tmp_path, either_way, matrix, bounds, data):
    matrix.sum_duplicates()
    store = build_matrix(fresh(tmp_path), matrix)
    codes = np.array(data.draw(st.lists(st.integers(0, 2), min_size=store.cells, max_size=store.cells)))
    codes[:4] = [0, 0, 1, 1]
    group1, group2 = (np.flatnonzero(codes == code).astype(np.uint32) for code in (0, 1))
    for test in (rank_sum_test, welch_t_test):
        for groups in ((group1,), (group1, group2)):
            same(joined([test(part, *groups) for part in in_parts(store, bounds)]), test(store, *groups))


@many
@given(matrix=csr_matrices(min_cells=6), bounds=st.lists(st.integers(0, 30), max_size=4), data=st.data())
def test_every_value(tmp_path, either_way, matrix, bounds, data):
    matrix.sum_duplicates()
    store = build_matrix(fresh(tmp_path), matrix)
    codes = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=store.cells, max_size=store.cells)), np.int32)
    within = np.flatnonzero(np.arange(store.cells) != 1).astype(np.uint32)
    for test in (rank_sum_of_values, welch_of_values):
        for cells in (None, within):
            parts = [test(part, codes, 3, within=cells) for part in in_parts(store, bounds)]
            for found, expected in zip(zip(*parts, strict=True), test(store, codes, 3, within=cells), strict=True):
                assert (expected is None) == (found[0] is None)
                if expected is not None:
                    same(joined(found), expected)


@many
@given(matrix=csr_matrices(min_cells=4), position=st.integers(0, 7), bounds=st.lists(st.integers(0, 30), max_size=4))
def test_correlation_with_a_gene_outside_of_the_range(tmp_path, either_way, matrix, position, bounds):
    matrix.sum_duplicates()
    store = build_matrix(fresh(tmp_path), matrix)
    position %= store.features
    within = np.flatnonzero(np.arange(store.cells) != 1).astype(np.uint32)
    methods: list[Callable[..., Any]] = [pearson, spearman]
    for method in methods:
        for cells in (None, within):
            found = [method(part, position, within=cells) for part in in_parts(store, bounds)]
            expected = method(store, position, within=cells)
            assert {one.n for one in found} == {expected.n}
            np.testing.assert_allclose(np.concatenate([one.r for one in found]), expected.r, rtol=0, atol=1e-9)


def test_ranges_share_the_entries_out(tmp_path):
    rng = np.random.default_rng(5)
    store = build_matrix(tmp_path / "store", sparse.random_array((300, 40), density=0.3, rng=rng, format="csr"))
    entries = int(store.gene_indptr[-1])
    ranges = cut(store, entries // 4)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == store.features
    assert all(stop == begin for (_, stop), (begin, _) in itertools.pairwise(ranges))
    assert max(int(store.gene_indptr[stop] - store.gene_indptr[first]) for first, stop in ranges) < entries / 3
    assert cut(store, entries) == [(0, store.features)]


def test_genes_that_are_not_there_are_refused(tmp_path):
    store = build_matrix(tmp_path / "store", sparse.csr_array(np.eye(3)))
    for first, stop in ((-1, 2), (2, 2), (0, 4)):
        with pytest.raises(ValueError, match="of 3"):
            gene_range(store, first, stop)
