"""Two-dimensional coordinates of the cells."""

import h5py
import numpy as np
from numpy.typing import NDArray

from imports.h5ad import contract, elements
from imports.h5ad.declaration import PLACE, Declaration
from imports.h5ad.elements import UnreadableError
from imports.h5ad.findings import Findings

Projections = list[tuple[str, NDArray[np.float32]]]


def read_projections(file: h5py.Group, declared: Declaration, cells: int, findings: Findings) -> Projections:
    """Read the first two columns of each declared `obsm['X_<key>']`, shape (cells, 2)."""
    found = [(key, _read(file, key, cells, findings)) for key in declared.projections]
    for key in declared.projections:
        _check_sample(file, f"{key}{contract.SAMPLED_SUFFIX}", cells, findings)
    return [(key, places) for key, places in found if places is not None]


def _read(file: h5py.Group, key: str, cells: int, findings: Findings) -> NDArray[np.float32] | None:
    path, expected = f"obsm['X_{key}']", f"a table of numbers with {cells} rows and at least 2 columns"
    remedy = f"Compute it before writing the file, or list what is there in {PLACE}['import_projections']."
    obsm = elements.group(file, "obsm")
    if obsm is None or f"X_{key}" not in obsm or len(key) > contract.LONGEST_PROJECTION:
        held = ", ".join(elements.names(obsm)) if obsm is not None else ""
        found = f"obsm holds {held or 'nothing'}"
        findings.error("projection_missing", path, found=found[:300], expected=expected, remedy=remedy)
        return None
    try:
        places = np.asarray(elements.read(obsm, f"X_{key}"))
    except (UnreadableError, ValueError) as error:
        findings.error("projection_unreadable", path, found=str(error), expected=expected, remedy=remedy)
        return None
    if places.ndim != 2 or places.shape[0] != cells or places.shape[1] < 2 or places.dtype.kind not in "iuf":
        found = f"{places.dtype} with shape {places.shape}"
        findings.error("projection_wrong_shape", path, found=found, expected=expected, remedy=remedy)
        return None
    with np.errstate(over="ignore"):
        return _finite(places[:, :2].astype(np.float32), path, findings)


def _finite(places: NDArray[np.float32], path: str, findings: Findings) -> NDArray[np.float32] | None:
    lost = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if lost.size:
        found = f"{lost.size} cells without coordinates, the first is cell {lost[0]}"
        remedy = "Remove these cells from the file or compute the projection for all."
        findings.error("projection_not_finite", path, found=found, expected="finite numbers", remedy=remedy)
        return None
    return places


def _check_sample(file: h5py.Group, key: str, cells: int, findings: Findings) -> None:
    uns = elements.group(file, "uns")
    held = elements.group(uns, "cellenium") if uns is not None else None
    if held is None or key not in held:
        return
    path, expected = f"{PLACE}['{key}']", f"whole numbers from 0 to {cells - 1}"
    remedy = "Remove the key or compute the sample again for these cells."
    try:
        sample = np.asarray(elements.read(held, key))
    except (UnreadableError, ValueError) as error:
        findings.error("sample_unreadable", path, found=str(error), expected=expected, remedy=remedy)
        return
    outside = sample.dtype.kind in "iu" and sample.size and (sample.min() < 0 or sample.max() >= cells)
    if sample.ndim != 1 or (sample.size and sample.dtype.kind not in "iu") or outside:
        found = f"{sample.dtype} with shape {sample.shape}" + (f", {sample.min()} to {sample.max()}" if outside else "")
        findings.error("sample_out_of_range", path, found=found, expected=expected, remedy=remedy)
        return
    findings.note("key_ignored", path, found=f"{sample.size} cells", remedy="All cells are shown.")
