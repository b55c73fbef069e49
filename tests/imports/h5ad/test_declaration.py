"""`uns['cellenium']`: every key, missing, misspelt, of another kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from imports.h5ad import contract
from imports.h5ad.findings import Finding
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect
from tests.builders.h5ad import REQUIRED_KEYS, changing, index_of, remove, replace

Look = Callable[[], list[Finding]]
Codes = Callable[[], list[tuple[str, str, str]]]
CELLENIUM = "uns/cellenium"


def at(key: str) -> str:
    return f"uns['cellenium']['{key}']"


def test_a_valid_file_has_no_findings(look: Look) -> None:
    assert look() == []


def test_the_required_keys_are_those_of_cellenium() -> None:
    assert {rule.key for rule in contract.RULES if rule.required} == set(REQUIRED_KEYS)


@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_each_required_key_is_missed_by_name(path: Path, key: str, look: Look) -> None:
    remove(path, f"{CELLENIUM}/{key}")
    (finding,) = look()
    assert (finding.severity, finding.code, finding.path) == ("error", "key_missing", at(key))
    assert key in finding.remedy
    assert finding.expected


@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_none_is_no_value(path: Path, key: str, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/{key}", None)
    assert codes() == [("error", "key_missing", at(key))]


def test_everything_is_missed_at_once(path: Path, look: Look) -> None:
    for key in REQUIRED_KEYS:
        remove(path, f"{CELLENIUM}/{key}")
    assert {finding.path for finding in look()} == {at(key) for key in REQUIRED_KEYS}


def test_a_misspelt_key_is_pointed_out(path: Path, look: Look) -> None:
    with changing(path) as file:
        file.move(f"{CELLENIUM}/ncit_tissue_ids", f"{CELLENIUM}/ncit_tissue_id")
    (finding,) = look()
    assert finding.found == "no such key, but 'ncit_tissue_id'"


@pytest.mark.parametrize("name", ["uns", CELLENIUM])
def test_without_any_metadata_the_keys_are_listed(path: Path, name: str, look: Look) -> None:
    remove(path, name)
    (finding,) = look()
    assert (finding.code, finding.path) == ("metadata_missing", "uns['cellenium']")
    assert all(key in finding.expected for key in REQUIRED_KEYS)


@pytest.mark.parametrize("name", ["uns", CELLENIUM])
def test_metadata_that_is_no_dictionary(path: Path, name: str, codes: Codes) -> None:
    replace(path, name, np.arange(3))
    assert codes() == [("error", "metadata_missing", "uns['cellenium']")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", 5),
        ("title", np.array(["a", "b"])),
        ("title", {"a": "b"}),
        ("description", 1.5),
        ("taxonomy_id", "9606"),
        ("taxonomy_id", 9606.0),
        ("taxonomy_id", True),
        ("taxonomy_id", np.array([9606])),
        ("ncit_tissue_ids", "C12434"),
        ("ncit_tissue_ids", np.array([1, 2])),
        ("ncit_tissue_ids", np.array([["C1"], ["C2"]])),
        ("mesh_disease_ids", "HEALTHY"),
        ("X_pseudolayer_name", 1),
        ("main_sample_attributes", "cell_type"),
        ("main_sample_attributes", {"rna": np.array(["cell_type"])}),
        ("secondary_sample_attributes", "batch"),
        ("import_projections", "umap"),
        ("metadata", "a text"),
        ("metadata", np.array(["a"])),
    ],
)
def test_another_kind_is_named(path: Path, key: str, value: Any, look: Look) -> None:
    replace(path, f"{CELLENIUM}/{key}", value)
    finding = look()[0]
    assert (finding.severity, finding.code, finding.path) == ("error", "key_wrong_type", at(key))
    assert finding.found
    assert finding.expected in {str(kind) for kind in contract.Kind}
    assert finding.remedy


@pytest.mark.parametrize("key", ["title", "X_pseudolayer_name"])
def test_an_empty_text_is_refused(path: Path, key: str, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/{key}", "  ")
    assert codes() == [("error", "key_empty", at(key))]


@pytest.mark.parametrize("empty", [np.array([], dtype=float), np.array([], dtype=object), np.array([], dtype="U1")])
@pytest.mark.parametrize("key", ["ncit_tissue_ids", "mesh_disease_ids", "secondary_sample_attributes"])
def test_an_empty_list_is_one_whatever_its_type(path: Path, key: str, empty: Any, look: Look) -> None:
    replace(path, f"{CELLENIUM}/{key}", empty)
    assert look() == []


def test_an_empty_description_is_fine(path: Path, look: Look) -> None:
    replace(path, f"{CELLENIUM}/description", "")
    assert look() == []


def test_there_must_be_an_attribute(path: Path, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/main_sample_attributes", np.array([], dtype=float))
    assert codes() == [("error", "key_empty", at("main_sample_attributes"))]


def test_a_title_must_fit(path: Path, look: Look) -> None:
    replace(path, f"{CELLENIUM}/title", "x" * 501)
    (finding,) = look()
    assert (finding.code, finding.expected) == ("key_too_long", "at most 500")


@pytest.mark.parametrize(
    ("taxonomy_id", "severity", "code"),
    [(7227, "warning", "taxonomy_unknown"), (0, "error", "taxonomy_invalid"), (2**40, "error", "taxonomy_invalid")],
)
def test_an_organism_nobody_knows(path: Path, taxonomy_id: int, severity: str, code: str, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/taxonomy_id", taxonomy_id)
    assert codes() == [(severity, code, at("taxonomy_id"))]


@pytest.mark.parametrize("key", ["initial_reader_permissions", "initial_admin_permissions"])
def test_permissions_in_the_file_are_not_honoured(path: Path, key: str, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/{key}", np.array(["everybody"]))
    assert codes() == [("note", "permissions_ignored", at(key))]


def test_a_key_that_cannot_be_read(path: Path, look: Look) -> None:
    with changing(path) as file:
        file[f"{CELLENIUM}/title"].attrs["encoding-type"] = "nonsense"
    (finding,) = look()
    assert (finding.code, finding.path) == ("key_unreadable", at("title"))


def test_a_text_with_a_zero_byte_is_no_text(path: Path, codes: Codes) -> None:
    with changing(path) as file:
        del file[f"{CELLENIUM}/title"]
        file.create_dataset(f"{CELLENIUM}/title", data=np.array(b"a\0b", dtype="S3"))
        file[f"{CELLENIUM}/title"].attrs.update({"encoding-type": "string", "encoding-version": "0.2.0"})
    assert codes() == [("error", "key_wrong_type", at("title"))]


def test_what_the_file_declares_is_read(path: Path) -> None:
    replace(path, f"{CELLENIUM}/advanced_sample_attributes", np.array(["n_counts"]))
    replace(path, f"{CELLENIUM}/metadata", {"a": "b", "n": 3, "x": np.array([1.5, np.nan]), "deep": {"c": True}})
    with open_h5ad(path) as file:
        declared = inspect(file)
    assert [finding.code for finding in declared.findings] == ["attribute_made_text"]
    assert declared.study is not None
    said = declared.study.declared
    assert (said.title, said.description, said.taxonomy_id) == ("A small study", "Made for a test.", 9606)
    assert (said.ncit_tissue_ids, said.mesh_disease_ids) == (("C12434",), ("HEALTHY",))
    assert (said.main_attributes, said.secondary_attributes) == (("cell_type", "n_counts"), ("batch",))
    assert said.metadata == {"a": "b", "n": 3, "x": [1.5], "deep": {"c": True}}


def test_an_attribute_named_twice_counts_once(path: Path, codes: Codes) -> None:
    replace(path, f"{CELLENIUM}/secondary_sample_attributes", np.array(["batch", "batch", "cell_type"]))
    assert codes() == [("warning", "named_twice", at("secondary_sample_attributes"))]


def test_all_mistakes_are_told_at_once(path: Path, look: Look) -> None:
    remove(path, f"{CELLENIUM}/title")
    remove(path, "obsm/X_umap")
    remove(path, "X")
    replace(path, f"{CELLENIUM}/taxonomy_id", "human")
    replace(path, f"{CELLENIUM}/main_sample_attributes", np.array(["celltype"]))
    assert {finding.code for finding in look()} == {
        "key_missing", "key_wrong_type", "attribute_missing", "projection_missing", "matrix_missing",
    }  # fmt: skip


def test_raw_is_said_to_be_unused(path: Path, codes: Codes) -> None:
    with changing(path) as file:
        file.create_group("raw")
    assert codes() == [("note", "raw_unused", "raw")]


@pytest.mark.parametrize(
    ("base", "expected", "codes_expected"),
    [
        (2, 2.0, []),
        (10.0, 10.0, []),
        (None, None, []),
        (-1, None, ["log_base_invalid"]),
        ("e", None, ["log_base_invalid"]),
    ],
)
def test_the_base_of_the_logarithm(path: Path, base: Any, expected: float | None, codes_expected: list[str]) -> None:
    replace(path, "uns/log1p", {"base": base})
    with open_h5ad(path) as file:
        inspection = inspect(file)
    assert [finding.code for finding in inspection.findings] == codes_expected
    assert inspection.study is not None
    assert inspection.study.log1p_base == expected


def test_an_index_with_another_name_is_fine(path: Path, look: Look) -> None:
    with changing(path) as file:
        for frame in ("obs", "var"):
            file.move(f"{frame}/_index", f"{frame}/id")
            file[frame].attrs["_index"] = "id"
    assert look() == []


@pytest.mark.parametrize("frame", ["obs", "var"])
def test_names_must_be_unique(path: Path, frame: str, look: Look) -> None:
    with changing(path) as file:
        index_of(file, frame)[3:5] = ["twice", "twice"]
    (finding,) = look()
    assert (finding.severity, finding.code, finding.path) == ("error", "names_repeated", f"{frame}.index")
    assert finding.found == "1: 'twice'"


@pytest.mark.parametrize("frame", ["obs", "var"])
def test_names_must_be_texts(path: Path, frame: str, look: Look) -> None:
    count = 60 if frame == "obs" else 30
    replace(path, f"{frame}/_index", np.arange(count))
    assert look()[0].code == "names_wrong_type"


def test_names_of_genes_must_fit(path: Path, codes: Codes) -> None:
    with changing(path) as file:
        index_of(file, "var")[0] = "x" * 201
        index_of(file, "var")[1] = ""
    assert codes() == [("error", "names_invalid", "var.index")]


@pytest.mark.parametrize("frame", ["obs", "var"])
def test_a_missing_table(path: Path, frame: str, codes: Codes) -> None:
    remove(path, frame)
    assert codes() == [("error", "frame_missing", frame)]


@pytest.mark.parametrize("frame", ["obs", "var"])
def test_a_table_of_the_oldest_kind(path: Path, frame: str, look: Look) -> None:
    remove(path, frame)
    with changing(path) as file:
        file[frame] = np.zeros(60, dtype=[("index", "S10"), ("cell_type", "i4")])
    (finding,) = look()
    assert (finding.code, finding.path) == ("frame_missing", frame)
    assert "0.7" in finding.found


def test_tables_as_anndata_wrote_them_until_0_8(path: Path, look: Look) -> None:
    with h5py.File(path, "r+") as file:
        for frame in ("obs", "var"):
            file[frame].attrs["encoding-version"] = "0.1.0"
        categories = file["obs"].create_group("__categories")
        for column in ("cell_type", "batch"):
            old = file["obs"][column]
            categories[column] = old["categories"].asstr()[()].astype(object)
            codes = old["codes"][()]
            del file["obs"][column]
            file["obs"][column] = codes
            file["obs"][column].attrs["categories"] = categories[column].ref
    assert look() == []
