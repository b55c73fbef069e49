"""The matrix, broken in each of its forms."""

import h5py
import numpy as np
from scipy import sparse

from tests.builders.matrices import example_matrix
from tests.imports.broken.case import Case, Change, attribute, dataset, drop, imported, put, refused, several

VALUES = example_matrix(60, 30)
FORMS = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": np.asarray}


def matrix(form: str, values: np.ndarray) -> Change:
    return put("X", FORMS[form](values))


def with_value(value: float, dtype: str = "f4") -> np.ndarray:
    values = VALUES.astype(dtype)
    values[3, 4] = value
    return values


def entry(form: str, array: str, position: int, value: float) -> Change:
    def change(file: h5py.File) -> None:
        matrix(form, VALUES)(file)
        file[f"X/{array}"][position] = value

    return change


def retyped(form: str, array: str, dtype: object) -> Change:
    def change(file: h5py.File) -> None:
        matrix(form, VALUES)(file)
        held = file[f"X/{array}"][()]
        del file[f"X/{array}"]
        file[f"X/{array}"] = held.astype(dtype)

    return change


def shortened(form: str, array: str) -> Change:
    def change(file: h5py.File) -> None:
        matrix(form, VALUES)(file)
        held = file[f"X/{array}"][:-1]
        del file[f"X/{array}"]
        file[f"X/{array}"] = held

    return change


def after(form: str, change: Change) -> Change:
    return several(matrix(form, VALUES), change)


def of_form(form: str) -> list[Case]:
    return [
        *(
            refused(f"{form} with {value}", "matrix_not_finite", matrix(form, with_value(value)))
            for value in (np.nan, np.inf, -np.inf)
        ),
        refused(f"{form} beyond float32", "matrix_not_finite", matrix(form, with_value(1e300, "f8"))),
        refused(f"{form} with NaN alone", "matrix_not_finite", matrix(form, np.full((60, 30), np.nan))),
        refused(f"{form} with a cell less", "matrix_wrong_shape", matrix(form, VALUES[:-1])),
        refused(f"{form} with a gene more", "matrix_wrong_shape", matrix(form, np.hstack([VALUES, VALUES[:, :1]]))),
        refused(f"{form} the wrong way round", "matrix_wrong_shape", matrix(form, VALUES.T)),
        refused(f"{form} of nothing", "matrix_wrong_shape", matrix(form, np.zeros((0, 0), "f4"))),
        imported(f"{form} of zeros", "matrix_all_zero", matrix(form, np.zeros((60, 30), "f4"))),
        imported(
            f"{form} of counts", "raw_counts", matrix(form, np.random.default_rng(0).poisson(2, (60, 30)).astype("i4"))
        ),
        imported(f"{form} with negative values", "negative_values", matrix(form, VALUES - 1)),
        imported(f"{form} of float64", "", matrix(form, VALUES.astype("f8"))),
    ]


def compressed(form: str) -> list[Case]:
    across = 30 if form == "csr" else 60
    lines = 90 - across
    return [
        refused(f"{form} of complex numbers", "matrix_wrong_type", retyped(form, "data", "c16")),
        refused(f"{form} of texts", "matrix_wrong_type", retyped(form, "data", "S4")),
        refused(f"{form} with an index beyond", "matrix_damaged", entry(form, "indices", 5, across)),
        refused(f"{form} with an index far beyond", "matrix_damaged", entry(form, "indices", 5, 2**31 - 1)),
        refused(f"{form} with an index below zero", "matrix_damaged", entry(form, "indices", 5, -1)),
        refused(f"{form} with fractions for indices", "matrix_damaged", retyped(form, "indices", "f8")),
        refused(f"{form} with texts for indices", "matrix_damaged", retyped(form, "indices", "S8")),
        refused(f"{form} that begins after the beginning", "matrix_damaged", entry(form, "indptr", 0, 1)),
        refused(f"{form} that ends after the end", "matrix_damaged", entry(form, "indptr", lines, 10**6)),
        refused(f"{form} that goes back", "matrix_damaged", entry(form, "indptr", 5, 10**6)),
        refused(f"{form} with negative ends", "matrix_damaged", entry(form, "indptr", 5, -5)),
        refused(f"{form} with an end less", "matrix_unreadable", shortened(form, "indptr")),
        refused(f"{form} with an index less", "matrix_damaged", shortened(form, "indices")),
        refused(f"{form} with a value less", "matrix_damaged", shortened(form, "data")),
    ]


