"""3: attributes that are no categorical of texts are made one by a rule that is told, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.builders.h5ad import add_column, study_data
from tests.imports.acceptance.conftest import Convert, codes

NUMBERS = np.arange(60)
MADE_TEXT, UNASSIGNED = ("note", "attribute_made_text"), ("note", "attribute_without_value")


@pytest.mark.parametrize(
    ("values", "labels", "told"),
    [
        (NUMBERS % 3, ["0", "1", "2"], [MADE_TEXT]),
        (NUMBERS % 2 / 2, ["0", "0.5"], [MADE_TEXT]),
        (NUMBERS % 2 == 0, ["False", "True"], [MADE_TEXT]),
        (pd.Categorical(["a", None] * 30), ["a"], [UNASSIGNED]),
        (np.where(NUMBERS % 2, 1.0, np.nan), ["1"], [MADE_TEXT, UNASSIGNED]),
        (NUMBERS % 100, [str(number) for number in range(60)], [MADE_TEXT]),
    ],
    ids=["whole numbers", "fractions", "truth values", "texts and none", "numbers and NaN", "many values"],
)
def test_values_become_texts(values: Any, labels: list[str], told: list[Any], path: Path, convert: Convert) -> None:
    findings, content = convert(add_column(path, "given", values))
    assert codes(findings) == told
    assert content is not None
    annotation = content.annotations[0]
    assert [value.label for value in annotation.values] == labels
    assert sum(value.cell_count for value in annotation.values) == np.count_nonzero(~pd.isna(np.asarray(values)))


def test_too_many_values(tmp_path: Path, convert: Convert) -> None:
    from_builder = tmp_path / "many.h5ad"
    study = study_of(101)
    study.write_h5ad(from_builder)
    (error,) = convert(from_builder)[0].errors
    assert (error.code, error.path, error.expected) == (
        "attribute_too_many_values",
        "obs['cell_type']",
        "at most 100 values",
    )
    study_of(100).write_h5ad(from_builder)
    assert convert(from_builder)[1] is not None


def study_of(values: int) -> Any:
    """Make a study whose main attribute has so many values."""
    study = study_data(cells=202)
    del study.uns["cell_type_colors"]
    study.obs["cell_type"] = pd.Categorical([f"type {number % values}" for number in range(202)])
    return study
