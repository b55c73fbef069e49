"""One modality of a file: the whole of an h5ad file, or one member of `mod` in an h5mu file."""

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from imports.h5ad import contract, elements
from imports.h5ad.annotations import Annotation, read_annotations
from imports.h5ad.blocks import Matrix
from imports.h5ad.de_tables import read_tables
from imports.h5ad.declaration import Declaration
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings
from imports.h5ad.frames import open_frame, read_names
from imports.h5ad.matrices import Progress, check_values, open_matrix
from imports.h5ad.projections import Projections, read_projections
from studies.content import DifferentialExpressionContent


@dataclass(frozen=True, slots=True)
class LayerFile:
    """One matrix, still in the file; `log1p_base` is None for the natural logarithm and for what has no note."""

    name: str
    matrix: Matrix
    log1p_base: float | None
    place: str = "X"


@dataclass(frozen=True, slots=True)
class ModalityFile:
    """What one modality measured; `kind` is one of contract.MODALITY_KINDS, `symbols` go with `features`.

    `rows` are the numbers, ascending, of its cells among those of the file; None when it has them all.
    """

    name: str
    kind: str
    features: list[str]
    layers: list[LayerFile]
    differential_expression: tuple[DifferentialExpressionContent, ...]
    symbols: list[str]
    rows: NDArray[np.uint32] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A modality with what its own tables say of the cells; it is of use only when nothing was an error."""

    modality: ModalityFile
    cells: list[str]
    annotations: list[Annotation]
    projections: Projections


def read_part(
    group: h5py.Group, declared: Declaration, findings: Findings, *, name: str, kind: str, progress: Progress
) -> Part:
    """Check everything the contract asks of a modality, adding a finding for whatever is wrong."""
    obs, var = open_frame(group, "obs", findings), open_frame(group, "var", findings)
    cells = read_names(obs, findings) if obs is not None else []
    genes = read_names(var, findings, longest=contract.LONGEST_NAME) if var is not None else []
    annotations = read_annotations(group, obs, declared, len(cells), findings) if obs is not None and cells else []
    projections = read_projections(group, declared, len(cells), findings) if cells else []
    layers = _layers(group, declared, (cells, genes), findings) if cells and genes else []
    _check_layers(layers, (cells, genes), progress, findings)
    tables = read_tables(group, name, genes, annotations, findings)
    _tell_unused(group, findings)
    return Part(ModalityFile(name, kind, genes, layers, tables, symbols=genes), cells, annotations, projections)


def _layers(
    group: h5py.Group, declared: Declaration, names: tuple[list[str], list[str]], findings: Findings
) -> list[LayerFile]:
    """Open X and all layers; X comes first and bears the declared name, which no other may have."""
    cells, genes = map(len, names)
    matrix = open_matrix(group, cells, genes, findings)
    found = [LayerFile(declared.layer_name, matrix, _log1p_base(group, findings))] if matrix is not None else []
    held = elements.group(group, "layers")
    taken = {declared.layer_name}
    for key in elements.names(held) if held is not None else []:
        place = f"layers['{key}']"
        if len(key) > contract.LONGEST_LAYER or "\0" in key:
            expected = f"a name of at most {contract.LONGEST_LAYER} characters"
            findings.error("layer_name_invalid", place, found=f"{len(key)} characters", expected=expected)
            continue
        matrix = open_matrix(held, cells, genes, findings, name=key, place=place)
        if matrix is not None:
            found.append(LayerFile(_free_name(key, taken, place, findings), matrix, None, place))
    return found


def _free_name(key: str, taken: set[str], place: str, findings: Findings) -> str:
    name = key
    while name in taken:
        name += " (layer)"
    taken.add(name)
    if name != key:
        remedy = f"Give X another X_pseudolayer_name than {key!r}, or rename the layer."
        findings.note("layer_renamed", place, found=f"X is called {key!r} too; this is {name!r}", remedy=remedy)
    return name


def _check_layers(
    layers: list[LayerFile], names: tuple[list[str], list[str]], progress: Progress, findings: Findings
) -> None:
    total = sum(layer.matrix.stored for layer in layers)
    for layer, before in zip(layers, _running(layers), strict=True):

        def told(done: int, _own: int, before: int = before) -> None:
            progress(before + done, total)

        check_values(layer.matrix, names, told, findings, place=layer.place)


def _running(layers: list[LayerFile]) -> Iterator[int]:
    before = 0
    for layer in layers:
        yield before
        before += layer.matrix.stored


def _log1p_base(group: h5py.Group, findings: Findings) -> float | None:
    """Read the base of the logarithm that scanpy notes; without a note it is the natural one."""
    uns = elements.group(group, "uns")
    held = elements.group(uns, "log1p") if uns is not None else None
    if held is None or "base" not in held:
        return None
    try:
        base = elements.read(held, "base")
    except UnreadableError:
        base = "nothing readable"
    if base is None:
        return None
    if isinstance(base, (int, float, np.number)) and np.isfinite(base) and base > 0 and base != 1:
        return float(base)
    path, expected = "uns['log1p']['base']", "a positive number other than 1, or None"
    remedy = "The natural logarithm is assumed; correct the note if that is wrong."
    findings.warning("log_base_invalid", path, found=str(base)[:100], expected=expected, remedy=remedy)
    return None


def _tell_unused(group: h5py.Group, findings: Findings) -> None:
    if "raw" in group or "raw.X" in group:
        remedy = "X and the layers are imported; write adata.layers['raw'] = ... to have it too."
        findings.note("raw_unused", "raw", found="a second matrix", remedy=remedy)
