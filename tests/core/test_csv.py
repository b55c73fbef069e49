"""Tables for spreadsheets: nothing in them is computed, and a program reads back what was written."""

import csv as standard
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellenium_admin.core import csv

# csv.reader knows no way to write half a surrogate pair, and older ones none for NUL; PostgreSQL keeps neither.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
RISKY = st.builds(str.__add__, st.sampled_from([*"=+-@'\t\r\n\" ,;", "\uff1d", "\u00a0=", " +", "''="]), TEXT)
CELLS = st.lists(TEXT | RISKY | st.integers() | st.none(), min_size=1, max_size=6)


def read(text: str) -> list[list[str]]:
    return list(standard.reader(io.StringIO(text, newline=""), strict=True))


def unmarked(cell: str) -> str:
    """What a program does that wants the text and not a spreadsheet's view of it."""
    return cell.removeprefix("'")


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(CELLS)
def test_a_program_reads_back_what_was_written(cells: list[csv.Cell]) -> None:
    line = csv.line(cells)
    assert line.endswith("\r\n")
    (found,) = read(line)
    wanted = ["" if cell is None else str(cell) for cell in cells]
    assert [
        unmarked(cell) if isinstance(given, str) else cell for given, cell in zip(cells, found, strict=True)
    ] == wanted
    assert [list(row) for row in read(line + line)] == [found, found]


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.lists(TEXT | RISKY, min_size=1, max_size=6))
def test_no_cell_begins_as_a_formula_does(cells: list[str]) -> None:
    (found,) = read(csv.line(cells))
    for cell in found:
        assert cell[:1] not in {"\t", "\r", "\n"}
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["plain", "", None], '"plain","",""'),
        (["=1+1", "+1", "-1", "@SUM(A1)"], '"\'=1+1","\'+1","\'-1","\'@SUM(A1)"'),
        (["\t=1", "\r=1", "\n=1"], '"\'\t=1","\'\r=1","\'\n=1"'),
        (['=HYPERLINK("http://example.org";"x")'], '"\'=HYPERLINK(""http://example.org"";""x"")"'),
        (["a=1", "a@example.org", "2026-11-22", "a-b"], '"a=1","a@example.org","2026-11-22","a-b"'),
        ([1, -1, 10**20], "1,-1,100000000000000000000"),
        (['say "x"', "a,b", "a\r\nb"], '"say ""x""","a,b","a\r\nb"'),
        (["'quoted'"], "\"''quoted'\""),
        (["Zürich 量"], '"Zürich 量"'),
        (["  =1"], '"\'  =1"'),
    ],
)
def test_known_rows(cells: list[csv.Cell], line: str) -> None:
    assert csv.line(cells) == f"{line}\r\n"


def test_a_separator_cannot_be_smuggled_in() -> None:
    """Whatever follows a quote or a line end within a cell stays in that cell."""
    assert read(csv.line(['x"\r\n=1+1,"y', "z"])) == [['x"\r\n=1+1,"y', "z"]]
