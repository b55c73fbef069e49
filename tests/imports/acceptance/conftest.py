"""One valid file of each kind to spoil, and a way to look at them; nothing here needs a database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imports.h5ad.findings import Findings
from imports.h5ad.work import work
from studies.content import VersionContent
from tests.builders.h5ad import multimodal_file, study_file

SOURCE = {"uri": "file:///a.h5ad", "revision": "1", "size": 1, "sha256": "0" * 64}
Convert = Callable[[Path], tuple[Findings, VersionContent | None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return study_file(tmp_path / "study.h5ad")


@pytest.fixture
def multimodal(tmp_path: Path) -> Path:
    return multimodal_file(tmp_path / "study.h5mu")


@pytest.fixture
def building(tmp_path: Path) -> Path:
    directory = tmp_path / "building"
    directory.mkdir()
    return directory


@pytest.fixture
def convert(building: Path) -> Convert:
    """Do with a file all that an import does before it reaches the database; nothing of it when it is refused."""

    def converted(path: Path) -> tuple[Findings, VersionContent | None]:
        findings, content = work(
            path, building=building, memory_bytes=1 << 24, source=SOURCE, tell=lambda _stage, _done, _total: None
        )
        assert (content is None) == bool(findings.errors)
        assert content is not None or list(building.iterdir()) == []
        return findings, content

    return converted


def codes(findings: Findings) -> list[tuple[str, str]]:
    """Give severity and code of each."""
    return [(str(finding.severity), finding.code) for finding in findings]