def made_of_other_things(form: str) -> list[Case]:
    return [
        *(
            refused(f"{form} without {array}", "matrix_unreadable", after(form, drop(f"X/{array}")))
            for array in ("data", "indices", "indptr")
        ),
        refused(
            f"{form} with a group for data",
            "matrix_unreadable",
            after(form, several(drop("X/data"), lambda file: file.create_group("X/data"))),
        ),
        refused(f"{form} with a number for data", "matrix_unreadable", after(form, dataset("X/data", data=1.0))),
        refused(
            f"{form} with a table for data",
            "matrix_damaged",
            after(form, dataset("X/data", data=np.zeros((9, 9), "f4"))),
        ),
        refused(f"{form} with a text for ends", "matrix_unreadable", after(form, dataset("X/indptr", data="text"))),
        refused(f"{form} without a shape", "matrix_unreadable", after(form, attribute("X", "shape", None))),
        refused(f"{form} with a text for shape", "matrix_unreadable", after(form, attribute("X", "shape", "60x30"))),
        refused(f"{form} with a shape of one number", "matrix_wrong_shape", after(form, attribute("X", "shape", [60]))),
        refused(
            f"{form} with a negative shape", "matrix_wrong_shape", after(form, attribute("X", "shape", [-60, -30]))
        ),
    ]


def adding_up(file: h5py.File) -> None:
    """Give one cell two numbers for one gene."""
    values = VALUES.astype("f8")
    values[0, :2] = 3e38
    matrix("csr", values)(file)
    file["X/indices"][:2] = 0


CASES: list[Case] = [
    *of_form("csr"),
    *of_form("csc"),
    *of_form("dense"),
    *compressed("csr"),
    *compressed("csc"),
    *made_of_other_things("csr"),
    *made_of_other_things("csc"),
    refused("no X", "matrix_missing", drop("X")),
    refused("X is None", "matrix_encoding", put("X", None)),
    refused("X is a text", "matrix_encoding", put("X", "matrix")),
    refused("X is a number", "matrix_encoding", put("X", 1.0)),
    refused("X is a dictionary", "matrix_encoding", put("X", {"data": np.zeros(3)})),
    refused("X is one row", "matrix_wrong_shape", put("X", np.zeros(60))),
    refused("X has three dimensions", "matrix_wrong_shape", put("X", np.zeros((60, 30, 2)))),
    refused("X of texts", "matrix_encoding", put("X", np.full((60, 30), "a", object))),
    refused("X of complex numbers", "matrix_wrong_type", dataset("X", data=VALUES.astype("c16"))),
    refused("X of pairs", "matrix_wrong_type", dataset("X", data=np.zeros((60, 30), "i4,f8"))),
    refused("X of references", "matrix_wrong_type", dataset("X", shape=(60, 30), dtype=h5py.ref_dtype)),
    refused("X of lists", "matrix_wrong_type", dataset("X", shape=(60, 30), dtype=h5py.vlen_dtype(np.int32))),
    refused("X with an encoding of the future", "matrix_encoding", attribute("X", "encoding-type", "coo_matrix")),
    refused("X that says it is an array", "matrix_encoding", attribute("X", "encoding-type", "array")),
    refused("X that says it is a table", "matrix_encoding", attribute("X", "encoding-type", "dataframe")),
    refused("X that adds up beyond float32", "matrix_unusable", adding_up),
    imported("X of bytes", "", put("X", (VALUES * 10).astype("u1"))),
    imported("X of yes and no", "", dataset("X", data=VALUES > 0)),
    imported("X of half precision", "", dataset("X", data=VALUES.astype("f2"))),
    imported("X of the other byte order", "", dataset("X", data=VALUES.astype(">f4"))),
    imported("X in one chunk", "", dataset("X", data=VALUES, chunks=(60, 30), compression="gzip")),
    imported("a second matrix", "", put("layers/counts", VALUES)),
]
