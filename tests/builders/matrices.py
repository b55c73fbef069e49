"""Expression matrices and their Stores, without a database."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from studies.store.builder import MatrixBuilder
from studies.store.reader import MatrixReader

MEMORY = 64 * 1024**2


def build_matrix(
    directory: Path, matrix: ArrayLike | sparse.spmatrix, *, rows_per_block: int = 1000, memory_bytes: int = MEMORY
) -> MatrixReader:
    """Build a Store from a dense or sparse matrix of cells x genes, as it is: zeros and duplicates are kept."""
    if not sparse.issparse(matrix):
        matrix = sparse.csr_array(np.asarray(matrix))
    rows = matrix if matrix.format == "csr" else matrix.tocsr()
    with MatrixBuilder(directory, rows.shape[0], rows.shape[1], memory_bytes) as builder:
        for start in range(0, rows.shape[0], rows_per_block):
            indptr = rows.indptr[start : start + rows_per_block + 1]
            entries = slice(indptr[0], indptr[-1])
            builder.add_rows(start, indptr - indptr[0], rows.indices[entries], rows.data[entries])
        builder.finish()
    return MatrixReader(directory)


def example_matrix(cells: int, genes: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Make log-normalised counts with many ties and zeros; gene 0 marks the first third of the cells."""
    generator = np.random.default_rng(seed)
    counts = generator.poisson(generator.gamma(0.7, 1.0, size=genes), size=(cells, genes)).astype(np.float64)
    counts[: cells // 3, 0] += 5
    depth = counts.sum(axis=1, keepdims=True)
    return np.log1p(counts * 100 / np.maximum(depth, 1)).astype(np.float32)
