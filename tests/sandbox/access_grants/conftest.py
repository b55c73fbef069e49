"""An account with S3 Access Grants for each test."""

from pathlib import Path

import pytest

from tests.support.access_grants import GrantsLab


@pytest.fixture
def empty(tmp_path: Path) -> GrantsLab:
    """Give an account without an instance."""
    return GrantsLab(tmp_path)


@pytest.fixture
def lab(empty: GrantsLab) -> GrantsLab:
    """Give an account with an instance."""
    empty.instance()
    return empty
