"""The Stores of a version, opened once per process."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from cellenium_admin.core.exceptions import NotFoundError, UnavailableError
from studies.models import Layer, StudyVersion
from studies.store import cache
from studies.store.format import CELLS_DIRECTORY, StoreDamagedError
from studies.store.reader import CellsReader, MatrixReader

logger = logging.getLogger(__name__)

Reader = TypeVar("Reader", CellsReader, MatrixReader)


def default_layer(version: StudyVersion, *, modality: str = "rna") -> Layer:
    """Give the layer questions are answered from: the first that was imported. Raises NotFoundError without any."""
    layer = version.layers.filter(modality=modality).order_by("pk").first()
    if layer is None:
        raise NotFoundError("This study has no expression matrix.")
    return layer


def matrix_of(layer: Layer) -> MatrixReader:
    """Open the Store of a layer. Raises UnavailableError when it is damaged or gone."""
    return _opened(cache.matrices.get, layer.store_path)


def cells_of(version: StudyVersion) -> CellsReader:
    """Open the Store of a version's cells. Raises UnavailableError when it is damaged or gone."""
    return _opened(cache.cells.get, f"{version.pk}/{CELLS_DIRECTORY}")


def _opened(get: Callable[[Path], Reader], relative: str) -> Reader:
    try:
        return get(Path(settings.STORE_DIR) / relative)
    except StoreDamagedError as error:
        logger.exception("A Store cannot be opened.")
        raise UnavailableError(
            "The data of this study cannot be read; an administrator must import it again.", code="store_damaged"
        ) from error
