"""5: numbers of sampled cells must be those of cells."""

from pathlib import Path

import numpy as np
import pytest

from tests.builders.h5ad import replace
from tests.imports.acceptance.conftest import Convert, codes

KEY = "uns/cellenium/umap_density_sampled_indices"


@pytest.mark.parametrize("numbers", [[0, 60], [-1, 5]])
def test_out_of_range(numbers: list[int], path: Path, convert: Convert) -> None:
    findings, _ = convert(replace(path, KEY, np.array(numbers)))
    assert codes(findings) == [("error", "sample_out_of_range")]


def test_in_range(path: Path, convert: Convert) -> None:
    findings, content = convert(replace(path, KEY, np.array([0, 59])))
    assert codes(findings) == [("note", "key_ignored")]
    assert content is not None
