"""The memory a build takes is a setting, not a matter of the number of cells; a gene costs its slice."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from studies.store.builder import MatrixBuilder
from studies.store.reader import MatrixReader

MIB = 1024**2
GENES = 400
ROWS = 500


def blocks(cells: int) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """A quarter of all values in small blocks, the same for every block, so that making them costs nothing."""
    generator = np.random.default_rng(0)
    there = generator.random((ROWS, GENES)) < 0.25
    indptr, indices = np.append(0, np.cumsum(there.sum(axis=1))), np.nonzero(there)[1]
    data = generator.integers(1, 40, size=indices.size).astype(np.float32)
    for start in range(0, cells, ROWS):
        yield start, indptr, indices, data


def peak_of_build(directory: Path, cells: int, memory_bytes: int) -> float:
    """Build and give the highest memory use in MiB."""
    tracemalloc.start()
    try:
        with MatrixBuilder(directory, cells, GENES, memory_bytes) as builder:
            for block in blocks(cells):
                builder.add_rows(*block)
            builder.finish()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_a_build_stays_within_its_memory_whatever_the_number_of_cells(tmp_path):
    small, large = (peak_of_build(tmp_path / str(cells), cells, 16 * MIB) for cells in (20_000, 160_000))
    print(f"\npeak for 20,000 and 160,000 cells with 16 MiB: {small:.1f} and {large:.1f} MiB")
    assert large < 24
    assert peak_of_build(tmp_path / "free", 20_000, 1024 * MIB) > 3 * 24, "the measurement would not notice"
    store = MatrixReader(tmp_path / "160000")
    assert store.gene_indptr[-1] == 160_000 // ROWS * sum(block[2].size for block in blocks(ROWS))
    store.verify()


@pytest.mark.slow
def test_reading_one_gene_takes_no_more_than_its_slice(tmp_path):
    peak_of_build(tmp_path / "store", 20_000, 64 * MIB)
    tracemalloc.start()
    try:
        cells, values = MatrixReader(tmp_path / "store").gene(200)
        np.bincount(cells, weights=values)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
