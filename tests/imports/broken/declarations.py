"""Rules about `uns['cellenium']`, each broken."""

from typing import Any

import h5py
import numpy as np

from tests.imports.broken.case import UNS, Case, attribute, dataset, drop, imported, put, refused

TEXTS = ("title", "description", "X_pseudolayer_name")
LISTS = ("ncit_tissue_ids", "mesh_disease_ids", "main_sample_attributes")
OPTIONAL_LISTS = ("secondary_sample_attributes", "advanced_sample_attributes", "import_projections")
NO_TEXT: dict[str, Any] = {
    "a number": 5,
    "a fraction": 0.5,
    "yes": True,
    "a list": np.array(["a", "b"]),
    "a dictionary": {"a": 1},
}
NO_LIST: dict[str, Any] = {
    "a text": "cell_type",
    "a number": 5,
    "numbers": np.array([1, 2]),
    "a table": np.array([["a", "b"], ["c", "d"]]),
    "a dictionary": {"a": "b"},
}
NO_NUMBER: dict[str, Any] = {
    "a text": "9606",
    "a fraction": 9606.5,
    "yes": True,
    "a list": np.array([9606]),
    "a dictionary": {"a": 1},
}


def key(name: str) -> str:
    return f"{UNS}/{name}"


def unknown_encoding(name: str) -> Any:
    return attribute(key(name), "encoding-type", "something-new")


def misspelled(file: h5py.File) -> None:
    file.move(key("title"), key("titel"))


CASES: list[Case] = [
    refused("no declaration", "metadata_missing", drop(UNS)),
    refused("no uns", "metadata_missing", drop("uns")),
    refused("the declaration is a text", "metadata_missing", put(UNS, "A study")),
    refused("a declaration without a key", "key_missing", put(UNS, {})),
    refused("a misspelled key", "key_missing", misspelled),
    *(refused(f"{name} is missing", "key_missing", drop(key(name))) for name in (*TEXTS, "taxonomy_id", *LISTS)),
    *(refused(f"{name} is None", "key_missing", put(key(name), None)) for name in (*TEXTS, "taxonomy_id", *LISTS)),
    *(
        refused(f"{name} is {what}", "key_wrong_type", put(key(name), value))
        for name in TEXTS
        for what, value in NO_TEXT.items()
    ),
    *(
        refused(f"{name} is {what}", "key_wrong_type", put(key(name), value))
        for name in (*LISTS, *OPTIONAL_LISTS)
        for what, value in NO_LIST.items()
    ),
    *(
        refused(f"taxonomy_id is {what}", "key_wrong_type", put(key("taxonomy_id"), value))
        for what, value in NO_NUMBER.items()
    ),
    refused("metadata is a text", "key_wrong_type", put(key("metadata"), "text")),
    refused("metadata is a list", "key_wrong_type", put(key("metadata"), np.array(["a"]))),
    *(
        refused(f"{name} has an encoding of the future", "key_unreadable", unknown_encoding(name))
        for name in ("title", "taxonomy_id", "main_sample_attributes", "metadata")
    ),
    refused("title is empty", "key_empty", put(key("title"), "")),
    refused("title is blank", "key_empty", put(key("title"), " \t ")),
    refused("X_pseudolayer_name is empty", "key_empty", put(key("X_pseudolayer_name"), "")),
    refused("main_sample_attributes is empty", "key_empty", put(key("main_sample_attributes"), np.array([], "U1"))),
    refused("import_projections is empty", "key_empty", put(key("import_projections"), np.array([], "U1"))),
    refused("title is endless", "key_too_long", put(key("title"), "x" * 501)),
    refused("X_pseudolayer_name is endless", "key_too_long", put(key("X_pseudolayer_name"), "x" * 201)),
    *(
        refused(f"taxonomy_id is {value}", "taxonomy_invalid", put(key("taxonomy_id"), value))
        for value in (0, -9606, 2**31, 2**62)
    ),
    imported("an organism nobody expects", "taxonomy_unknown", put(key("taxonomy_id"), 7227)),
    imported(
        "an attribute named twice", "named_twice", put(key("main_sample_attributes"), np.array(["cell_type"] * 2))
    ),
    imported(
        "an attribute main and secondary",
        "named_twice",
        put(key("secondary_sample_attributes"), np.array(["cell_type"])),
    ),
    imported("no description", "", put(key("description"), "")),
    imported("no tissue", "", put(key("ncit_tissue_ids"), np.array([], "U1"))),
    imported(
        "permissions from elsewhere", "permissions_ignored", put(key("initial_reader_permissions"), np.array(["a"]))
    ),
    imported("metadata of numbers that are none", "", put(key("metadata"), {"a": np.nan, "b": np.array([np.inf, 1])})),
    refused("a title that is no UTF-8", "key_unreadable", dataset(key("title"), data=np.bytes_(b"\xff\xfe\xfd"))),
]
