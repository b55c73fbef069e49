"""How far our numbers are from scanpy's, scipy's and numpy's: one table for real and for tie-heavy data (run with -s).

Differences of z, t and r are absolute, of log10 p relative, of log2 fold changes absolute; counts of zeros are equal.
Beside them controls that must be far off: one cell swapped, ties not corrected, the groups reversed.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse, stats

from studies.analysis.correlation import pearson, spearman
from studies.analysis.results import DifferentialExpression
from studies.analysis.t_test import welch_t_test
from studies.analysis.wilcoxon import rank_sum_test
from studies.store.reader import MatrixReader
from tests.builders.matrices import build_matrix
from tests.studies.analysis.reference import ScanpyResult, float64_statistics
from tests.studies.analysis.test_pbmc import cells, largest, log10_difference, store, study

__all__ = ["store", "study"]
Mask = NDArray[np.bool_]
EVERY = 20
FAR = 1e-3


@dataclass(frozen=True)
class Data:
    """A matrix, its Store, and groups of cells."""

    name: str
    matrix: sparse.csr_matrix
    store: MatrixReader
    groups: list[Mask]


@pytest.fixture(scope="module")
def real(study, store) -> Data:
    labels = study.obs["bulk_labels"]
    return Data("PBMC 68k reduced", study.X, store, [(labels == one).to_numpy() for one in labels.cat.categories])


@pytest.fixture(scope="module")
def ties(tmp_path_factory) -> Data:
    """1,500 cells x 300 genes of counts from 0 to 3 and a few negative ones, log1p of small sums: ties everywhere."""
    rng = np.random.default_rng(7)
    rates = rng.gamma(0.6, 0.6, size=300)
    draws = rng.random(1500)
    groups = [draws < 0.1, (draws >= 0.1) & (draws < 0.6), draws >= 0.98]
    strength = 1 + 2.0 * np.outer(groups[0], np.arange(300) % 3 == 0) + np.outer(groups[1], np.arange(300) % 5 == 0)
    counts = np.minimum(rng.poisson(rates * strength), 3).astype(np.float64)
    counts[:, :20] -= rng.integers(0, 2, size=(1500, 20))
    counts[:, 20] = 2
    counts[:, 21] = 0
    values = np.where(counts > 0, np.log1p(np.maximum(counts, 0)), counts).astype(np.float32)
    matrix = sparse.csr_matrix(values)
    built = build_matrix(tmp_path_factory.mktemp("ties") / "store", matrix)
    return Data("ties", matrix, built, groups)


@pytest.fixture(params=["real", "ties"])
def data(request) -> Data:
    return request.getfixturevalue(request.param)


def compared(ours: DifferentialExpression, theirs: ScanpyResult) -> dict[str, float]:
    np.testing.assert_array_equal(ours.pct_in, theirs.pct_in)
    np.testing.assert_array_equal(ours.pct_out, theirs.pct_out)
    return {
        "score": largest(ours.score, theirs.score),
        "log10 p": log10_difference(ours.p, theirs.p),
        "log10 p_adj": log10_difference(ours.p_adj, theirs.p_adj),
        "log2fc": largest(ours.log2fc, theirs.log2fc),
    }


def worst_of(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: max(one[name] for one in found) for name in found[0]}


def tell(data: Data, what: str, worst: dict[str, float]) -> None:
    print(f"\n{data.name:<18}{what:<44}" + "  ".join(f"{name} {number:.1e}" for name, number in worst.items()))


@pytest.mark.parametrize("tie_correct", [True, False])
def test_wilcoxon_against_the_rest(data, tie_correct):
    dense = data.matrix.astype(np.float64)
    found = [
        compared(
            rank_sum_test(data.store, cells(group), tie_correct=tie_correct),
            float64_statistics(dense, group, tie_correct=tie_correct),
        )
        for group in data.groups
    ]
    worst = worst_of(found)
    tell(data, f"scanpy wilcoxon, rest, tie_correct={tie_correct}", worst)
    assert max(worst["score"], worst["log10 p"], worst["log10 p_adj"]) < 1e-9
    assert worst["log2fc"] < 1e-5


@pytest.mark.parametrize("method", ["wilcoxon", "t-test"])
def test_group_against_group(data, method):
    first, second = data.groups[0], data.groups[1]
    dense = data.matrix.astype(np.float64)
    test = rank_sum_test if method == "wilcoxon" else welch_t_test
    worst = compared(
        test(data.store, cells(first), cells(second)),
        float64_statistics(dense, first, other=second, method=method),
    )
    tell(data, f"scanpy {method}, two groups", worst)
    assert max(worst["score"], worst["log10 p"], worst["log10 p_adj"]) < 1e-7
    assert worst["log2fc"] < 1e-5


def test_t_test_against_the_rest(data):
    dense = data.matrix.astype(np.float64)
    found = [
        compared(welch_t_test(data.store, cells(group)), float64_statistics(dense, group, method="t-test"))
        for group in data.groups
    ]
    worst = worst_of(found)
    tell(data, "scanpy t-test, rest", worst)
    assert max(worst["score"], worst["log10 p"], worst["log10 p_adj"]) < 1e-7


def test_p_equals_scipy(data):
    dense, varied = data.matrix.toarray().astype(np.float64), data.store.centered_sum_of_squares > 0
    worst = 0.0
    for group in data.groups:
        theirs = stats.mannwhitneyu(
            dense[group][:, varied], dense[~group][:, varied], use_continuity=False, method="asymptotic"
        )
        worst = max(worst, log10_difference(rank_sum_test(data.store, cells(group)).p[varied], theirs.pvalue))
    tell(data, "scipy.stats.mannwhitneyu", {"log10 p": worst})
    assert worst < 1e-9


def test_correlations_equal_numpy_and_scipy(data):
    dense = data.matrix.toarray().astype(np.float64)
    ranks = stats.rankdata(dense, axis=0)
    genes = [gene for gene in range(0, data.store.features, EVERY) if data.store.centered_sum_of_squares[gene] > 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        of_values, of_ranks = np.corrcoef(dense.T), np.corrcoef(ranks.T)
    worst = {
        "r": max(largest(pearson(data.store, gene).r, of_values[gene]) for gene in genes),
        "rho": max(largest(spearman(data.store, gene).r, of_ranks[gene]) for gene in genes),
    }
    one, other = genes[0], int(np.argmax(data.store.centered_sum_of_squares))
    theirs = stats.spearmanr(dense[:, one], dense[:, other]).statistic
    worst["rho of scipy.stats.spearmanr"] = abs(float(spearman(data.store, one).r[other]) - float(theirs))
    tell(data, f"numpy.corrcoef, {len(genes)} genes with all", worst)
    assert max(worst.values()) < 1e-9


def test_numbers_of_zeros_are_exact(data):
    np.testing.assert_array_equal(data.store.nonzero, np.asarray((data.matrix != 0).sum(axis=0)).ravel())


def test_controls_are_far_off(data):
    """Were the comparisons blind, these would pass as well."""
    group = data.groups[0]
    swapped = group.copy()
    swapped[[int(np.argmax(group)), int(np.argmin(group))]] = [False, True]
    right = rank_sum_test(data.store, cells(group))
    controls = {
        "one cell swapped": rank_sum_test(data.store, cells(swapped)),
        "ties not corrected": rank_sum_test(data.store, cells(group), tie_correct=False),
        "groups reversed": rank_sum_test(data.store, cells(~group)),
    }
    worst = {name: float(np.abs(one.score - right.score).max()) for name, one in controls.items()}
    tell(data, "controls, difference of z", worst)
    assert min(worst.values()) > FAR
