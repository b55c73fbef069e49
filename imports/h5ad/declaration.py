"""Reading `uns['cellenium']` and checking it against the contract, every key at once."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from imports.h5ad import contract, elements
from imports.h5ad.contract import KeyRule, Kind
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings, some

PLACE = "uns['cellenium']"


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the file says of itself; what is missing is empty, and there is a finding that says so."""

    title: str = ""
    description: str = ""
    taxonomy_id: int | None = None
    ncit_tissue_ids: tuple[str, ...] = ()
    mesh_disease_ids: tuple[str, ...] = ()
    layer_name: str = ""
    main_attributes: tuple[str, ...] = ()
    secondary_attributes: tuple[str, ...] = ()
    projections: tuple[str, ...] = contract.DEFAULT_PROJECTIONS
    metadata: Mapping[str, Any] = field(default_factory=dict)


def read_declaration(file: h5py.Group, findings: Findings) -> Declaration:
    """Read all keys, adding a finding for each that is missing, unreadable or of another kind."""
    values = read_keys(file, contract.RULES, findings)
    held = declared_group(file)
    if held is not None and "modalities" in held:
        remedy = "It belongs to h5mu files."
        findings.note("key_ignored", f"{PLACE}['modalities']", found="a key that is not read here", remedy=remedy)
    return declaration_of(values, findings)


def declared_group(file: h5py.Group) -> h5py.Group | None:
    """Give `uns['cellenium']`, or None when there is none."""
    uns = elements.group(file, "uns")
    return elements.group(uns, "cellenium") if uns is not None else None


def read_keys(file: h5py.Group, rules: Sequence[KeyRule], findings: Findings) -> dict[str, Any]:
    """Read the keys of some rules; what is missing or wrong is left out, and there is a finding."""
    held = declared_group(file)
    if held is None:
        required = ", ".join(rule.key for rule in rules if rule.required)
        remedy = "Set it before writing the file; docs/h5ad-format.md describes every key."
        findings.error("metadata_missing", PLACE, expected=f"a dictionary with {required}", remedy=remedy)
        return {}
    values = {rule.key: _value(held, rule, findings) for rule in rules}
    _tell_ignored(held, findings)
    _check_organism(values["taxonomy_id"], findings)
    return {key: value for key, value in values.items() if value is not None}


def read_own_keys(group: h5py.Group, findings: Findings) -> dict[str, Any]:
    """Read what a modality says in its own `uns['cellenium']`, which it need not have."""
    held = declared_group(group)
    values = {rule.key: _value(held, rule, findings) for rule in contract.OWN_RULES} if held is not None else {}
    return {key: value for key, value in values.items() if value is not None}


def declaration_of(values: Mapping[str, Any], findings: Findings) -> Declaration:
    """Put the values of keys in order."""
    main = (*values.get("main_sample_attributes", ()), *values.get("advanced_sample_attributes", ()))
    secondary = values.get("secondary_sample_attributes", ())
    return Declaration(
        title=values.get("title", ""),
        description=values.get("description", ""),
        taxonomy_id=values.get("taxonomy_id"),
        ncit_tissue_ids=values.get("ncit_tissue_ids", ()),
        mesh_disease_ids=values.get("mesh_disease_ids", ()),
        layer_name=values.get("X_pseudolayer_name", ""),
        main_attributes=_once(main, "main_sample_attributes", findings),
        secondary_attributes=_once(secondary, "secondary_sample_attributes", findings, beside=main),
        projections=_once(
            values.get("import_projections", contract.DEFAULT_PROJECTIONS), "import_projections", findings
        ),
        metadata=values.get("metadata", {}),
    )


def _value(held: h5py.Group, rule: KeyRule, findings: Findings) -> Any:
    path = f"{PLACE}['{rule.key}']"
    if rule.key not in held or elements.is_null(held, rule.key):
        if rule.required:
            findings.error("key_missing", path, found=_similar(held, rule), expected=rule.kind, remedy=rule.remedy)
        return None
    try:
        given = elements.read(held, rule.key)
    except UnreadableError as error:
        findings.error("key_unreadable", path, found=str(error), expected=rule.kind, remedy=rule.remedy)
        return None
    value: Any = _READERS[rule.kind](given)
    if value is None:
        findings.error("key_wrong_type", path, found=_shown(given), expected=rule.kind, remedy=rule.remedy)
    elif not rule.may_be_empty and value in ("", (), {}):
        findings.error("key_empty", path, found=_shown(given), expected=f"{rule.kind}, not empty", remedy=rule.remedy)
    elif rule.longest and len(value) > rule.longest:
        found = f"{len(value)} characters"
        findings.error("key_too_long", path, found=found, expected=f"at most {rule.longest}", remedy=rule.remedy)
    return value


