"""The demo's data: PBMC 68k reduced from the scanpy wheel, written as a file that keeps the contract.

Source and licence: docs/demo-data.md.
"""

import importlib.util
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

SOURCE = "datasets/10x_pbmc68k_reduced.h5ad"
ATTRIBUTES = ("bulk_labels", "louvain")


def pbmc68k_source() -> Path:
    """Find the file inside the scanpy wheel without importing scanpy, whose dependencies need not be installed.

    Raises FileNotFoundError.
    """
    spec = importlib.util.find_spec("scanpy")
    for directory in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(directory) / SOURCE).exists():
            return path
    raise FileNotFoundError(f"The scanpy wheel with {SOURCE} is not installed; requirements/data.txt names it.")


def pbmc68k_study(target: Path) -> Path:
    """Write the study to `target`: 700 cells, 765 genes, log-normalised values as sparse X, two annotations, a UMAP."""
    with h5py.File(pbmc68k_source()) as source:
        study = anndata.AnnData(
            X=_values(source),
            obs=_annotations(source),
            var=pd.DataFrame(index=_texts(source["raw.var"]["index"])),
            obsm={"X_umap": source["obsm"]["X_umap"].astype(np.float32)},
            uns=_metadata(source),
        )
    study.write_h5ad(target, compression="gzip")
    return target


def _values(source: h5py.File) -> sp.csr_matrix:
    """Take `raw`, the log-normalised values; the file's own X has been scaled."""
    raw = source["raw.X"]
    arrays = (raw["data"][:], raw["indices"][:], raw["indptr"][:])
    matrix = sp.csr_matrix(arrays, shape=tuple(raw.attrs["h5sparse_shape"]))
    matrix.sort_indices()
    return matrix


def _annotations(source: h5py.File) -> pd.DataFrame:
    """Join the codes with their categories, which files of that age keep apart."""
    columns = {
        name: pd.Categorical.from_codes(source["obs"][name], _texts(source[f"uns/{name}_categories"][:]))
        for name in ATTRIBUTES
    }
    return pd.DataFrame(columns, index=_texts(source["obs"]["index"]))


def _metadata(source: h5py.File) -> dict[str, Any]:
    declaration = {
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
    colours = {f"{name}_colors": np.array(_texts(source[f"uns/{name}_colors"][:])) for name in ATTRIBUTES}
    return {"cellenium": declaration, "log1p": {}, **colours}


def _texts(values: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
