"""Writing what is said of the cells: names, annotation codes, coordinates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.store import format as fmt
from studies.store.format import StoreBuildError
from studies.store.staging import StagedDirectory


def write_cells(
    directory: Path,
    obs_keys: Sequence[str],
    annotations: Sequence[NDArray[Any]],
    projections: Sequence[NDArray[Any]],
    *,
    parts: Sequence[NDArray[np.uint32]] = (),
    source: Mapping[str, Any] | None = None,
) -> Path:
    """Write the Store of the cells to `directory`, whole or not at all.

    `annotations` are codes per cell: signed with any negative for unassigned, or unsigned with the type's highest
    number for it. `projections` have the shape (cells, 2). `parts` are the numbers, ascending, of the cells that a
    modality has. Raises StoreBuildError when one does not fit.
    """
    arrays = _named(obs_keys, annotations, projections)
    arrays |= {fmt.part_name(number): _part(part, len(obs_keys), number) for number, part in enumerate(parts)}
    staged = StagedDirectory(directory)
    try:
        for name, array in arrays.items():
            staged.save(name, array)
        staged.publish(kind="cells", cells=len(obs_keys), features=0, source=dict(source or {}))
    finally:
        staged.discard()
    return staged.target


def _named(
    obs_keys: Sequence[str], annotations: Sequence[NDArray[Any]], projections: Sequence[NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    encoded = [key.encode() for key in obs_keys]
    named: dict[str, NDArray[Any]] = {
        fmt.OBS_KEY_OFFSETS: np.cumsum([0, *map(len, encoded)], dtype=np.int64),
        fmt.OBS_KEY_BYTES: np.frombuffer(b"".join(encoded), dtype=np.uint8),
    }
    for position, codes in enumerate(annotations):
        named[fmt.annotation_name(position)] = _codes(np.asarray(codes), len(encoded), position)
    for position, places in enumerate(projections):
        named[fmt.projection_name(position)] = _coordinates(np.asarray(places), len(encoded), position)
    return named


def _codes(codes: NDArray[Any], cells: int, position: int) -> NDArray[Any]:
    if codes.shape != (cells,) or codes.dtype.kind not in "iu":
        raise StoreBuildError(f"annotation {position} must be {cells} whole numbers, not {codes.dtype}{codes.shape}")
    unassigned = codes < 0 if codes.dtype.kind == "i" else codes == fmt.unassigned(codes.dtype)
    assigned = codes[~unassigned]
    dtype = fmt.code_dtype(int(assigned.max()) + 1 if assigned.size else 0)
    stored = np.full(cells, fmt.unassigned(dtype), dtype=dtype)
    stored[~unassigned] = assigned
    return stored


def _part(cells: NDArray[np.uint32], everyone: int, number: int) -> NDArray[np.uint32]:
    if cells.ndim != 1 or np.any(np.diff(cells.astype(np.int64)) <= 0) or (cells.size and cells[-1] >= everyone):
        raise StoreBuildError(f"part {number} must be ascending numbers of {everyone} cells")
    return np.ascontiguousarray(cells, dtype="<u4")


def _coordinates(places: NDArray[Any], cells: int, position: int) -> NDArray[np.float32]:
    if places.shape != (cells, 2):
        raise StoreBuildError(f"projection {position} must have the shape ({cells}, 2), not {places.shape}")
    return np.ascontiguousarray(places, dtype="<f4")
