"""Doing once, in the fork server, what would otherwise be done again in every reader."""

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from imports.h5ad.work import work
from studies.content import SourceContent

CELLS, GENES = 6, 4
BUILD_BYTES = 1 << 20


def warm_up(directory: Path) -> None:
    """Import a study made up for it in each form of matrix, so that all is loaded, compiled and known to work.

    Raises RuntimeError when the study does not go through.
    """
    values = np.arange(CELLS * GENES).reshape(CELLS, GENES) % 5 / 2
    for number, matrix in enumerate(
        (
            sparse.csr_matrix(values.astype(np.float32)),
            sparse.csc_matrix(values.astype(np.float64)),
            (values * 2).astype(np.int64),
        )
    ):
        _import(directory, number, matrix)


def _import(directory: Path, number: int, matrix: object) -> None:
    path, building = directory / f"{number}.h5ad", directory / str(number)
    _study(matrix).write_h5ad(path)
    building.mkdir()
    source: dict[str, Any] = {"uri": "", "revision": "", "size": 0, "sha256": ""}
    findings, content = work(
        path, building=building, memory_bytes=BUILD_BYTES, source=source, tell=lambda _stage, _done, _total: None
    )
    if content is None or content.source != SourceContent(**source):
        raise RuntimeError(f"The reader cannot read a study of its own: {'; '.join(map(str, findings))}")


def _study(matrix: object) -> anndata.AnnData:
    half = pd.Categorical(["a", "b"] * (CELLS // 2))
    return anndata.AnnData(
        X=matrix,
        obs=pd.DataFrame({"cell_type": half}, index=[f"cell-{number}" for number in range(CELLS)]),
        var=pd.DataFrame(index=[f"GENE{number}" for number in range(GENES)]),
        obsm={"X_umap": np.zeros((CELLS, 2), dtype=np.float32)},
        uns={
            "cellenium": {
                "title": "Warming up",
                "description": "",
                "taxonomy_id": 9606,
                "ncit_tissue_ids": np.array(["C12434"]),
                "mesh_disease_ids": np.array(["HEALTHY"]),
                "X_pseudolayer_name": "normalized",
                "main_sample_attributes": np.array(["cell_type"]),
            }
        },
    )
