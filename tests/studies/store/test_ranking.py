"""Ranks of one gene where the numbers are small by hand, and where cubes no longer fit in 64 bits."""

import numpy as np
import pytest

from studies.store.ranking import EXACT_CUBES, rank_gene


def test_an_example_by_hand():
    """Values -2, -1, -1, 0, 0, 3 have the ranks 1, 2.5, 2.5, 4.5, 4.5, 6."""
    ranked = rank_gene(np.array([-1.0, 3.0, -2.0, -1.0]), 6)
    assert ranked.zero_rank2 == 9
    assert (ranked.zero_rank2 + ranked.ranks).tolist() == [5, 12, 2, 5]
    assert ranked.tie_term == 2 * (2**3 - 2)


def test_without_zeros_the_rank_of_zero_is_where_it_would_stand():
    ranked = rank_gene(np.array([1.0, -1.0]), 2)
    assert (ranked.zero_rank2 + ranked.ranks).tolist() == [4, 2]


def test_the_bound_is_the_last_whose_cube_fits():
    assert EXACT_CUBES**3 <= np.iinfo(np.int64).max < (EXACT_CUBES + 1) ** 3


@pytest.mark.parametrize("cells", [EXACT_CUBES, EXACT_CUBES + 1, 3_000_000, 2**32 - 1])
@pytest.mark.parametrize("sizes", [[2_000_000, 3, 1], [1], [EXACT_CUBES - 5, 5]])
def test_ties_among_millions_of_cells(cells, sizes):
    values = np.repeat(np.arange(1, len(sizes) + 1, dtype=np.float32), sizes)
    ranked = rank_gene(values, cells)
    zeros = cells - values.size
    exact = sum(size**3 - size for size in [*sizes, zeros])
    assert ranked.tie_term == pytest.approx(exact, rel=4e-16)
    assert ranked.zero_rank2 == zeros + 1
    assert int(ranked.ranks[-1]) + ranked.zero_rank2 == 2 * cells - sizes[-1] + 1
    assert int(ranked.ranks.sum()) == cells * (cells + 1) - cells * ranked.zero_rank2
