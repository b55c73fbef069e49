"""An h5mu file: its modalities, one after another, and what they say of the same cells put together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from imports.h5ad import contract, elements
from imports.h5ad.annotations import Annotation
from imports.h5ad.declaration import PLACE, Declaration, declaration_of, read_keys, read_own_keys
from imports.h5ad.findings import Findings, some
from imports.h5ad.frames import open_frame, read_names
from imports.h5ad.matrices import Progress
from imports.h5ad.parts import ModalityFile, Part, read_part
from imports.h5ad.projections import Projections

IN_ORDER = (
    "mdata.mod['{name}'] = mdata.mod['{name}']"
    "[[cell for cell in mdata.obs_names if cell in mdata.mod['{name}'].obs_names]].copy()"
)


@dataclass(frozen=True, slots=True)
class Modalities:
    """All parts of a file put together; of use only when nothing was an error."""

    declared: Declaration
    cells: list[str]
    modalities: list[ModalityFile]
    annotations: list[Annotation]
    projections: Projections


def is_multimodal(file: h5py.Group) -> bool:
    """Tell whether the file is one of mudata's."""
    return "X" not in file and elements.group(file, "mod") is not None


def read_modalities(file: h5py.Group, progress: Progress, findings: Findings) -> Modalities:
    """Check all declared modalities; their findings are placed at `mod['name']`."""
    values = read_keys(file, contract.H5MU_RULES, findings)
    whole = declaration_of(_without_modalities(values), findings)
    obs = open_frame(file, "obs", findings)
    cells = read_names(obs, findings) if obs is not None else []
    parts = []
    for name, kind in _declared(file, values, findings).items():
        group, own = file["mod"][name], Findings()
        declared = _declared_of(group, name, whole, values, own)
        part = read_part(group, declared, own, name=name, kind=kind, progress=progress)
        rows = _rows(name, part.cells, cells, own)
        findings.extend_from(f"mod['{name}']", own)
        parts.append(part if rows is None else _among_all(part, rows, len(cells)))
    if findings.errors:
        return Modalities(whole, cells, [], [], [])
    return _together(whole, cells, parts, findings)


def _without_modalities(values: Mapping[str, Any]) -> dict[str, Any]:
    by_modality = {contract.MAIN_BY_MODALITY.key, contract.PROJECTIONS_BY_MODALITY.key}
    return {key: value for key, value in values.items() if key not in by_modality} | {"import_projections": ()}


def _declared(file: h5py.Group, values: Mapping[str, Any], findings: Findings) -> dict[str, str]:
    """Give the modalities that are both declared and there, those of genes first."""
    declared: dict[str, str] = values.get("modalities", {})
    there, path = elements.names(file["mod"]), f"{PLACE}['modalities']"
    for name, kind in declared.items():
        if kind not in contract.MODALITY_KINDS:
            expected = f"one of {', '.join(contract.MODALITY_KINDS)}"
            remedy = contract.MODALITIES.remedy
            findings.error(
                "modality_unknown", f"{path}['{name}']", found=repr(kind[:60]), expected=expected, remedy=remedy
            )
        if elements.group(file["mod"], name) is None or len(name) > contract.LONGEST_MODALITY or name not in there:
            expected = f"a modality of the file, with a name of at most {contract.LONGEST_MODALITY} characters"
            remedy = f"Take it out of {path}; the file has {some(there)}."
            findings.error("modality_missing", f"mod['{name[:60]}']", found="nothing", expected=expected, remedy=remedy)
    for key in ("main_sample_attributes", "import_projections"):
        if strangers := sorted(set(values.get(key, {})) - set(declared)):
            remedy = f"Name it in {path} too, or take it out."
            findings.error("modality_undeclared", f"{PLACE}['{key}']", found=some(strangers), remedy=remedy)
    if left := [name for name in there if name not in declared]:
        findings.note("modality_unused", "mod", found=some(left), remedy=f"Name them in {path} to have them imported.")
    usable = {name: kind for name, kind in declared.items() if kind in contract.MODALITY_KINDS}
    there = [name for name in there if elements.group(file["mod"], name) is not None]
    return {
        name: usable[name] for name in sorted(usable, key=lambda name: (usable[name] != "gene", name)) if name in there
    }


def _declared_of(
    group: h5py.Group, name: str, whole: Declaration, values: Mapping[str, Any], findings: Findings
) -> Declaration:
    own = read_own_keys(group, findings)
    main = values.get("main_sample_attributes", {}).get(name, ())
    projections = values.get("import_projections", {}).get(name, ())
    given = declaration_of({**own, "main_sample_attributes": main, "import_projections": projections}, findings)
    return replace(
        whole,
        main_attributes=given.main_attributes,
        secondary_attributes=given.secondary_attributes,
        projections=given.projections,
    )


