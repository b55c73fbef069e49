"""Where the cells lie in a picture of the study."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.exceptions import NotFoundError
from studies.models import Projection, StudyVersion
from studies.services.stores import cells_of


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A projection and the place of each cell, float32 of shape (cells, 2)."""

    projection: Projection
    places: NDArray[np.float32]


def coordinates(*, version: StudyVersion, key: str) -> Coordinates:
    """Read a projection by its key. Raises NotFoundError naming those there are."""
    known = {projection.key: projection for projection in version.projections.order_by("position")}
    if key not in known:
        raise NotFoundError(f"This study has no projection {key!r}; there are: {', '.join(known) or 'none'}.")
    return Coordinates(known[key], cells_of(version).coordinates(known[key].position))
