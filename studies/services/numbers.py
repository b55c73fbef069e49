"""Numbers on their way in and out of JSON."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.services.cell_groups import invalid


def numbers_for_json(numbers: NDArray[np.float64]) -> list[float | None]:
    """Write numbers as JSON knows them: NaN and infinities become null."""
    return [number if math.isfinite(number) else None for number in numbers.tolist()]


def whole_number(number: Any, *, pointer: str, least: int) -> int:
    """Check a count. Raises InvalidInputError naming the field."""
    if type(number) is not int or number < least:
        raise invalid(pointer, "invalid", f"This must be a whole number of at least {least}.")
    return number


def fraction(number: Any, *, pointer: str) -> float:
    """Check a number from 0 to 1. Raises InvalidInputError naming the field."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
        raise invalid(pointer, "invalid", "This must be a number from 0 to 1.")
    return float(number)
