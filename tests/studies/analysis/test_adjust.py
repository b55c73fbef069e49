"""Benjamini-Hochberg equals what scanpy uses."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from studies.analysis.adjust import benjamini_hochberg

p_values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.05, 1.0, 1e-300])), min_size=1, max_size=50)


@given(p=p_values)
def test_equals_statsmodels_and_scipy(p):
    found = benjamini_hochberg(np.array(p))
    np.testing.assert_allclose(found, multipletests(p, method="fdr_bh")[1], rtol=1e-14, atol=1e-300)
    np.testing.assert_allclose(found, stats.false_discovery_control(p), rtol=1e-14, atol=1e-300)


def test_an_example_by_hand():
    np.testing.assert_allclose(benjamini_hochberg(np.array([0.04, 0.01, 0.03])), [0.04, 0.03, 0.04])


def test_no_test_is_no_answer():
    assert benjamini_hochberg(np.array([])).size == 0
