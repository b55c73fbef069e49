"""A fresh account for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sts import StsLab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[StsLab]:
    """IAM, sessions and STS without servers."""
    lab = StsLab(tmp_path)
    yield lab
    lab.close()
