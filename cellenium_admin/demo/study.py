"""The demo's data: PBMC 68k reduced from the scanpy wheel, written as a file that keeps the contract.

Source and licence: docs/demo-data.md.
"""

import importlib.util
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

SOURCE = "datasets/10x_pbmc68k_reduced.h5ad"
ATTRIBUTES = ("bulk_labels", "louvain")
DECLARATION = {
    "title": "PBMC 68k, reduced",
    "description": "700 peripheral blood mononuclear cells of a healthy donor (10x Genomics), 765 variable genes.",
    "taxonomy_id": 9606,
    "ncit_tissue_ids": np.array(["C12434"]),
    "mesh_disease_ids": np.array(["HEALTHY"]),
    "X_pseudolayer_name": "log-normalised",
    "main_sample_attributes": np.array(["bulk_labels"]),
    "secondary_sample_attributes": np.array(["louvain"]),
    "import_projections": np.array(["umap"]),
    "metadata": {"DOI": "10.1038/ncomms14049"},
}


def pbmc68k_source() -> Path:
    """Find the file inside the scanpy wheel without importing scanpy, whose dependencies need not be installed.

    Raises FileNotFoundError.
    """
    spec = importlib.util.find_spec("scanpy")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(directory) / SOURCE).exists():
            return path
    raise FileNotFoundError(f"The scanpy wheel with {SOURCE} is not installed; requirements/data.txt names it.")


def read_source() -> anndata.AnnData:
    """Read the file as its makers meant it; older scanpy wheels carry it in anndata's first format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return anndata.read_h5ad(pbmc68k_source())


def pbmc68k_study(target: Path) -> Path:
    """Write the study to `target`: 700 cells, 765 genes, log-normalised values as sparse X, two annotations, a UMAP.

    X is the source's `raw`, the log-normalised values; its own X has been scaled.
    """
    source = read_source()
    colours = {f"{name}_colors": source.uns[f"{name}_colors"] for name in ATTRIBUTES}
    study = anndata.AnnData(
        X=source.raw.X,
        obs=source.obs[list(ATTRIBUTES)],
        var=pd.DataFrame(index=source.raw.var_names),
        obsm={"X_umap": source.obsm["X_umap"].astype(np.float32)},
        uns={"cellenium": DECLARATION, "log1p": {}, **colours},
    )
    study.write_h5ad(target, compression="gzip")
    return target
