"""The page for those who prepare files is what the code makes of it, and names all keys and findings."""

import re
from pathlib import Path

import pytest

from imports.h5ad import contract
from tests.tools import h5ad_format

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "h5ad-format.md").read_text(encoding="utf-8")


def test_the_page_is_as_the_code_is() -> None:
    assert h5ad_format.render() == PAGE, "run `make docs`"


def test_every_ignored_key_is_named() -> None:
    assert all(f"`{key}`" in PAGE for key in contract.IGNORED)


def test_every_code_is_named() -> None:
    """The texts that look like codes, found without regard for calls."""
    modules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "imports/h5ad").glob("*.py"))
    named = set(re.findall(r"^\| `(\w+)` \| (?:error|warning|note) \|", PAGE, flags=re.MULTILINE))
    written = set(re.findall(r'\b(?:error|warning|note|refused)\(\s*"(\w+)"', modules))
    assert len(written) > 60
    assert written <= named


@pytest.mark.parametrize(
    ("code", "expected", "remedy"),
    [
        ("modality_cells_unknown", "cells of the file", "mdata.update()"),
        ("attribute_too_many_values", "at most … values", "Use a column with fewer values"),
        ("filter_unknown", "compressions that h5py and hdf5plugin can read", "gzip or lzf"),
        ("matrix_not_finite", "finite numbers that fit into float32", "Replace NaN and infinities"),
        ("external_link", "", "Read the file with anndata where all its parts are"),
        ("matrix_unusable", "", "upload the file again"),
    ],
)
def test_a_row_says_what_the_code_says(code: str, expected: str, remedy: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{code}` |")]
    assert expected in row.split("|")[3]
    assert remedy in row.split("|")[4]
