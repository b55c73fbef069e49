"""Columns of `obs` and their colours, each broken."""

from typing import Any

import h5py
import numpy as np
import pandas as pd

from tests.imports.broken.case import UNS, Case, Change, attribute, drop, imported, put, refused

COLUMN = "obs/cell_type"
NUMBERS = np.arange(60)


def column(values: Any) -> Change:
    """Put another column in the place of the declared one."""
    return put(COLUMN, values)


def codes(*changes: tuple[int, int]) -> Change:
    def change(file: h5py.File) -> None:
        for position, code in changes:
            file[f"{COLUMN}/codes"][position] = code

    return change


def categories(values: list[str]) -> Change:
    return put(f"{COLUMN}/categories", np.array(values, dtype=object))


def declare(*names: str) -> Change:
    return put(f"{UNS}/main_sample_attributes", np.array(names))


def colors(values: Any) -> Change:
    return put("uns/cell_type_colors", values)


def texts(*values: str | None) -> pd.Categorical:
    return pd.Categorical(list(values) * (60 // len(values)))


CASES: list[Case] = [
    refused("a declared column that is not there", "attribute_missing", declare("cluster")),
    refused("two declared columns that are not there", "attribute_missing", declare("cluster", "cell_type", "sample")),
    refused("a column that is declared in other letters", "attribute_missing", declare("Cell_Type")),
    refused("a declared column with an endless name", "attribute_name_too_long", declare("x" * 201)),
    refused("a declared column that is gone", "attribute_unreadable", drop(COLUMN)),
    refused("a column without codes", "attribute_unreadable", drop(f"{COLUMN}/codes")),
    refused("a column without categories", "attribute_unreadable", drop(f"{COLUMN}/categories")),
    refused("a column with an encoding of the future", "attribute_unreadable", attribute(COLUMN, "encoding-type", "x")),
    refused("a code beyond the categories", "attribute_unreadable", codes((5, 7))),
    refused("a code far beyond the categories", "attribute_unreadable", codes((5, 127))),
    refused("a code below nothing", "attribute_unreadable", codes((5, -2))),
    refused("a column with two categories of one name", "attribute_unreadable", categories(["a", "a", "b"])),
    refused("a column with too few categories", "attribute_unreadable", categories(["a", "b"])),
    refused("a column without any category", "attribute_unreadable", categories([])),
    refused("a column with fewer cells", "attribute_wrong_length", column(np.array(["a", "b"] * 29, object))),
    refused("a column with more cells", "attribute_wrong_length", column(np.array(["a", "b"] * 31, object))),
    refused("a column of no cell", "attribute_wrong_length", column(np.array([], object))),
    refused("a column with two dimensions", "", column(np.zeros((60, 2)))),
    refused("a column that is a number", "attribute_unreadable", column(1.0)),
    refused("a column that is a text", "attribute_unreadable", column("T cell")),
    refused("a column that is a dictionary", "attribute_wrong_length", column({"a": 1})),
    refused("a column with no value at all", "attribute_empty", codes(*((cell, -1) for cell in range(60)))),
    refused("a column of NaN alone", "attribute_empty", column(np.full(60, np.nan))),
    refused("a column of empty texts", "attribute_empty", column(np.full(60, "", object))),
    imported("a column of measurements of few cells", "attribute_made_text", declare("n_counts")),
    imported("a column in which each cell is its own", "", column(np.array([f"v{n}" for n in NUMBERS], object))),
    refused("an endless category", "attribute_label_invalid", categories(["x" * 501, "b", "c"])),
    imported("cells without a value", "attribute_without_value", codes((0, -1), (1, -1))),
    imported("a category that no cell has", "attribute_unused_values", categories(["a", "b", "c", "d"])),
    imported("whole numbers for values", "attribute_made_text", column(NUMBERS % 4)),
    imported("fractions for values", "attribute_made_text", column(NUMBERS % 4 / 2)),
    imported("numbers with NaN for values", "attribute_without_value", column(np.where(NUMBERS % 4, 1.0, np.nan))),
    imported("yes and no for values", "attribute_made_text", column(NUMBERS % 2 == 0)),
    imported("plain texts for values", "", column(np.array(["a", "b"] * 30, object))),
    imported("values in all scripts", "", categories(["T-\u7d30\u80de", "\u03b2", "\U0001f9ec"])),
    imported("a value that looks like a formula", "", categories(["=cmd()", "@SUM(A1)", "+1"])),
    imported("a value that looks like a page", "", categories(["<script>", "'; DROP TABLE", "{{ x }}"])),
    imported("two colours for three values", "colors_wrong", colors(np.array(["#ff0000", "#00ff00"]))),
    imported("a colour that is none", "colors_wrong", colors(np.array(["#ff0000", "#00ff00", "javascript:x"]))),
    imported("numbers for colours", "colors_wrong", colors(np.arange(3))),
    imported("a text for colours", "colors_wrong", colors("red")),
    imported("no colours", "", drop("uns/cell_type_colors")),
    imported(
        "colours with an encoding of the future",
        "colors_unreadable",
        attribute("uns/cell_type_colors", "encoding-type", "x"),
    ),
    imported("a dictionary for colours", "", colors({"a": "#ff0000"})),
]
