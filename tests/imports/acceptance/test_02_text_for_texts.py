"""2: a text where a list of texts belongs gets a clear message."""

from pathlib import Path

import pytest

from tests.builders.h5ad import replace
from tests.imports.acceptance.conftest import Convert


@pytest.mark.parametrize("key", ["ncit_tissue_ids", "mesh_disease_ids", "main_sample_attributes"])
def test_a_text_for_a_list(key: str, path: Path, convert: Convert) -> None:
    (finding,) = convert(replace(path, f"uns/cellenium/{key}", "C12434"))[0].errors
    assert (finding.code, finding.path) == ("key_wrong_type", f"uns['cellenium']['{key}']")
    assert (finding.found, finding.expected) == ("'C12434' (str)", "a one-dimensional array of texts")
    assert finding.remedy
