"""The Stores of a version, opened once per process."""

import logging
from pathlib import Path
from typing import TypeVar

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from cellenium_admin.core.exceptions import FieldError, InvalidInputError, NotFoundError, UnavailableError
from studies.models import Layer, StudyVersion
from studies.services import published_stores
from studies.store import cache
from studies.store.cache import OpenStores
from studies.store.format import CELLS_DIRECTORY, StoreDamagedError
from studies.store.local_copies import note_use
from studies.store.reader import CellsReader, MatrixReader

logger = logging.getLogger(__name__)

Reader = TypeVar("Reader", CellsReader, MatrixReader)


def default_layer(version: StudyVersion, *, modality: str | None = None) -> Layer:
    """Give the layer questions are answered from: the first of a modality, or of the file; genes come first there.

    Raises NotFoundError without any.
    """
    layers = version.layers.order_by("pk") if modality is None else version.layers.filter(modality=modality)
    layer = layers.order_by("pk").first()
    if layer is None:
        raise NotFoundError("This study has no expression matrix.")
    return layer


def first_layers(version: StudyVersion) -> list[Layer]:
    """Give the layer questions are answered from, of every modality, in the order of the file."""
    first: dict[str, Layer] = {}
    for layer in version.layers.order_by("pk"):
        first.setdefault(layer.modality, layer)
    return list(first.values())


def layer_of(version: StudyVersion, *, name: str | None = None, modality: str | None = None) -> Layer:
    """Give a layer by name, or the one questions are answered from; of the first modality when none is named.

    Raises InvalidInputError when there is no such.
    """
    if modality is None:
        modality = default_layer(version).modality
    layers = version.layers.filter(modality=modality).order_by("pk")
    layer = layers.first() if name is None else layers.filter(name=name).first()
    if layer is None and not layers.exists():
        known = ", ".join(dict.fromkeys(version.layers.order_by("pk").values_list("modality", flat=True)))
        detail = f"The study has no matrix of {modality!r}; it has: {known or 'none'}."
        raise InvalidInputError(detail, errors=[FieldError("/modality", "no_matrix", detail)])
    if layer is None:
        detail = f"The study has no layer {name!r} of {modality!r}; it has: {', '.join(one.name for one in layers)}."
        raise InvalidInputError(detail, errors=[FieldError("/layer", "unknown_layer", detail)])
    return layer


def rows_of(layer: Layer) -> NDArray[np.uint32] | None:
    """Give the cells that are a layer's rows, ascending; None when they are all. Raises UnavailableError."""
    return cells_of(layer.version).part(layer.row_map) if layer.row_map else None


def local_cells(layer: Layer, mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Give the rows of a layer whose cells are marked, ascending; cells it does not have are left out."""
    rows = rows_of(layer)
    return np.flatnonzero(mask if rows is None else mask[rows]).astype(np.uint32)


def matrix_of(layer: Layer) -> MatrixReader:
    """Open the Store of a layer, fetched if it is not here. Raises UnavailableError when it is damaged or gone."""
    return _opened(cache.matrices, layer.store_path)


def cells_of(version: StudyVersion) -> CellsReader:
    """Open the Store of a version's cells, fetched if it is not here. Raises UnavailableError as `matrix_of`."""
    return _opened(cache.cells, f"{version.pk}/{CELLS_DIRECTORY}")


def _opened(opened: OpenStores[Reader], relative: str) -> Reader:
    """Open a Store; a missing or damaged one is fetched where Stores lie in object storage, once."""
    directory = Path(settings.STORE_DIR) / relative
    try:
        if published_stores.is_published() and not opened.is_whole(directory):
            published_stores.fetch(relative, works=opened.is_whole)
        reader = opened.get(directory)
    except StoreDamagedError as error:
        logger.exception("A Store cannot be opened.")
        raise UnavailableError(
            "The data of this study cannot be read; an administrator must import it again.", code="store_damaged"
        ) from error
    note_use(directory)
    return reader