def _rows(name: str, own: list[str], cells: list[str], findings: Findings) -> NDArray[np.uint32] | None:
    """Give the numbers of a modality's cells among those of the file, None when they are all of them.

    What was not measured is not zero: a modality with fewer cells has a Store with fewer rows.
    """
    if own == cells or not own or not cells:
        return None
    numbers = {cell: number for number, cell in enumerate(cells)}
    if strangers := [cell for cell in own if cell not in numbers]:
        remedy = "Have obs hold the cells of all modalities: mdata.update()."
        found = f"of {len(own)} cells, not in obs of the file: {some(strangers)}"
        findings.error("modality_cells_unknown", "obs.index", found=found, expected="cells of the file", remedy=remedy)
        return None
    rows = np.array([numbers[cell] for cell in own], dtype=np.uint32)
    if np.any(np.diff(rows.astype(np.int64)) <= 0):
        remedy = f"Bring them into the order of the file: {IN_ORDER.format(name=name)}, then mdata.update()."
        findings.error("modality_cells_unordered", "obs.index", found="cells in another order", remedy=remedy)
        return None
    found = f"{len(own)} of {len(cells)} cells; the others take no part in its questions"
    findings.note("modality_cells_fewer", "obs.index", found=found)
    return rows


def _among_all(part: Part, rows: NDArray[np.uint32], cells: int) -> Part:
    """Say of all cells what a modality says of its own; others have no value and no place."""
    annotations = []
    for annotation in part.annotations:
        codes = np.full(cells, -1, dtype=np.int32)
        codes[rows] = annotation.codes
        annotations.append(replace(annotation, codes=codes))
    projections = []
    for key, own in part.projections:
        places = np.full((cells, 2), np.nan, dtype=np.float32)
        places[rows] = own
        projections.append((key, places))
    return replace(part, modality=replace(part.modality, rows=rows), annotations=annotations, projections=projections)


def _together(whole: Declaration, cells: list[str], parts: list[Part], findings: Findings) -> Modalities:
    annotations: dict[str, Annotation] = {}
    measured: dict[str, NDArray[np.bool_]] = {}
    projections: dict[str, Any] = {}
    modalities = []
    for part in parts:
        renamed, here = {}, _measured(part, len(cells))
        for annotation in part.annotations:
            key = annotation.key
            if key in annotations and not _agree(annotations[key], measured[key], annotation, here):
                key = _beside(key, part.modality.name, "obs", findings)
            renamed[annotation.key] = key
            annotations[key] = _merged(annotations.get(key), replace(annotation, key=key))
            measured[key] = here | measured.get(key, here)
        for key, places in part.projections:
            other = projections.get(key)
            same = other is None or np.array_equal(other, places, equal_nan=True)
            projections.setdefault(key if same else _beside(key, part.modality.name, "obsm", findings), places)
        modalities.append(_with_keys(part.modality, renamed))
    if not annotations:
        expected, remedy = "at least one column of obs of a modality", contract.MAIN_BY_MODALITY.remedy
        findings.error(
            "key_empty", f"{PLACE}['main_sample_attributes']", found="none", expected=expected, remedy=remedy
        )
    return Modalities(whole, cells, modalities, list(annotations.values()), list(projections.items()))


def _measured(part: Part, cells: int) -> NDArray[np.bool_]:
    """Mark the cells a modality has."""
    here = np.ones(cells, dtype=np.bool_)
    if part.modality.rows is not None:
        here[:] = False
        here[part.modality.rows] = True
    return here


def _agree(one: Annotation, in_one: NDArray[np.bool_], other: Annotation, in_other: NDArray[np.bool_]) -> bool:
    """Tell whether two modalities say the same of the cells that both have."""
    both = in_one & in_other
    return one.labels == other.labels and np.array_equal(one.codes[both], other.codes[both])


def _merged(held: Annotation | None, annotation: Annotation) -> Annotation:
    """Let a modality say of cells what those before it had not."""
    if held is None:
        return annotation
    return replace(held, codes=np.where(held.codes >= 0, held.codes, annotation.codes).astype(np.int32))


def _beside(key: str, modality: str, table: str, findings: Findings) -> str:
    name = f"{key} ({modality})"
    path = f"mod['{modality}'].{table}"
    longest = contract.LONGEST_NAME if table == "obs" else contract.LONGEST_PROJECTION
    if len(name) > longest:
        expected = f"at most {longest} characters"
        findings.error("name_too_long", path, found=f"{len(name)} characters", expected=expected, remedy="Rename it.")
    found = f"{key!r} differs from that of another modality; this one is {name!r}"
    findings.note(
        "same_name_in_modalities", path, found=found, remedy="Rename one of them to choose the name yourself."
    )
    return name


def _with_keys(modality: ModalityFile, renamed: Mapping[str, str]) -> ModalityFile:
    tables = tuple(
        replace(table, annotation_key=renamed[table.annotation_key]) for table in modality.differential_expression
    )
    return replace(modality, differential_expression=tables)
