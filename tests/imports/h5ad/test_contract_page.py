"""The page for those who prepare files names every key the importer knows."""

import re
from pathlib import Path

from imports.h5ad import contract

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "h5ad-files.md").read_text(encoding="utf-8")


def test_every_key_is_described_with_its_duty() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", PAGE, flags=re.MULTILINE))
    assert rows == {rule.key: "yes" if rule.required else "no" for rule in contract.RULES}


def test_every_ignored_key_and_limit_is_named() -> None:
    assert all(f"`{key}`" in PAGE for key in contract.IGNORED)
    assert all(str(number) in PAGE for number in (*contract.KNOWN_ORGANISMS, contract.LONGEST_TITLE))
    assert f"at most {contract.MOST_VALUES} values" in PAGE
