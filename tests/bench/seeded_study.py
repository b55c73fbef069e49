"""A study made of a seed: log-normalised counts with about 11 % not zero, written block by block as h5ad."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from scipy import sparse

GENES = 20_000
ROWS = 2_000
TOTAL = 4_000.0
# Half of the cells are type 0, a tenth type 1; types 2 and 3 are the size illico is asked about, too.
TYPES = {"half": 0.5, "tenth": 0.1, "tenth two": 0.1, "rest": 0.3}


def blocks(cells: int, *, genes: int = GENES, seed: int = 0) -> Iterator[sparse.csr_matrix]:
    """Give rows in blocks: Poisson counts of genes of very different abundance, normalised by depth, log1p."""
    generator = np.random.default_rng(seed)
    density = generator.beta(0.35, 2.7, size=genes).astype(np.float32)
    for start in range(0, cells, ROWS):
        yield _block(generator, density, min(ROWS, cells - start))


def labels(cells: int, *, seed: int = 0) -> np.ndarray:
    """Give each cell's type, shuffled."""
    bounds = (np.cumsum([0.0, *TYPES.values()]) * cells).astype(int)
    ordered = np.repeat(list(TYPES), np.diff(bounds))
    return np.random.default_rng(seed + 1).permutation(ordered)


def write(path: Path, cells: int, *, genes: int = GENES, seed: int = 0) -> Path:
    """Write the study, unless it is there already; gzip as anndata's `compression="gzip"`, one block in memory."""
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        _write_matrix(file, cells, genes, seed)
        _write_frame(file, "obs", [f"cell-{number}" for number in range(cells)], labels(cells, seed=seed))
        _write_frame(file, "var", [f"ENSG{number:011d}" for number in range(genes)], None)
        _write_rest(file, cells, seed)
    part.rename(path)
    return path


def _block(generator: np.random.Generator, density: np.ndarray, rows: int) -> sparse.csr_matrix:
    there = generator.random((rows, density.size), dtype=np.float32) < density
    row, gene = np.nonzero(there)
    depth = generator.lognormal(0.0, 0.3, size=rows)
    counts = 1 + generator.poisson(0.5 + 3 * density[gene] * depth[row])
    values = np.log1p(counts * (10 / depth[row] / 3)).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    return sparse.csr_matrix((values, gene.astype(np.int32), indptr), shape=(rows, density.size))


def _write_matrix(file: h5py.File, cells: int, genes: int, seed: int) -> None:
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [cells, genes]})
    options = {"shape": (0,), "maxshape": (None,), "chunks": (1 << 17,), "compression": "gzip", "compression_opts": 1}
    data = group.create_dataset("data", dtype="f4", **options)
    indices = group.create_dataset("indices", dtype="i4", **options)
    ends = [np.zeros(1, np.int64)]
    for block in blocks(cells, genes=genes, seed=seed):
        before = data.shape[0]
        for held, added in ((data, block.data), (indices, block.indices)):
            held.resize((before + added.size,))
            held[before:] = added
        ends.append(block.indptr[1:].astype(np.int64) + before)
    # Both kinds of index in one type, as scipy has them: some tools take nothing else.
    group.create_dataset("indptr", data=np.concatenate(ends).astype(np.int32))


def _write_frame(file: h5py.File, name: str, index: list[str], types: np.ndarray | None) -> None:
    group = file.create_group(name)
    columns = [] if types is None else ["cell_type"]
    group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
    group.attrs["column-order"] = np.array(columns, dtype=h5py.string_dtype())
    _texts(group, "_index", index)
    if types is not None:
        categories, codes = np.unique(types, return_inverse=True)
        held = group.create_group("cell_type")
        held.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        _texts(held, "categories", categories.tolist())
        held.create_dataset("codes", data=codes.astype(np.int8)).attrs.update(
            {"encoding-type": "array", "encoding-version": "0.2.0"}
        )


def _write_rest(file: h5py.File, cells: int, seed: int) -> None:
    _mapping(file, "uns")
    held = _mapping(file["uns"], "cellenium")
    for key, text in {"title": "Seeded", "description": "", "X_pseudolayer_name": "normalized"}.items():
        held.create_dataset(key, data=text, dtype=h5py.string_dtype()).attrs.update(
            {"encoding-type": "string", "encoding-version": "0.2.0"}
        )
    held.create_dataset("taxonomy_id", data=9606).attrs.update(
        {"encoding-type": "numeric-scalar", "encoding-version": "0.2.0"}
    )
    _texts(held, "main_sample_attributes", ["cell_type"])
    _texts(held, "ncit_tissue_ids", [])
    _texts(held, "mesh_disease_ids", [])
    places = np.random.default_rng(seed + 2).normal(size=(cells, 2)).astype(np.float32)
    _mapping(file, "obsm").create_dataset("X_umap", data=places).attrs.update(
        {"encoding-type": "array", "encoding-version": "0.2.0"}
    )
    for name in ("layers", "obsp", "varm", "varp"):
        _mapping(file, name)


def _mapping(parent: h5py.Group, name: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs.update({"encoding-type": "dict", "encoding-version": "0.1.0"})
    return group


def _texts(parent: h5py.Group, name: str, texts: list[str]) -> None:
    parent.create_dataset(name, data=np.array(texts, dtype=object), dtype=h5py.string_dtype()).attrs.update(
        {"encoding-type": "string-array", "encoding-version": "0.2.0"}
    )
