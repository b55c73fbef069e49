"""Tables for spreadsheets, the one place that writes them: no cell of ours is taken for a formula.

A cell that a spreadsheet would compute gets an apostrophe in front, which spreadsheets take for "this is text". Cells
that begin with an apostrophe get another one, so whoever reads a table with a program takes one off each and has what
was written. Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
from collections.abc import Iterable

APOSTROPHE = "'"
# The second four are what programs that fold East Asian widths read as the first.
FORMULA_STARTS = frozenset("=+-@" + "\uff1d\uff0b\uff0d\uff20")
CONTROL_STARTS = frozenset("\t\r\n")

Cell = str | int | float | None


def line(cells: Iterable[Cell]) -> str:
    r"""Write one row, every text quoted, ending in `\r\n` (RFC 4180); numbers stay numbers, None is empty."""
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_NONNUMERIC).writerow([_cell(cell) for cell in cells])
    return written.getvalue()


def as_text(cell: str) -> str:
    """Give the cell, marked as text where a spreadsheet would compute it."""
    return f"{APOSTROPHE}{cell}" if _is_risky(cell) else cell


def _cell(cell: Cell) -> str | int | float:
    if cell is None:
        return ""
    return as_text(cell) if isinstance(cell, str) else cell


def _is_risky(cell: str) -> bool:
    # Some programs skip blanks before they look.
    starts = cell[:1], cell.lstrip()[:1]
    return starts[0] in CONTROL_STARTS or bool({*starts} & {*FORMULA_STARTS, APOSTROPHE})
