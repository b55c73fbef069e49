"""Coordinates of cells, each broken."""

import numpy as np

from tests.imports.broken.case import UNS, Case, Change, dataset, drop, imported, put, refused

PLACES = np.random.default_rng(0).normal(size=(60, 2)).astype("f4")
SAMPLE = f"{UNS}/umap_density_sampled_indices"


def places(values: object) -> Change:
    return put("obsm/X_umap", values)


def with_place(value: float, dtype: str = "f4") -> np.ndarray:
    values = PLACES.astype(dtype)
    values[7, 1] = value
    return values


def declare(*names: str) -> Change:
    return put(f"{UNS}/import_projections", np.array(names))


CASES: list[Case] = [
    refused("no coordinates", "projection_missing", drop("obsm/X_umap")),
    refused("no obsm", "projection_missing", drop("obsm")),
    refused("obsm is an array", "projection_missing", put("obsm", PLACES)),
    refused("a projection that is not there", "projection_missing", declare("tsne")),
    refused("two projections of which one is there", "projection_missing", declare("umap", "tsne")),
    refused("a projection with its prefix", "projection_missing", declare("X_umap")),
    refused("a projection with an endless name", "projection_missing", declare("x" * 101)),
    refused("a projection with a way out of its name", "projection_missing", declare("../../etc/passwd")),
    *(
        refused(f"coordinates with {value}", "projection_not_finite", places(with_place(value)))
        for value in (np.nan, np.inf, -np.inf)
    ),
    refused("coordinates beyond float32", "projection_not_finite", places(with_place(1e300, "f8"))),
    refused("coordinates of a line", "projection_wrong_shape", places(PLACES[:, :1])),
    refused("coordinates of one dimension", "projection_wrong_shape", places(PLACES[:, 0])),
    refused("coordinates of three dimensions", "projection_wrong_shape", places(np.zeros((60, 2, 2)))),
    refused("coordinates of fewer cells", "projection_wrong_shape", places(PLACES[:-1])),
    refused("coordinates of more cells", "projection_wrong_shape", places(np.vstack([PLACES, PLACES]))),
    refused("coordinates of no cell", "projection_wrong_shape", places(PLACES[:0])),
    refused(
        "coordinates of complex numbers", "projection_wrong_shape", dataset("obsm/X_umap", data=PLACES.astype("c16"))
    ),
    refused("coordinates of texts", "projection_wrong_shape", places(np.full((60, 2), "a", object))),
    refused("coordinates of yes and no", "projection_wrong_shape", places(PLACES > 0)),
    refused("coordinates that are a text", "projection_wrong_shape", places("nowhere")),
    refused("coordinates that are a dictionary", "projection_wrong_shape", places({"a": 1})),
    refused("a sample of cells that are not there", "sample_out_of_range", put(SAMPLE, np.array([0, 60]))),
    refused("a sample of cells before the first", "sample_out_of_range", put(SAMPLE, np.array([-1, 5]))),
    refused("a sample of texts", "sample_out_of_range", put(SAMPLE, np.array(["a"]))),
    refused("a sample that is a table", "sample_out_of_range", put(SAMPLE, np.zeros((3, 2), "i8"))),
    imported("coordinates with a third dimension", "", places(np.hstack([PLACES, PLACES[:, :1]]))),
    imported("whole numbers for coordinates", "", places((PLACES * 10).astype("i4"))),
    imported("coordinates that are all the same", "", places(np.zeros((60, 2), "f4"))),
    imported("a projection named twice", "named_twice", declare("umap", "umap")),
]
