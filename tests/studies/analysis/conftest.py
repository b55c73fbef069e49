"""Thousands of small Stores are built here; that they outlive a power cut is tested where Stores are."""

import pytest

from studies.store import staging


@pytest.fixture(autouse=True, scope="module")
def nothing_to_disk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "_to_disk", lambda path: None)
        yield
