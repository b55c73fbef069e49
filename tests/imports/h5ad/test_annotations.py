"""Columns of `obs` as annotations: what is taken, what is changed, what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imports.h5ad.annotations import Annotation
from imports.h5ad.findings import Finding, Findings
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect
from tests.builders.h5ad import COLORS, add_column, changing, replace, study_file

Look = Callable[[], list[Finding]]
CELLS = 60


def read(path: Path) -> tuple[Annotation, Findings]:
    with open_h5ad(path) as file:
        inspection = inspect(file)
    assert inspection.study is not None, inspection.findings
    return inspection.study.annotations[0], inspection.findings


def codes_of(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.code) for finding in findings]


def categorical(values: list[Any]) -> pd.Categorical:
    return pd.Categorical((values * CELLS)[:CELLS])


def test_a_categorical_of_texts_is_taken_as_it_is(path: Path) -> None:
    annotation, findings = read(path)
    assert findings == []
    assert (annotation.key, annotation.is_primary) == ("cell_type", True)
    assert annotation.labels == ("T cell", "B cell", "Monocyte")
    assert annotation.colors == COLORS
    assert np.bincount(annotation.codes).tolist() == [20, 20, 20]
    assert annotation.codes.tolist() == sorted(annotation.codes)


def test_the_order_of_categories_is_kept(path: Path) -> None:
    add_column(path, "stage", pd.Categorical((["late", "early"] * CELLS)[:CELLS], categories=["late", "early"]))
    annotation, _ = read(path)
    assert annotation.labels == ("late", "early")
    assert annotation.codes[:4].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("values", "labels", "first"),
    [
        (np.arange(CELLS) % 11, tuple(map(str, range(11))), [0, 1, 2]),
        (np.arange(CELLS) % 2 == 0, ("False", "True"), [1, 0, 1]),
        ((np.arange(CELLS) % 3) / 2, ("0", "0.5", "1"), [0, 1, 2]),
        (categorical([3, 1]), ("1", "3"), [1, 0, 1]),
        (categorical([True, False]), ("False", "True"), [1, 0, 1]),
        (categorical([1.5, 2.0]), ("1.5", "2"), [0, 1, 0]),
        (pd.array((np.arange(CELLS) % 2).tolist(), dtype="Int64"), ("0", "1"), [0, 1, 0]),
        (pd.array([True, False] * 30, dtype="boolean"), ("False", "True"), [1, 0, 1]),
    ],
)
def test_numbers_and_truths_become_texts(path: Path, values: Any, labels: tuple[str, ...], first: list[int]) -> None:
    add_column(path, "cluster", values)
    annotation, findings = read(path)
    assert annotation.labels == labels
    assert annotation.codes[:3].tolist() == first
    assert codes_of(findings) == [("note", "attribute_made_text")]


def test_plain_texts_need_no_categories(path: Path) -> None:
    add_column(path, "donor", np.array((["b", "a"] * CELLS)[:CELLS], dtype=object))
    annotation, findings = read(path)
    assert (annotation.labels, findings) == (("a", "b"), [])


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(["a", None, "b"] * 20),
        pd.Categorical.from_codes([0, -1, 1] * 20, ["a", "b"]),
        np.array(["a", "", "b"] * 20, dtype=object),
        pd.Categorical(["a", "", "b"] * 20),
    ],
)
def test_cells_without_a_value_stay_unassigned(path: Path, values: Any) -> None:
    add_column(path, "donor", values)
    annotation, findings = read(path)
    assert annotation.labels == ("a", "b")
    assert annotation.codes[:6].tolist() == [0, -1, 1, 0, -1, 1]
    found = next(finding for finding in findings if finding.code == "attribute_without_value")
    assert found.severity == "note"
    assert found.found.startswith("20 of 60 cells")


def test_numbers_without_a_value_stay_unassigned_as_well(path: Path) -> None:
    add_column(path, "cluster", np.where(np.arange(CELLS) % 3 == 1, np.nan, np.arange(CELLS) % 3))
    annotation, _ = read(path)
    assert annotation.labels == ("0", "2")
    assert annotation.codes[:3].tolist() == [0, -1, 1]


def test_unused_categories_are_left_out_and_colors_follow(path: Path) -> None:
    add_column(path, "donor", pd.Categorical(["c", "a"] * 30, categories=["a", "b", "c"]))
    replace(path, "uns/donor_colors", np.array(["#111111", "#222222", "#333333"]))
    annotation, findings = read(path)
    assert annotation.labels == ("a", "c")
    assert annotation.colors == ("#111111", "#333333")
    assert annotation.codes[:2].tolist() == [1, 0]
    assert codes_of(findings) == [("note", "attribute_unused_values")]


@pytest.mark.parametrize(("count", "severity"), [(100, None), (101, "error")])
def test_there_may_be_a_hundred_values(tmp_path: Path, count: int, severity: str | None) -> None:
    path = study_file(tmp_path / "large.h5ad", cells=120)
    add_column(path, "many", np.array([f"v{number % count}" for number in range(120)], dtype=object))
    with open_h5ad(path) as file:
        inspection = inspect(file)
    assert [finding.code for finding in inspection.findings] == (["attribute_too_many_values"] if severity else [])
    if inspection.study is not None:
        assert len(set(inspection.study.annotations[0].colors)) == 100


def test_a_measurement_is_no_annotation(tmp_path: Path) -> None:
    path = study_file(tmp_path / "large.h5ad", cells=120)
    add_column(path, "score", np.random.default_rng(0).normal(size=120))
    with open_h5ad(path) as file:
        findings = inspect(file).findings
    assert ("error", "attribute_too_many_values") in codes_of(findings)


def test_an_attribute_that_is_no_column(path: Path, look: Look) -> None:
    replace(path, "uns/cellenium/main_sample_attributes", np.array(["celltype"]))
    (finding,) = look()
    assert (finding.severity, finding.code, finding.path) == ("error", "attribute_missing", "obs['celltype']")
    assert "'cell_type'" in finding.remedy


def test_the_index_is_no_attribute(path: Path, look: Look) -> None:
    replace(path, "uns/cellenium/main_sample_attributes", np.array(["_index"]))
    assert look()[0].code == "attribute_missing"


def test_a_column_of_another_length(path: Path, look: Look) -> None:
    add_column(path, "short", pd.Categorical(["a"] * 59))
    assert look()[0].code == "attribute_wrong_length"


def test_a_column_that_cannot_be_read(path: Path, look: Look) -> None:
    with changing(path) as file:
        del file["obs/cell_type/codes"]
    assert look()[0].code == "attribute_unreadable"


def test_codes_that_lead_nowhere(path: Path, look: Look) -> None:
    with changing(path) as file:
        file["obs/cell_type/codes"][0] = 99
    assert look()[0].code == "attribute_unreadable"


def test_a_column_without_any_value(path: Path, look: Look) -> None:
    add_column(path, "empty", pd.Categorical([None] * CELLS, categories=["a"]))
    assert ("error", "attribute_empty") in codes_of(look())


def test_labels_must_fit(path: Path, look: Look) -> None:
    add_column(path, "long", pd.Categorical(["x" * 501] * CELLS))
    assert codes_of(look()) == [("error", "attribute_label_invalid")]


@pytest.mark.parametrize(
    ("colors", "code"),
    [
        (np.array(["#111111", "#222222"]), "colors_wrong"),
        (np.array(["#111111", "#222222", "no colour"]), "colors_wrong"),
        (np.array([1, 2, 3]), "colors_wrong"),
        (np.array([[0.1, 0.2, 7.0]] * 3), "colors_wrong"),
        ({"a": 1}, "colors_wrong"),
        ("#111111", "colors_wrong"),
    ],
)
def test_colors_that_cannot_be_used_are_chosen_anew(path: Path, colors: Any, code: str) -> None:
    replace(path, "uns/cell_type_colors", colors)
    annotation, findings = read(path)
    assert codes_of(findings) == [("warning", code)]
    assert annotation.colors == ("#1f77b4", "#ff7f0e", "#279e68")


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        (["#ABC", "#12345678", "#abcd"], ("#aabbcc", "#123456", "#aabbcc")),
        ([[0.0, 0.5, 1.0, 1.0]] * 3, ("#0080ff",) * 3),
    ],
)
def test_colors_in_other_forms_are_understood(path: Path, colors: Any, expected: tuple[str, ...]) -> None:
    replace(path, "uns/cell_type_colors", np.array(colors))
    annotation, findings = read(path)
    assert (annotation.colors, findings) == (expected, [])
