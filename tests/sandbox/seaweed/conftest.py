"""One SeaweedFS for these tests; each makes users and roles of its own."""

from collections.abc import Iterator

import pytest

from tests.support.seaweed import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Start the server once."""
    found = Stage(tmp_path_factory.mktemp("seaweed"))
    try:
        yield found
    finally:
        found.server.stop()
