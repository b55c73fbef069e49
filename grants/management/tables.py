"""Rows for people and for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Write rows under their headings, each column as wide as it must be."""
    lines = [[column.upper().replace("_", " ") for column in columns]]
    lines += [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(line[number]) for line in lines) for number in range(len(columns))]
    written = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in written)


def as_json(value: Any) -> str:
    """Write for programs."""
    return json.dumps(value, default=str, indent=2, ensure_ascii=False)


def _cell(value: Any) -> str:
    """Write control characters out, so that what stands in AWS cannot steer the terminal of whoever reads it."""
    text = "-" if value in (None, "") else str(value)
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
