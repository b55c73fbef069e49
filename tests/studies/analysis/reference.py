"""What scanpy says, with its float64 numbers before they are stored as float32."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

with warnings.catch_warnings():
    # Importing scanpy 1.11 announces changes to come in its own dependencies; none is about our code.
    warnings.simplefilter("ignore")
    import anndata
    import scanpy
    from scanpy.tools._rank_genes_groups import _RankGenes

COLUMNS = {"scores": "score", "pvals": "p", "pvals_adj": "p_adj", "logfoldchanges": "log2fc"}


@dataclass(frozen=True, slots=True)
class ScanpyResult:
    """One number per gene, as `studies.analysis.results.DifferentialExpression`."""

    score: NDArray[np.float64]
    p: NDArray[np.float64]
    p_adj: NDArray[np.float64]
    log2fc: NDArray[np.float64]
    pct_in: NDArray[np.float64]
    pct_out: NDArray[np.float64]


def annotated(
    matrix: np.ndarray | sparse.csr_array, group: NDArray[np.bool_], other: NDArray[np.bool_] | None = None
) -> anndata.AnnData:
    """Wrap a matrix with one annotation: `in` the group, `out` of it, or in neither when another group is given."""
    names = [f"c{number}" for number in range(matrix.shape[0])]
    out = ~group if other is None else other
    labels = pd.Categorical(np.select([group, out], ["in", "out"], "neither"), categories=["in", "out", "neither"])
    genes = pd.DataFrame(index=[f"g{number}" for number in range(matrix.shape[1])])
    matrix = sparse.csr_matrix(matrix) if sparse.issparse(matrix) else matrix
    data = anndata.AnnData(matrix, obs=pd.DataFrame({"group": labels}, index=names), var=genes)
    data.obs["group"] = data.obs["group"].cat.remove_unused_categories()
    return data


def float64_statistics(
    matrix: np.ndarray | sparse.csr_array,
    group: NDArray[np.bool_],
    *,
    tie_correct: bool = True,
    base: float | None = None,
    other: NDArray[np.bool_] | None = None,
    method: str = "wilcoxon",
) -> ScanpyResult:
    """Run scanpy's own computation of the group against the rest, or against another group."""
    data = annotated(matrix, group, other)
    if base is not None:
        data.uns["log1p"] = {"base": base}
    with warnings.catch_warnings():
        # 0/0 for genes with one value, the logarithm of negative fold changes.
        warnings.simplefilter("ignore", RuntimeWarning)
        groups, reference = (["in"], "rest") if other is None else (["in", "out"], "out")
        run = _RankGenes(data, groups, "group", reference=reference, use_raw=False, comp_pts=True)
        run.compute_statistics(method, tie_correct=tie_correct)
    table = run.stats["in"]
    numbers = {ours: table[theirs].to_numpy(dtype=np.float64) for theirs, ours in COLUMNS.items()}
    rest = run.pts_rest[0] if other is None else run.pts[1]
    return ScanpyResult(**numbers, pct_in=np.asarray(run.pts[0]), pct_out=np.asarray(rest))


def public_table(data: anndata.AnnData, group_by: str, label: str, *, tie_correct: bool) -> pd.DataFrame:
    """Run `scanpy.tl.rank_genes_groups` and give its table of one group, by gene name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        # pandas remarks that scanpy adds columns one by one.
        warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
        # pandas 3 remarks how scanpy drops columns.
        warnings.simplefilter("ignore", DeprecationWarning)
        scanpy.tl.rank_genes_groups(
            data, group_by, groups=[label], use_raw=False, method="wilcoxon", tie_correct=tie_correct, pts=True
        )
        table = scanpy.get.rank_genes_groups_df(data, label)
    return table.set_index("names").loc[data.var_names]
