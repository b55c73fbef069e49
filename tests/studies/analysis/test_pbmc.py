"""On the real study of the demo, all cell types and all genes equal scanpy and numpy; run with `-s` for the figures."""

import warnings
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import anndata
import numpy as np
import pytest
from scipy import stats

from studies.analysis.correlation import pearson
from studies.analysis.results import DifferentialExpression
from studies.analysis.wilcoxon import rank_sum_test
from studies.store.reader import MatrixReader
from tests.builders.matrices import build_matrix
from tests.studies.analysis.reference import ScanpyResult, float64_statistics, public_table

FILE = "datasets/10x_pbmc68k_reduced.h5ad"


@pytest.fixture(scope="module")
def study() -> anndata.AnnData:
    """The 700 cells with the log-normalised values of all genes that were kept."""
    with warnings.catch_warnings():
        # The file was written by an early anndata, which kept neighbours in another place.
        warnings.simplefilter("ignore", anndata.OldFormatWarning)
        warnings.simplefilter("ignore", FutureWarning)
        data = anndata.read_h5ad(Path(str(files("scanpy"))) / FILE).raw.to_adata()
    data.uns["log1p"] = {"base": None}
    return data


@pytest.fixture(scope="module")
def store(study: anndata.AnnData, tmp_path_factory: pytest.TempPathFactory) -> MatrixReader:
    return build_matrix(tmp_path_factory.mktemp("pbmc") / "store", study.X, rows_per_block=97, memory_bytes=200_000)


def cells(mask) -> np.ndarray:
    return np.flatnonzero(np.asarray(mask)).astype(np.uint32)


def by_label(
    study: anndata.AnnData, store: MatrixReader, *, tie_correct: bool
) -> Iterator[tuple[str, DifferentialExpression]]:
    for label in study.obs["bulk_labels"].cat.categories:
        yield label, rank_sum_test(store, cells(study.obs["bulk_labels"] == label), tie_correct=tie_correct)


def largest(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference; where one is no finite number, the other is the same."""
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(ours[~finite], theirs[~finite])
    return float(np.abs(ours[finite] - theirs[finite]).max())


def log10_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest relative difference of log10 p; zero and one are the same on both sides."""
    inside = (theirs > 0) & (theirs < 1)
    np.testing.assert_array_equal(ours[~inside], theirs[~inside])
    logs = np.log10(theirs[inside])
    return float(np.abs((np.log10(ours[inside]) - logs) / logs).max())


def differences(ours: DifferentialExpression, theirs: ScanpyResult) -> dict[str, float]:
    return {
        "z": largest(ours.score, theirs.score),
        "log10 p": log10_difference(ours.p, theirs.p),
        "log10 p_adj": log10_difference(ours.p_adj, theirs.p_adj),
        "log2fc": largest(ours.log2fc, theirs.log2fc),
        "pct": max(largest(ours.pct_in, theirs.pct_in), largest(ours.pct_out, theirs.pct_out)),
    }


@pytest.mark.parametrize("tie_correct", [True, False])
def test_every_cell_type_equals_scanpy_in_float64(study, store, tie_correct):
    worst: dict[str, float] = {}
    groups = 0
    for label, ours in by_label(study, store, tie_correct=tie_correct):
        mask = (study.obs["bulk_labels"] == label).to_numpy()
        found = differences(ours, float64_statistics(study.X, mask, tie_correct=tie_correct))
        worst = {name: max(worst.get(name, 0.0), difference) for name, difference in found.items()}
        groups += 1
    print(f"\n{groups} cell types x {store.features} genes, tie_correct={tie_correct}:", worst)
    assert groups == 10
    assert worst["z"] < 1e-9
    assert worst["log10 p"] < 1e-9
    assert worst["log10 p_adj"] < 1e-9
    assert worst["log2fc"] < 1e-5
    assert worst["pct"] < 1e-12


@pytest.mark.parametrize("tie_correct", [True, False])
def test_every_cell_type_equals_the_public_table(study, store, tie_correct):
    """scanpy keeps scores and fold changes as float32, p as float64."""
    for label, ours in by_label(study, store, tie_correct=tie_correct):
        table = public_table(study, "bulk_labels", label, tie_correct=tie_correct)
        np.testing.assert_allclose(ours.score, table["scores"], rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(ours.p, table["pvals"], rtol=1e-9)
        np.testing.assert_allclose(ours.p_adj, table["pvals_adj"], rtol=1e-9)
        np.testing.assert_allclose(ours.log2fc, table["logfoldchanges"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours.pct_in, table["pct_nz_group"], atol=1e-12)
        np.testing.assert_allclose(ours.pct_out, table["pct_nz_reference"], atol=1e-12)


def test_p_equals_scipy_for_one_cell_type(study, store):
    mask = (study.obs["bulk_labels"] == "CD14+ Monocyte").to_numpy()
    dense = study.X.toarray().astype(np.float64)
    theirs = stats.mannwhitneyu(dense[mask], dense[~mask], use_continuity=False, method="asymptotic")
    ours = rank_sum_test(store, cells(mask))
    varied = store.centered_sum_of_squares > 0
    difference = log10_difference(ours.p[varied], theirs.pvalue[varied])
    print(f"\nlog10 p against scipy.stats.mannwhitneyu: {difference}")
    assert difference < 1e-9


def test_correlations_of_every_twentieth_gene_equal_numpy(study, store):
    dense = study.X.toarray().astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        theirs = np.corrcoef(dense.T)
    worst = max(largest(pearson(store, gene).r, theirs[gene]) for gene in range(0, store.features, 20))
    print(f"\nr of {len(range(0, store.features, 20))} genes with {store.features}: {worst}")
    assert worst < 1e-9


@pytest.mark.parametrize(
    ("label", "markers"), [("CD19+ B", {"CD79A", "MS4A1"}), ("CD56+ NK", {"GNLY", "NKG7"}), ("Dendritic", {"FCER1A"})]
)
def test_the_best_genes_are_the_markers_everybody_knows(study, store, label, markers):
    result = rank_sum_test(store, cells(study.obs["bulk_labels"] == label))
    assert markers <= set(study.var_names[np.argsort(-result.score)[:10]])
