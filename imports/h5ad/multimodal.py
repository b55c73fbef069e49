"""An h5mu file: its modalities, one after another, and what they say of the same cells put together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from imports.h5ad import contract, elements
from imports.h5ad.annotations import Annotation
from imports.h5ad.declaration import PLACE, Declaration, declaration_of, read_keys, read_own_keys
from imports.h5ad.findings import Findings, some
from imports.h5ad.frames import open_frame, read_names
from imports.h5ad.matrices import Progress
from imports.h5ad.parts import ModalityFile, Part, read_part
from imports.h5ad.projections import Projections

SAME_CELLS = "mdata.mod['{name}'] = mdata.mod['{name}'][mdata.obs_names].copy()"


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
        _check_cells(name, part.cells, cells, own)
        findings.extend_from(f"mod['{name}']", own)
        parts.append(part)
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


def _check_cells(name: str, own: list[str], cells: list[str], findings: Findings) -> None:
    """Refuse a modality with other cells: what was not measured is not zero, and a Store has all cells."""
    if own == cells or not own or not cells:
        return
    here, all_cells = set(own), set(cells)
    if here == all_cells:
        remedy = f"Bring them into one order: {SAME_CELLS.format(name=name)}, then mdata.update()."
        findings.error("modality_cells_unordered", "obs.index", found="the same cells in another order", remedy=remedy)
        return
    found = f"{len(here & all_cells)} of {len(all_cells)} cells, and {len(here - all_cells)} that are not in obs"
    remedy = "Keep the cells all modalities have: muon.pp.intersect_obs(mdata)."
    findings.error("modality_cells_differ", "obs.index", found=found, expected="all cells of the file", remedy=remedy)


def _together(whole: Declaration, cells: list[str], parts: list[Part], findings: Findings) -> Modalities:
    annotations: dict[str, Annotation] = {}
    projections: dict[str, Any] = {}
    modalities = []
    for part in parts:
        renamed = {}
        for annotation in part.annotations:
            key = _annotation_key(annotation, annotations, part.modality.name, findings)
            renamed[annotation.key] = key
            annotations.setdefault(key, replace(annotation, key=key))
        for key, places in part.projections:
            other = projections.get(key)
            same = other is None or np.array_equal(other, places)
            projections.setdefault(key if same else _beside(key, part.modality.name, "obsm", findings), places)
        modalities.append(_with_keys(part.modality, renamed))
    if not annotations:
        expected, remedy = "at least one column of obs of a modality", contract.MAIN_BY_MODALITY.remedy
        findings.error(
            "key_empty", f"{PLACE}['main_sample_attributes']", found="none", expected=expected, remedy=remedy
        )
    return Modalities(whole, cells, modalities, list(annotations.values()), list(projections.items()))


def _annotation_key(annotation: Annotation, held: Mapping[str, Annotation], modality: str, findings: Findings) -> str:
    other = held.get(annotation.key)
    if other is None or (other.labels == annotation.labels and np.array_equal(other.codes, annotation.codes)):
        return annotation.key
    return _beside(annotation.key, modality, "obs", findings)


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
