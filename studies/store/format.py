"""What a Store directory looks like on disk: names, types, the manifest and the errors. Numpy only.

Two kinds of directory exist. `matrix` is one expression matrix, both cell after cell and gene after gene; `cells`
holds what is said of cells. Each array is one `.npy` file; `manifest.json` is written last and lists every file with
type, shape, size and SHA-256, so that a directory without a manifest is not a Store.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

FORMAT = "cellenium-store"
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
UNFINISHED_PREFIX = ".building-"
CELLS_DIRECTORY = "cells"

Kind = Literal["matrix", "cells"]
KINDS: tuple[Kind, ...] = ("matrix", "cells")

# Of a matrix, cell after cell: genes ascending, values, and ranks: twice (average rank - rank of zero), a whole number.
ROW_INDPTR, ROW_GENES, ROW_VALUES, ROW_RANKS = "rows.indptr", "rows.genes", "rows.values", "rows.ranks"
ROW_ENTRIES = (ROW_GENES, ROW_VALUES, ROW_RANKS)
# Of a matrix, gene after gene: cells in ascending order of value, with LEVEL_FLAG set where a new value begins, and
# the different values ("levels") once each.
GENE_INDPTR, GENE_CELLS, LEVEL_INDPTR, LEVELS = "genes.indptr", "genes.cells", "genes.level_indptr", "genes.levels"
# Of a matrix, one number per gene.
ZERO_RANK2, TIE_TERM, SUM, CENTERED = "zero_rank2", "tie_term", "sum", "centered_sum_of_squares"
MATRIX_ARRAYS = (
    *(ROW_INDPTR, ROW_GENES, ROW_VALUES, ROW_RANKS),
    *(GENE_INDPTR, GENE_CELLS, LEVEL_INDPTR, LEVELS),
    *(ZERO_RANK2, TIE_TERM, SUM, CENTERED),
)
LEVEL_FLAG = np.uint32(1 << 31)
CELL_MASK = np.uint32((1 << 31) - 1)
MOST_CELLS = (1 << 31) - 1

# Of the cells.
OBS_KEY_OFFSETS, OBS_KEY_BYTES = "obs_keys.offsets", "obs_keys.bytes"


class StoreDamagedError(Exception):
    """A Store on disk is not what its manifest says, or has none."""


class StoreBuildError(ValueError):
    """The input cannot become a Store; the message names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class ArrayEntry:
    """One file as the manifest describes it; `bytes` and `sha256` are of the whole file."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a Store directory holds; `features` is 0 for the cells."""

    kind: Kind
    cells: int
    features: int
    arrays: Mapping[str, ArrayEntry]
    source: Mapping[str, Any]

    def to_json(self) -> str:
        """Write as JSON, with the format's name and version."""
        content = {"format": FORMAT, "version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(content, indent=1, sort_keys=True)


def annotation_name(position: int) -> str:
    """Name the array of codes of the annotation group at a position."""
    return f"annotations.{position}"


def part_name(number: int) -> str:
    """Name the array of the numbers of those cells that a modality has."""
    return f"parts.{number}"


def projection_name(position: int) -> str:
    """Name the array of coordinates of the projection at a position."""
    return f"projections.{position}"


def file_name(array: str) -> str:
    """Name the file of an array."""
    return f"{array}.npy"


def unassigned(dtype: np.dtype[Any]) -> int:
    """Give the code that means no value: the highest number of the type."""
    return int(np.iinfo(dtype).max)


def rank_dtype(cells: int) -> np.dtype[Any]:
    """Choose the type that holds twice any difference of ranks among so many cells."""
    return np.dtype("<i4") if 2 * cells <= np.iinfo(np.int32).max else np.dtype("<i8")


def gene_dtype(genes: int) -> np.dtype[Any]:
    """Choose the type that holds so many gene numbers."""
    return np.dtype("<u2") if genes <= 1 << 16 else np.dtype("<u4")


def code_dtype(values: int) -> np.dtype[Any]:
    """Choose the type that holds so many codes and the one for unassigned."""
    return np.dtype("<u2") if values <= unassigned(np.dtype("<u2")) else np.dtype("<u4")


def read_manifest(directory: Path) -> Manifest:
    """Read and check a manifest.

    Raises StoreDamagedError when it is missing, unreadable, or of a format this code does not know.
    """
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_bytes())
        if (content["format"], content["version"]) != (FORMAT, FORMAT_VERSION) or content["kind"] not in KINDS:
            raise StoreDamagedError(f"{path} is not of format {FORMAT} {FORMAT_VERSION}: import the study again")
        return _manifest(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreDamagedError(f"{path} cannot be read ({error}): import the study again") from error


def _manifest(content: Mapping[str, Any]) -> Manifest:
    arrays = {
        name: ArrayEntry(str(entry["dtype"]), tuple(map(int, entry["shape"])), int(entry["bytes"]), entry["sha256"])
        for name, entry in content["arrays"].items()
    }
    return Manifest(content["kind"], int(content["cells"]), int(content["features"]), arrays, content["source"])
