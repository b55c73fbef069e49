"""7: rows of unknown genes and values are counted; NaN is no number, infinity stays, and so does -1."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.builders.h5ad import replace
from tests.imports.acceptance.conftest import Convert, codes

KEY = "uns/cellenium/differentially_expressed_genes"


def table() -> pd.DataFrame:
    """Eight rows: four good ones, of unusual fold changes, an unknown gene, two unknown values and a second row."""
    return pd.DataFrame(
        {
            "names": ["GENE0", "GENE1", "GENE2", "GENE3", "nobody", "GENE4", "GENE5", "GENE0"],
            "scores": np.arange(8.0),
            "logfoldchanges": [np.nan, np.inf, -1.0, -np.inf, 1.0, 1.0, 1.0, 5.0],
            "pvals": [0.1] * 8,
            "pvals_adj": [0.2] * 8,
            "attribute_name": ["cell_type"] * 5 + ["cell_type", "nowhere", "cell_type"],
            "ref_attr_value": ["T cell"] * 3 + ["B cell", "T cell", "Z cell", "T cell", "T cell"],
            "cmp_attr_value": ["rest"] * 8,
        }
    )


def test_every_row_is_accounted_for(path: Path, convert: Convert) -> None:
    findings, content = convert(replace(path, KEY, table()))
    assert codes(findings) == [
        ("warning", "de_unknown_genes"),
        ("warning", "de_unknown_values"),
        ("warning", "de_rows_repeated"),
        ("note", "de_fold_change_unusual"),
        ("note", "de_table_read"),
    ]
    assert [finding.found for finding in findings][:3] == [
        "1 of 8 rows, left out; 1: 'nobody'",
        "2 of 8 rows, left out; 2: 'cell_type: Z cell', 'nowhere: T cell'",
        "1 rows, left out",
    ]
    assert content is not None
    t_cells, b_cells = content.differential_expression
    assert (t_cells.annotation_key, t_cells.value_label, t_cells.modality) == ("cell_type", "T cell", "rna")
    assert t_cells.rows == (
        ("GENE0", 0.0, None, 0.1, 0.2),
        ("GENE1", 1.0, np.inf, 0.1, 0.2),
        ("GENE2", 2.0, -1.0, 0.1, 0.2),
    )
    assert b_cells.rows == (("GENE3", 3.0, -np.inf, 0.1, 0.2),)


@pytest.mark.parametrize("column", ["names", "logfoldchanges", "ref_attr_value"])
def test_a_column_is_missing(column: str, path: Path, convert: Convert) -> None:
    findings, content = convert(replace(path, KEY, table().drop(columns=column)))
    assert codes(findings) == [("warning", "de_table_wrong")]
    assert column in findings[0].found
    assert content is not None
    assert content.differential_expression == ()


def test_something_else(path: Path, convert: Convert) -> None:
    assert codes(convert(replace(path, KEY, np.arange(3)))[0]) == [("warning", "de_table_wrong")]


def test_categories_for_names(path: Path, convert: Convert) -> None:
    findings, content = convert(replace(path, KEY, table().iloc[2:4].astype({"names": "category"})))
    assert content is not None
    assert sum(len(one.rows) for one in content.differential_expression) == 2
    assert codes(findings)[-1] == ("note", "de_table_read")
