"""Files as uploaders prepare them: one valid study, ways to spoil it, and a larger generated one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
from anndata.io import write_elem
from numpy.typing import NDArray
from scipy import sparse

from tests.builders.matrices import example_matrix

CELL_TYPES = ("T cell", "B cell", "Monocyte")
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c")
REQUIRED_KEYS = (
    "title",
    "description",
    "taxonomy_id",
    "ncit_tissue_ids",
    "mesh_disease_ids",
    "X_pseudolayer_name",
    "main_sample_attributes",
)

MATRIX_FORMS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "dense": np.asarray,
}


def declaration() -> dict[str, Any]:
    """The keys of `uns['cellenium']`, as cellenium's own preparation writes them."""
    return {
        "title": "A small study",
        "description": "Made for a test.",
        "taxonomy_id": 9606,
        "ncit_tissue_ids": np.array(["C12434"]),
        "mesh_disease_ids": np.array(["HEALTHY"]),
        "X_pseudolayer_name": "log-normalised",
        "main_sample_attributes": np.array(["cell_type"]),
        "secondary_sample_attributes": np.array(["batch"]),
        "import_projections": np.array(["umap"]),
        "metadata": {"GEO Accession": "GSE1", "authors": np.array(["A", "B"])},
    }


def study_data(
    *, cells: int = 60, genes: int = 30, matrix: NDArray[Any] | None = None, form: str = "csr", seed: int = 0
) -> anndata.AnnData:
    """A valid study in memory: thirds of the cells by type, in order; batches in turn."""
    matrix = example_matrix(cells, genes, seed=seed) if matrix is None else matrix
    cells, genes = matrix.shape
    types = pd.Categorical.from_codes(np.arange(cells) * len(CELL_TYPES) // cells, CELL_TYPES)
    batches = pd.Categorical([f"batch {number % 2 + 1}" for number in range(cells)])
    return anndata.AnnData(
        X=MATRIX_FORMS[form](matrix),
        obs=pd.DataFrame(
            {"cell_type": types, "batch": batches, "n_counts": np.arange(cells)},
            index=[f"cell-{number}" for number in range(cells)],
        ),
        var=pd.DataFrame(index=[f"GENE{number}" for number in range(genes)]),
        obsm={"X_umap": np.random.default_rng(seed).normal(size=(cells, 2)).astype(np.float32)},
        uns={"cellenium": declaration(), "cell_type_colors": np.array(COLORS), "log1p": {}},
    )


def multimodal_data(*, cells: int = 60, genes: int = 30, tags: int = 8) -> mudata.MuData:
    """A valid study of two modalities in memory; the declaration takes cellenium's dictionary forms."""
    rna = study_data(cells=cells, genes=genes)
    declared = dict(rna.uns.pop("cellenium"))
    prot = study_data(cells=cells, genes=tags, seed=1)
    del prot.uns["cellenium"]
    prot.var_names = [f"CD{number}" for number in range(tags)]
    for key in ("main_sample_attributes", "secondary_sample_attributes", "import_projections"):
        del declared[key]
    with mudata.set_options(pull_on_update=False):
        data = mudata.MuData({"rna": rna, "prot": prot})
    data.uns["cellenium"] = declared | {
        "modalities": {"rna": "gene", "prot": "protein_antibody_tag"},
        "main_sample_attributes": {"rna": np.array(["cell_type"]), "prot": np.array(["cell_type"])},
        "import_projections": {"rna": np.array(["umap"]), "prot": np.array(["umap"])},
    }
    return data


def multimodal_file(path: Path, **options: Any) -> Path:
    """Write a valid study of two modalities; the options are those of `multimodal_data`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mudata.set_options(pull_on_update=False):
        multimodal_data(**options).write_h5mu(path)
    return path


def study_file(path: Path, **options: Any) -> Path:
    """Write a valid study; the options are those of `study_data`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    study_data(**options).write_h5ad(path)
    return path


@contextmanager
def changing(path: Path) -> Iterator[h5py.File]:
    with h5py.File(path, "r+") as file:
        yield file


def index_of(file: h5py.File, frame: str) -> h5py.Dataset:
    """Find the names of `obs` or `var`, which newer versions of anndata keep beside a mask."""
    index = file[f"{frame}/_index"]
    return index["values"] if isinstance(index, h5py.Group) else index


def replace(path: Path, name: str, value: Any) -> Path:
    """Write another element in the place of one, or beside the others."""
    parent, _, key = name.rpartition("/")
    with changing(path) as file:
        group = file[parent] if parent else file
        if key in group:
            del group[key]
        write_elem(group, key, value)
    return path


def remove(path: Path, name: str) -> Path:
    with changing(path) as file:
        del file[name]
    return path


def add_column(path: Path, key: str, values: Any) -> Path:
    """Add a column to `obs` and make it the only main attribute."""
    replace(path, f"obs/{key}", values)
    with changing(path) as file:
        file["obs"].attrs["column-order"] = [*file["obs"].attrs["column-order"], key]
    return replace(path, "uns/cellenium/main_sample_attributes", np.array([key]))


def generated_study(path: Path, *, cells: int = 20_000, genes: int = 2_000, seed: int = 0) -> Path:
    """Write a study of a size one can watch being imported: types with markers of their own, a tenth not zero."""
    random = np.random.default_rng(seed)
    types = random.integers(len(CELL_TYPES), size=cells)
    counts = sparse.random_array((cells, genes), density=0.1, format="csr", rng=random, dtype=np.float32)
    counts.data = np.ceil(-3 * np.log1p(-0.999 * counts.data)).astype(np.float32)
    markers = np.zeros((cells, genes // 100), dtype=np.float32)
    for number in range(markers.shape[1]):
        markers[:, number] = random.poisson(4, size=cells) * (types == number % len(CELL_TYPES))
    values = sparse.hstack([sparse.csr_array(markers), counts[:, markers.shape[1] :]], format="csr")
    depth = np.maximum(values.sum(axis=1), 1)
    values.data = np.log1p(values.data * np.repeat(1e4 / depth, np.diff(values.indptr))).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    anndata.AnnData(
        X=sparse.csr_matrix(values),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical.from_codes(types, CELL_TYPES),
                "batch": pd.Categorical([f"batch {number % 4 + 1}" for number in range(cells)]),
            },
            index=[f"cell-{number}" for number in range(cells)],
        ),
        var=pd.DataFrame(index=[f"GENE{number}" for number in range(genes)]),
        obsm={"X_umap": (random.normal(size=(cells, 2)) + types[:, None] * 5).astype(np.float32)},
        uns={"cellenium": declaration() | {"title": "A generated study"}, "log1p": {}},
    ).write_h5ad(path, compression="lzf")
    return path
