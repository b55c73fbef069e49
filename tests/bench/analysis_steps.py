"""Steps of `tests.bench.analysis` that run in a process of their own, each for its own time and peak memory."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

MEMORY = 1536 * 1024**2
SHARE = 4


def read(path: Path) -> None:
    """Do what everybody does first."""
    import anndata

    anndata.read_h5ad(path)


def build(path: Path, directory: Path) -> None:
    """Do what an import does with a file: look at every value, then build the Stores, in bounded memory."""
    from imports.h5ad import convert
    from imports.h5ad.opener import open_h5ad
    from imports.h5ad.validate import inspect

    with open_h5ad(path) as file:
        study = inspect(file).study
        assert study is not None
        whole, blocks = MEMORY, MEMORY // SHARE
        with convert.matrix_builder(study, directory, memory_bytes=whole - blocks, source={}) as builder:
            convert.add_all_rows(study.matrix, builder, memory_bytes=blocks, progress=lambda done, total: None)
            builder.finish()
        convert.write_cell_store(study, directory, source={})


def cellenium_de(path: Path) -> None:
    """Do what cellenium's job does for a group of cells (postgres 4-user-annotations.sql)."""
    import anndata
    import scanpy

    data = anndata.read_h5ad(path)
    scanpy.tl.rank_genes_groups(data, "cell_type", groups=["tenth"], method="wilcoxon", use_raw=False, n_genes=100)
    scanpy.tl.filter_rank_genes_groups(
        data, min_in_group_fraction=0.1, min_fold_change=0.5, max_out_group_fraction=1, use_raw=False
    )


def cellenium_correlation(path: Path) -> None:
    """Do what cellenium's function does for a gene: the matrix dense and transposed, gene by gene."""
    import anndata

    data = anndata.read_h5ad(path)
    dense = data.X.T.toarray()
    order = np.argsort(np.count_nonzero(dense, axis=1))
    gene = dense[order[dense.shape[0] // 2]]
    for other in dense:
        np.corrcoef(gene, other)


STEPS: dict[str, Callable[..., None]] = {
    "read": read,
    "import": build,
    "cellenium-de": cellenium_de,
    "cellenium-correlation": cellenium_correlation,
}


def main() -> None:
    """Run one step and print its seconds and peak memory as JSON."""
    started = time.perf_counter()
    STEPS[sys.argv[1]](*map(Path, sys.argv[2:]))
    taken = time.perf_counter() - started
    print(json.dumps({"seconds": taken, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
