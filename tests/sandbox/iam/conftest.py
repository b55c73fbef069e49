"""An empty IAM for each test."""

from pathlib import Path

import pytest

from tests.support.iam import Driver


@pytest.fixture
def iam(tmp_path: Path) -> Driver:
    return Driver(tmp_path)