def _similar(held: h5py.Group, rule: KeyRule) -> str:
    known = {rule.key for rule in contract.RULES}
    close = difflib.get_close_matches(rule.key, [name for name in elements.names(held) if name not in known], n=1)
    return f"no such key, but {close[0]!r}" if close else "no such key"


def _shown(given: Any) -> str:
    if isinstance(given, np.ndarray):
        return f"an array of {given.dtype} with shape {given.shape}"
    return f"{str(given)[:100]!r} ({type(given).__name__})"


def _text(given: Any) -> str | None:
    given = given.decode(errors="strict") if isinstance(given, bytes) else given
    return str(given).strip() if isinstance(given, str) and "\0" not in given else None


def _whole_number(given: Any) -> int | None:
    is_whole = isinstance(given, (int, np.integer)) and not isinstance(given, (bool, np.bool_))
    return int(given) if is_whole else None


def _texts(given: Any) -> tuple[str, ...] | None:
    if not isinstance(given, (np.ndarray, list, tuple)) or np.ndim(given) != 1:
        return None
    # An empty list has no type: anndata writes it as an array of float64.
    texts = [_text(item) for item in given]
    return None if None in texts else tuple(text for text in texts if text)


def _mapping(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        return None
    plain = {str(key): _plain(value) for key, value in given.items()}
    return {key: value for key, value in plain.items() if value is not None and "\0" not in key}


def _texts_by_modality(given: Any) -> dict[str, tuple[str, ...]] | None:
    if not isinstance(given, Mapping):
        return None
    read = {str(key): _texts(value) for key, value in given.items()}
    known = {key: value for key, value in read.items() if value is not None}
    return known if len(known) == len(read) else None


def _kinds_by_modality(given: Any) -> dict[str, str] | None:
    if not isinstance(given, Mapping):
        return None
    read = {str(key): _text(value) for key, value in given.items()}
    known = {key: value for key, value in read.items() if value is not None}
    return known if len(known) == len(read) else None


def _plain(value: Any) -> Any:
    """Make a value fit for JSON: texts, whole numbers, lists and dictionaries of them; None for anything else."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return [item for item in map(_plain, value.tolist()) if item is not None]
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return _whole_number(value) if isinstance(value, (int, np.integer)) else _text(value)


_READERS = {
    Kind.TEXT: _text,
    Kind.WHOLE_NUMBER: _whole_number,
    Kind.TEXTS: _texts,
    Kind.MAPPING: _mapping,
    Kind.TEXTS_BY_MODALITY: _texts_by_modality,
    Kind.KINDS_BY_MODALITY: _kinds_by_modality,
}


def _once(given: tuple[str, ...], key: str, findings: Findings, *, beside: tuple[str, ...] = ()) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(name for name in given if name not in beside))
    if len(kept) < len(given):
        repeated = sorted({name for name in given if given.count(name) > 1 or name in beside})
        remedy = "The first place counts; remove the others."
        findings.warning("named_twice", f"{PLACE}['{key}']", found=some(repeated), expected="once", remedy=remedy)
    return kept


def _check_organism(taxonomy_id: int | None, findings: Findings) -> None:
    if taxonomy_id is None or taxonomy_id in contract.KNOWN_ORGANISMS:
        return
    path, found = f"{PLACE}['taxonomy_id']", str(taxonomy_id)
    if not 0 < taxonomy_id < 2**31:
        remedy = contract.TAXONOMY_ID.remedy
        findings.error("taxonomy_invalid", path, found=found, expected="an NCBI taxonomy id", remedy=remedy)
        return
    known = ", ".join(f"{number} ({name})" for number, name in contract.KNOWN_ORGANISMS.items())
    remedy = "Check the id; genes of other organisms are shown as the file names them."
    findings.warning("taxonomy_unknown", path, found=found, expected=f"one of {known}", remedy=remedy)


def _tell_ignored(held: h5py.Group, findings: Findings) -> None:
    for key, reason in contract.IGNORED.items():
        if key in held:
            path, found = f"{PLACE}['{key}']", "a key that is not read here"
            if key.endswith("_permissions"):
                findings.note("permissions_ignored", path, found=found, remedy=reason)
            else:
                findings.note("key_ignored", path, found=found, remedy=reason)
