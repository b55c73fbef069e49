"""One gallery in a sandbox of its own: its clock is moved, and an account has only one Access Grants instance."""

from collections.abc import Iterator

import pytest

from grants.sandbox.embedded import EmbeddedSandbox
from tests.support.gallery import Gallery, Uploader


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    directory = tmp_path_factory.mktemp("gallery")
    sandbox = EmbeddedSandbox(directory / "state")
    sandbox.start()
    try:
        yield Gallery(sandbox, directory)
    finally:
        sandbox.stop()


@pytest.fixture
def uploader(gallery: Gallery) -> Uploader:
    return gallery.uploader()


@pytest.fixture
def neighbour(gallery: Gallery) -> Uploader:
    return gallery.uploader()


@pytest.fixture
def moved_clock(gallery: Gallery) -> Iterator[None]:
    """Let a test move the sandbox's clock and put it back."""
    yield
    gallery.sandbox.control.move_clock(0)
