"""Files of CZ CELLxGENE Discover: what cellenium asks for, read from the fields of their own schema.

Fields: https://github.com/chanzuckerberg/single-cell-curation, schema/*/schema.md. The organism stands in `uns` since
schema 6, in `obs` before.
"""

import re
from typing import Any

import h5py
import numpy as np

from imports.h5ad import contract, elements
from imports.h5ad.declaration import declared_group
from imports.h5ad.elements import UNREADABLE, UnreadableError
from imports.h5ad.findings import Findings

MAIN = "cell_type"
OTHERS = (
    *("tissue", "disease", "assay", "development_stage", "sex", "self_reported_ethnicity", "donor_id"),
    *("suspension_type", "tissue_type"),
)
TERMS = ("tissue_ontology_term_id", "disease_ontology_term_id", "cell_type_ontology_term_id", "assay_ontology_term_id")
ORGANISM = "organism_ontology_term_id"
LAYER_NAME = "X"
TAXON = re.compile(r"NCBITaxon:(\d{1,9})")


def is_cellxgene(file: h5py.Group) -> bool:
    """Tell whether a file follows that schema and not cellenium's."""
    uns = elements.group(file, "uns")
    is_marked = uns is not None and ("schema_version" in uns or "schema_reference" in uns or ORGANISM in uns)
    return declared_group(file) is None and is_marked and _column(file, MAIN) is not None


def declared_values(file: h5py.Group, findings: Findings) -> dict[str, Any]:
    """Give the values of cellenium's keys; what cannot be told from the file is an error that names the field."""
    title, version = _text(file, "title"), _text(file, "schema_version")
    if not title:
        remedy = "Set uns['title'] to the study's name."
        findings.error("key_missing", "uns['title']", found="no text", expected="a text", remedy=remedy)
    if len(title) > contract.LONGEST_TITLE:
        found, expected = f"{len(title)} characters", f"at most {contract.LONGEST_TITLE}"
        findings.error("key_too_long", "uns['title']", found=found, expected=expected, remedy="Shorten it.")
    remedy = "Write uns['cellenium'] to choose title, attributes and projections yourself."
    found = f"no uns['cellenium'], but the schema of CELLxGENE {version}".strip()
    findings.note("cellxgene_schema", "uns", found=found, remedy=remedy)
    return {
        "title": title,
        "taxonomy_id": _taxonomy_id(file, findings),
        "X_pseudolayer_name": LAYER_NAME,
        "main_sample_attributes": (MAIN,),
        "secondary_sample_attributes": tuple(key for key in OTHERS if _is_fit(file, key, findings)),
        "import_projections": _projections(file) or contract.DEFAULT_PROJECTIONS,
        "metadata": {key: terms for key in TERMS if (terms := _categories(file, key))},
    }


def feature_names(group: h5py.Group, count: int) -> list[str] | None:
    """Give the symbols of the genes, or None where there is no whole list of them."""
    var = elements.group(group, "var")
    try:
        names = [] if var is None or "feature_name" not in var else list(elements.read(var, "feature_name"))
    except UnreadableError:
        return None
    texts = [name.strip()[: contract.LONGEST_NAME] if isinstance(name, str) else "" for name in names]
    return texts if len(texts) == count and all(text and "\0" not in text for text in texts) else None


def _text(file: h5py.Group, name: str) -> str:
    try:
        value = elements.read(file["uns"], name) if name in file["uns"] else ""
    except UnreadableError:
        return ""
    return value.strip() if isinstance(value, str) and "\0" not in value else ""


def _column(file: h5py.Group, key: str) -> h5py.Group | h5py.Dataset | None:
    obs = elements.group(file, "obs")
    return obs[key] if obs is not None and key in obs else None


def _categories(file: h5py.Group, key: str) -> list[str]:
    """Give the categories of a column that is categorical."""
    column = _column(file, key)
    if not isinstance(column, h5py.Group) or "categories" not in column:
        return []
    try:
        return [value for value in elements.read(column, "categories") if isinstance(value, str) and "\0" not in value]
    except (UnreadableError, TypeError):
        return []


def _taxonomy_id(file: h5py.Group, findings: Findings) -> int | None:
    terms = [_text(file, ORGANISM)] if ORGANISM in file["uns"] else _categories(file, ORGANISM)
    found = TAXON.fullmatch(terms[0]) if len(terms) == 1 else None
    if found is None:
        path = f"uns['{ORGANISM}']" if ORGANISM in file["uns"] else f"obs['{ORGANISM}']"
        expected, remedy = "one organism, as in 'NCBITaxon:9606'", f"Set uns['{ORGANISM}'] = 'NCBITaxon:9606'."
        findings.error("taxonomy_invalid", path, found=str(terms)[:200], expected=expected, remedy=remedy)
        return None
    return int(found[1])


def _is_fit(file: h5py.Group, key: str, findings: Findings) -> bool:
    """Take categorical columns; one with too many values, as donors may be, is left out."""
    count = len(_categories(file, key))
    if count > contract.MOST_VALUES:
        found, expected = f"{count} values; it is left out", f"at most {contract.MOST_VALUES} values"
        findings.note("attribute_left_out", f"obs['{key}']", found=found, expected=expected)
    return 0 < count <= contract.MOST_VALUES


def _projections(file: h5py.Group) -> tuple[str, ...]:
    """Give all embeddings with two columns or more, UMAPs first."""
    obsm = elements.group(file, "obsm")
    keys = (
        []
        if obsm is None
        else [key[2:] for key in elements.names(obsm) if key.startswith("X_") and _is_flat(obsm, key)]
    )
    return tuple(sorted(keys, key=lambda key: (key != "umap", "umap" not in key.lower(), key)))


def _is_flat(obsm: h5py.Group, key: str) -> bool:
    try:
        places = obsm[key]
        is_table = isinstance(places, h5py.Dataset) and places.ndim == 2 and places.shape[1] >= 2
        return (
            is_table
            and places.dtype.kind == "f"
            and len(key) - 2 <= contract.LONGEST_PROJECTION
            and not _has_gaps(places)
        )
    except UNREADABLE:
        return False


def _has_gaps(places: h5py.Dataset) -> bool:
    """Tell whether a cell has no place: their schema allows it, a picture of all cells does not."""
    return not bool(np.isfinite(places[:, :2]).all())
