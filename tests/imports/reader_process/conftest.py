"""Readers of real files, and readers that do what they are told."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imports.reader_process import fork_server
from imports.reader_process.client import ReaderAnswer, ReaderWork, read_file
from tests.builders.h5ad import study_file

SOURCE = {"uri": "file:///a.h5ad", "revision": "1", "size": 1, "sha256": "0" * 64}

Read = Callable[..., ReaderAnswer]
Do = Callable[..., ReaderAnswer]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return study_file(tmp_path / "study.h5ad")


@pytest.fixture
def building(tmp_path: Path) -> Path:
    directory = tmp_path / "building"
    directory.mkdir()
    return directory


@pytest.fixture
def read(building: Path) -> Read:
    """Read a file and write its Stores."""

    def read(path: Path, *, tell: Any = lambda *_: None, only_check: bool = False) -> ReaderAnswer:
        place = None if only_check else building
        return read_file(ReaderWork(path, place, memory_bytes=1 << 26, source=SOURCE), tell=tell)

    return read


@pytest.fixture(scope="module")
def faulty_readers() -> Iterator[None]:
    """Let readers do what the file tells them instead of reading it."""
    with pytest.MonkeyPatch.context() as patch:
        fork_server.stop_all()
        patch.setattr(fork_server.ForkServer, "MODULE", "tests.support.faulty_reader")
        yield
        fork_server.stop_all()


@pytest.fixture
def do(faulty_readers: None, read: Read, tmp_path: Path) -> Do:
    """Have a reader do something."""

    def do(deed: str, **options: Any) -> ReaderAnswer:
        (tmp_path / "deed").write_text(deed)
        return read(tmp_path / "deed", **{"only_check": True, **options})

    return do
