"""Tables and names, each broken."""

import h5py
import numpy as np
import pandas as pd

from tests.builders.h5ad import index_of
from tests.imports.broken.case import Case, Change, attribute, dataset, drop, imported, put, refused


def names(frame: str, *changes: tuple[int, str]) -> Change:
    def change(file: h5py.File) -> None:
        for position, name in changes:
            index_of(file, frame)[position] = name

    return change


def index(frame: str, values: object) -> Change:
    def change(file: h5py.File) -> None:
        del file[f"{frame}/_index"]
        put(f"{frame}/_index", values)(file)

    return change


def both(frame: str) -> list[Case]:
    count = {"obs": 60, "var": 30}[frame]
    other = "var" if frame == "obs" else "obs"
    texts = np.array([f"n{number}" for number in range(count)], dtype=object)
    return [
        refused(f"no {frame}", "frame_missing", drop(frame)),
        refused(f"{frame} is an array", "frame_missing", put(frame, np.arange(count))),
        refused(f"{frame} is a text", "frame_missing", put(frame, "table")),
        refused(f"{frame} as anndata 0.6 wrote it", "frame_missing", dataset(frame, data=np.zeros(count, "i4,f8"))),
        refused(f"{frame} without the name of its index", "frame_missing", attribute(frame, "_index", None)),
        refused(f"{frame} without the order of its columns", "frame_missing", attribute(frame, "column-order", None)),
        refused(f"{frame} whose index has another name", "names_unreadable", attribute(frame, "_index", "nothing")),
        refused(f"{frame} whose index is gone", "names_unreadable", drop(f"{frame}/_index")),
        refused(f"{frame} with a name twice", "names_repeated", names(frame, (1, "same"), (2, "same"))),
        refused(
            f"{frame} with many names twice",
            "names_repeated",
            index(frame, np.array(["a", "b"] * (count // 2), object)),
        ),
        refused(f"{frame} with an empty name", "names_invalid", names(frame, (3, ""))),
        refused(f"{frame} with numbers for names", "names_wrong_type", index(frame, np.arange(count))),
        refused(f"{frame} with fractions for names", "names_wrong_type", index(frame, np.linspace(0, 1, count))),
        refused(f"{frame} with one name too few", "matrix_wrong_shape", index(frame, texts[1:])),
        refused(f"{frame} with one name too many", "matrix_wrong_shape", index(frame, np.append(texts, "one more"))),
        refused(f"{frame} with no name", "nothing_there", index(frame, np.array([], object))),
        refused(
            f"{frame} with a table of names",
            "names_wrong_type",
            index(frame, np.array([["a", "b"]] * 9, object)),
        ),
        refused(
            f"{frame} in the place of the other",
            "matrix_wrong_shape",
            lambda file: file.copy(other, "swap") or swap(file, frame),
        ),
        imported(f"{frame} with names in all scripts", "", names(frame, (0, "Zelle-\u7d30\u80de-\U0001f9ec"))),
    ]


def swap(file: h5py.File, frame: str) -> None:
    del file[frame]
    file.move("swap", frame)


def nothing_at_all(file: h5py.File) -> None:
    for name in list(file):
        del file[name]


CASES: list[Case] = [
    *both("obs"),
    *both("var"),
    refused("var with an endless name", "names_invalid", names("var", (4, "G" * 201))),
    refused("obs of nothing", "nothing_there", put("obs", pd.DataFrame(index=pd.Index([], dtype=str)))),
    refused("var of nothing", "nothing_there", put("var", pd.DataFrame(index=pd.Index([], dtype=str)))),
    refused("an HDF5 file without anything", "metadata_missing", nothing_at_all),
]
