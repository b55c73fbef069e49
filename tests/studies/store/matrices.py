"""Strategies for matrices with all that goes wrong: ties, negatives, zeros written down, duplicates."""

import numpy as np
from hypothesis import strategies as st
from scipy import sparse

# Sums of these are exact in 32 bits, in whatever order and width they are added.
FEW_VALUES = (0.0, -0.0, 0.5, 0.5, 1.0, 1.5, -1.0, -2.0, 3.0, 2.0**-10)


@st.composite
def csr_matrices(draw: st.DrawFn, *, min_cells: int = 1, max_cells: int = 25, max_genes: int = 8) -> sparse.csr_array:
    """Draw a CSR matrix in no canonical form; among its genes, often one is constant and one is all zero."""
    cells = draw(st.integers(min_cells, max_cells))
    genes = draw(st.integers(1, max_genes))
    entries = draw(
        st.lists(
            st.tuples(st.integers(0, cells - 1), st.integers(0, genes - 1), st.sampled_from(FEW_VALUES)),
            max_size=2 * cells * genes,
        )
    )
    if draw(st.booleans()):
        entries = [entry for entry in entries if entry[1] != 0] + [(cell, 0, 1.5) for cell in range(cells)]
    if draw(st.booleans()):
        entries = [entry for entry in entries if entry[1] != genes - 1]
    return _in_rows(entries, cells, genes, draw(st.sampled_from([np.float32, np.float64])))


def _in_rows(
    entries: list[tuple[int, int, float]], cells: int, genes: int, dtype: type[np.floating]
) -> sparse.csr_array:
    entries = sorted(entries, key=lambda entry: entry[0])
    indptr = np.searchsorted([cell for cell, _, _ in entries], np.arange(cells + 1))
    indices = np.array([gene for _, gene, _ in entries], dtype=np.int32)
    data = np.array([value for _, _, value in entries], dtype=dtype)
    return sparse.csr_array((data, indices, indptr), shape=(cells, genes))
