"""1: a file with all required keys is imported; without any one of them it is refused before anything is written."""

from pathlib import Path

import pytest

from imports.h5ad import contract
from tests.builders.h5ad import REQUIRED_KEYS, remove
from tests.imports.acceptance.conftest import Convert

OF_H5MU = [rule.key for rule in contract.H5MU_RULES if rule.required]


def test_the_valid_file_is_imported(path: Path, convert: Convert) -> None:
    findings, content = convert(path)
    assert findings == []
    assert content is not None
    assert (content.title, content.cell_count, len(content.features)) == ("A small study", 60, 30)


def test_the_keys_are_those_of_the_contract() -> None:
    assert set(REQUIRED_KEYS) == {rule.key for rule in contract.RULES if rule.required}


@pytest.mark.parametrize("key", REQUIRED_KEYS)
def test_a_required_key_is_missing(key: str, path: Path, convert: Convert) -> None:
    (finding,) = convert(remove(path, f"uns/cellenium/{key}"))[0]
    assert (finding.code, finding.path) == ("key_missing", f"uns['cellenium']['{key}']")
    assert key in finding.remedy


@pytest.mark.parametrize("key", OF_H5MU)
def test_a_required_key_of_an_h5mu_file_is_missing(key: str, multimodal: Path, convert: Convert) -> None:
    findings, _ = convert(remove(multimodal, f"uns/cellenium/{key}"))
    assert ("key_missing", f"uns['cellenium']['{key}']") in [(error.code, error.path) for error in findings.errors]
