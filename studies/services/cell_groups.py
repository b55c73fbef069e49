"""Groups of cells as people name them: values of an annotation, or cells one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellenium_admin.core.exceptions import FieldError, InvalidInputError
from studies.models import AnnotationValue, StudyVersion
from studies.services.stores import cells_of

WAYS = ("value_ids", "cell_ids")
MOST_NAMED = 10


def invalid(pointer: str, code: str, detail: str) -> InvalidInputError:
    """Make the error of one field."""
    return InvalidInputError(detail, errors=[FieldError(pointer, code, detail)])


@dataclass(frozen=True, slots=True)
class CellGroup:
    """A group in the one way equal groups are written, `{value_ids | cell_ids: ascending numbers}`, and its size."""

    parameters: dict[str, list[int]]
    size: int


def resolve_group(version: StudyVersion, group: Mapping[str, Any], *, pointer: str) -> CellGroup:
    """Check a group of cells as somebody gave it.

    Raises InvalidInputError unless it names values of one annotation or cells of this version, and when it holds
    no cell or all of them.
    """
    resolved = _resolved(version, group, pointer=pointer)
    way = next(iter(resolved.parameters))
    if resolved.size == 0:
        raise invalid(f"{pointer}/{way}", "empty_group", "The group has no cell: choose at least one.")
    if resolved.size == version.cell_count:
        detail = "The group has all cells, so there are none to compare it with: leave at least one out."
        raise invalid(f"{pointer}/{way}", "all_cells", detail)
    return resolved


def resolve_subset(version: StudyVersion, group: Mapping[str, Any], *, pointer: str, least: int = 1) -> CellGroup:
    """Check cells to which a question is limited; they may be all. Raises InvalidInputError as `resolve_group`."""
    resolved = _resolved(version, group, pointer=pointer)
    if resolved.size < least:
        detail = f"There are {resolved.size} cells: choose at least {least}."
        raise invalid(pointer, "too_few_cells", detail)
    return resolved


def group_mask(version: StudyVersion, group: Mapping[str, list[int]], *, pointer: str = "/group1") -> NDArray[np.bool_]:
    """Mark the cells of a resolved group, shape (cells,). Raises InvalidInputError for values and cells not there."""
    if "cell_ids" in group:
        return _mask_of_cells(version, group["cell_ids"], pointer=f"{pointer}/cell_ids")
    return _mask_of_values(version, group["value_ids"], pointer=f"{pointer}/value_ids")


def _resolved(version: StudyVersion, group: Mapping[str, Any], *, pointer: str) -> CellGroup:
    given = [way for way in WAYS if group.get(way) is not None]
    if len(given) != 1 or set(group) - set(WAYS):
        raise invalid(pointer, "invalid", f"Give either {WAYS[0]} or {WAYS[1]}, and nothing else.")
    numbers = _ascending(group[given[0]], pointer=f"{pointer}/{given[0]}")
    resolved = {given[0]: numbers}
    return CellGroup(resolved, int(np.count_nonzero(group_mask(version, resolved, pointer=pointer))))


def _ascending(numbers: Any, *, pointer: str) -> list[int]:
    if not isinstance(numbers, list | tuple) or any(type(number) is not int for number in numbers):
        raise invalid(pointer, "invalid", "This must be a list of whole numbers.")
    return sorted(set(numbers))


def _mask_of_cells(version: StudyVersion, cell_ids: list[int], *, pointer: str) -> NDArray[np.bool_]:
    mask = np.zeros(version.cell_count, dtype=np.bool_)
    if not cell_ids:
        return mask
    if cell_ids[0] < 0 or cell_ids[-1] >= version.cell_count:
        wrong = cell_ids[0] if cell_ids[0] < 0 else cell_ids[-1]
        raise invalid(pointer, "unknown_cell", f"There is no cell {wrong}: cells are 0 to {version.cell_count - 1}.")
    mask[cell_ids] = True
    return mask


def _mask_of_values(version: StudyVersion, value_ids: list[int], *, pointer: str) -> NDArray[np.bool_]:
    values = list(
        AnnotationValue.objects.filter(pk__in=_storable(value_ids), group__version=version).select_related("group")
    )
    unknown = sorted(set(value_ids) - {value.pk for value in values})
    if unknown:
        named = ", ".join(map(str, unknown[:MOST_NAMED]))
        detail = f"The study's current version has no annotation value {named}; read its annotations again."
        raise invalid(pointer, "unknown_value", detail)
    groups = {value.group.position for value in values}
    if len(groups) > 1:
        detail = "The values belong to several annotations: give those of one, or name the cells by cell_ids."
        raise invalid(pointer, "several_annotations", detail)
    if not groups:
        return np.zeros(version.cell_count, dtype=np.bool_)
    codes = cells_of(version).codes(groups.pop())
    return np.isin(codes, np.array([value.code for value in values], dtype=codes.dtype))


def _storable(numbers: list[int]) -> list[int]:
    """Leave out what is beyond the database's keys, and so cannot be one."""
    return [number for number in numbers if 0 < number < 2**63]
