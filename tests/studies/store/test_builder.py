"""A Store holds exactly what came in, whatever the order, the blocks and the memory."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from studies.store import staging
from studies.store.builder import MatrixBuilder, StoreBuildError, discard_unfinished
from studies.store.format import rank_dtype
from studies.store.reader import MatrixReader
from tests.builders.matrices import build_matrix
from tests.studies.store.matrices import csr_matrices

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(tmp_path: Path) -> Path:
    return tmp_path / f"store-{len(list(tmp_path.iterdir()))}"


def dense(matrix: sparse.csr_array) -> np.ndarray:
    """Scatter with addition: duplicates summed, whatever scipy makes of them."""
    out = np.zeros(matrix.shape, dtype=np.float64)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    np.add.at(out, (rows, matrix.indices), matrix.data.astype(np.float64))
    return out


def as_dense(store: MatrixReader) -> np.ndarray:
    out = np.zeros((store.cells, store.features))
    for gene in range(store.features):
        cells, values = store.gene(gene)
        assert (np.diff(cells.astype(int)) > 0).all()
        out[cells, gene] = values
    return out


@many
@given(matrix=csr_matrices(), block=st.integers(1, 30), memory=st.sampled_from([1, 200, 2000, 10**7]))
def test_equals_the_transposed_matrix_for_any_block_and_memory(tmp_path, matrix, block, memory):
    store = build_matrix(fresh(tmp_path), matrix, rows_per_block=block, memory_bytes=memory)
    expected = dense(matrix)
    np.testing.assert_array_equal(as_dense(store), expected.astype(np.float32))
    np.testing.assert_array_equal(store.nonzero, np.count_nonzero(expected, axis=0))
    assert (store.row_values != 0).all()
    rows = sparse.csr_array((store.row_values, store.row_genes, store.row_indptr), shape=expected.shape)
    assert rows.has_canonical_format
    np.testing.assert_array_equal(rows.toarray(), expected.astype(np.float32))
    store.verify()


@many
@given(matrix=csr_matrices())
def test_ranks_and_sums_equal_scipy(tmp_path, matrix):
    store = build_matrix(fresh(tmp_path), matrix)
    expected = dense(matrix)
    cells = store.cells
    for gene in range(store.features):
        column = expected[:, gene]
        ranks = np.full(cells, store.zero_rank2[gene], dtype=np.int64)
        held = store.row_genes == gene
        ranks[np.repeat(np.arange(cells), np.diff(store.row_indptr))[held]] += store.row_ranks[held]
        np.testing.assert_array_equal(ranks, 2 * stats.rankdata(column))
        assert store.tie_term[gene] == sum(t**3 - t for t in np.unique(column, return_counts=True)[1].tolist())
        narrowed = column.astype(np.float32).astype(np.float64)
        assert store.sum[gene] == pytest.approx(narrowed.sum(), rel=1e-12, abs=1e-12)
        spread = np.square(narrowed - narrowed.mean()).sum()
        assert store.centered_sum_of_squares[gene] == pytest.approx(spread, rel=1e-9, abs=1e-12)
        assert (store.centered_sum_of_squares[gene] == 0) == (np.unique(narrowed).size == 1)


def test_ranks_are_those_of_the_source_not_of_the_narrowed_values(tmp_path):
    column = np.array([[1.0], [1.0 + 1e-12], [0.0], [1.0]])
    store = build_matrix(tmp_path / "store", column)
    assert len(set(store.row_values.tolist())) == 1
    np.testing.assert_array_equal(store.zero_rank2 + store.row_ranks, 2 * np.array([2.5, 4.0, 2.5]))


def test_entries_written_twice_are_summed_in_64_bits(tmp_path):
    parts = np.array([1.0, 1e-3, -1.0], dtype=np.float32)
    assert np.add.reduceat(parts, [0])[0] != np.float32(parts.astype(np.float64).sum())
    with MatrixBuilder(tmp_path / "store", 1, 2, 10**6) as builder:
        builder.add_rows(0, np.array([0, 3]), np.array([0, 0, 0]), parts)
        store = MatrixReader(builder.finish())
    assert store.row_values.tolist() == [np.float32(parts.astype(np.float64).sum())]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "int64", "uint64", "float32", "float64"])
def test_takes_every_real_type(tmp_path, dtype):
    matrix = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0]]).astype(dtype)
    np.testing.assert_array_equal(as_dense(build_matrix(tmp_path / "store", matrix)), matrix.astype(float))


def test_takes_half_precision(tmp_path):
    with MatrixBuilder(tmp_path / "store", 1, 2, 10**6) as builder:
        builder.add_rows(0, np.array([0, 2]), np.array([0, 1]), np.array([0.5, 2.0], dtype=np.float16))
        assert MatrixReader(builder.finish()).row_values.tolist() == [0.5, 2.0]


def test_sums_duplicates_of_small_whole_numbers_without_overflow(tmp_path):
    matrix = sparse.csr_array((np.array([200, 100], dtype=np.uint8), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    assert build_matrix(tmp_path / "store", matrix).row_values.tolist() == [300.0]


def test_minus_zero_and_duplicates_that_cancel_are_zeros(tmp_path):
    data = np.array([-0.0, 2.5, -2.5, 1.0], dtype=np.float32)
    matrix = sparse.csr_array((data, np.array([0, 1, 1, 2]), np.array([0, 4, 4])), shape=(2, 3))
    assert build_matrix(tmp_path / "store", matrix).nonzero.tolist() == [0, 0, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("memory", [1, 10**7])
def test_refuses_what_is_not_a_number_and_names_gene_and_cell(tmp_path, bad, memory):
    matrix = np.ones((7, 5))
    matrix[4, 3] = bad
    with pytest.raises(StoreBuildError, match=r"gene 3, cell 4: (nan|-?inf) is not a number"):
        build_matrix(tmp_path / "store", matrix, rows_per_block=2, memory_bytes=memory)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("matrix", [np.array([[0.0, 1e300]]), np.array([[0.0, -1e39]])])
def test_refuses_numbers_too_large_for_32_bits(tmp_path, matrix):
    with pytest.raises(StoreBuildError, match="gene 1, cell 0"):
        build_matrix(tmp_path / "store", matrix)


def test_refuses_complex_values(tmp_path):
    with pytest.raises(StoreBuildError, match="complex128"):
        build_matrix(tmp_path / "store", np.array([[1j]]))


def block(rows=1, *, indices=(0,), data=(1.0,), indptr=None):
    indptr = np.array([0, *[len(data)] * rows] if indptr is None else indptr)
    return indptr, np.array(indices), np.array(data)


@pytest.mark.parametrize(
    ("start", "given_block", "message"),
    [
        (1, block(), "row 0 should come next, not row 1"),
        (0, block(rows=3), "more rows came than the 2"),
        (0, block(indices=(4,)), "cell 0 has an entry for gene 4, but there are 4 genes"),
        (0, block(indices=(-1,)), "gene -1"),
        (0, block(indptr=[0, 2]), "no CSR matrix"),
        (0, block(rows=2, indptr=[0, 1, 0]), "no CSR matrix"),
    ],
)
def test_refuses_blocks_that_do_not_fit(tmp_path, start, given_block, message):
    with MatrixBuilder(tmp_path / "store", 2, 4, 10**6) as builder, pytest.raises(StoreBuildError, match=message):
        builder.add_rows(start, *given_block)


def test_refuses_a_change_of_type_and_missing_rows(tmp_path):
    with MatrixBuilder(tmp_path / "store", 2, 4, 10**6) as builder:
        builder.add_rows(0, *block())
        with pytest.raises(StoreBuildError, match="change from float64 to float32 at row 1"):
            builder.add_rows(1, np.array([0, 1]), np.array([0]), np.array([1], dtype=np.float32))
        with pytest.raises(StoreBuildError, match="has 2 rows, but only 1 came"):
            builder.finish()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2**32, 1)])
def test_refuses_shapes_that_cannot_be(tmp_path, shape):
    with pytest.raises(StoreBuildError, match="at least one"):
        MatrixBuilder(tmp_path / "store", *shape, 10**6)


def test_a_matrix_of_zeros_is_a_store(tmp_path):
    store = build_matrix(tmp_path / "store", np.zeros((5, 3)))
    assert store.nonzero.tolist() == [0, 0, 0]
    assert store.zero_rank2.tolist() == [6, 6, 6]
    assert store.tie_term.tolist() == [120.0] * 3
    assert [part.size for part in store.gene(1)] == [0, 0]


def test_ranks_grow_to_64_bits_when_twice_the_cells_does_not_fit():
    assert (rank_dtype(2**30 - 1), rank_dtype(2**30)) == (np.dtype("i4"), np.dtype("i8"))


def test_progress_goes_up_to_all_genes(tmp_path):
    seen = []
    with MatrixBuilder(tmp_path / "store", 2, 200, 10**6) as builder:
        builder.add_rows(0, *block(rows=2, indptr=[0, 1, 1]))
        builder.finish(lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (200, 200)
    assert len(seen) >= 3


def test_a_build_that_is_stopped_leaves_nothing(tmp_path):
    def stop(done: int, total: int) -> None:
        raise InterruptedError

    def build() -> None:
        with MatrixBuilder(tmp_path / "store", 1, 4, 10**6) as builder:
            builder.add_rows(0, *block())
            builder.finish(stop)

    with pytest.raises(InterruptedError):
        build()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("survived", range(10))
def test_a_crash_at_any_moment_before_the_end_shows_nothing(tmp_path, monkeypatch, survived):
    """Die after so many files reached the disk: eight arrays, the manifest and the directory come before the end."""
    calls = iter(range(survived))

    def reach_the_disk(path: Path) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(staging, "_to_disk", reach_the_disk)
    monkeypatch.setattr(staging.StagedDirectory, "discard", lambda staged: None)
    with pytest.raises(KeyboardInterrupt):
        build_matrix(tmp_path / "store", np.ones((3, 2)))
    assert not (tmp_path / "store").exists()
    assert len(discard_unfinished(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_second_build_takes_the_place_of_the_first(tmp_path):
    first = build_matrix(tmp_path / "store", np.ones((3, 2)))
    values = first.row_values
    second = build_matrix(tmp_path / "store", np.full((3, 2), 2.0))
    assert second.row_values.tolist() == [2.0] * 6
    assert values.tolist() == [1.0] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_what_a_crash_left_is_removed_on_demand(tmp_path):
    kept = build_matrix(tmp_path / "kept", np.ones((3, 2)))
    MatrixBuilder(tmp_path / "lost", 2, 4, 10**6).add_rows(0, *block())
    assert not (tmp_path / "lost").exists()
    assert [path.name.startswith(".building-lost-") for path in discard_unfinished(tmp_path)] == [True]
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    kept.verify()


def test_more_than_65535_genes(tmp_path):
    matrix = sparse.random_array((4, 70_001), density=0.01, format="lil", rng=np.random.default_rng(1))
    matrix[3, 70_000] = 7.0
    store = build_matrix(tmp_path / "store", matrix.tocsr(), memory_bytes=20_000)
    assert store.gene(70_000)[1].tolist() == [7.0]
    np.testing.assert_array_equal(as_dense(store), matrix.toarray().astype(np.float32))


@pytest.mark.parametrize("busy", [0, 1, 2])
def test_a_gene_larger_than_the_memory_stands_alone_whatever_its_neighbours(tmp_path, busy):
    matrix = np.zeros((40, 3))
    matrix[:, busy] = np.arange(1, 41)
    store = build_matrix(tmp_path / "store", matrix, memory_bytes=1)
    np.testing.assert_array_equal(as_dense(store), matrix)
