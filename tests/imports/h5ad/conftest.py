"""One valid file to spoil, and a way to look at it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imports.h5ad.findings import Finding, RefusedFileError
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect
from tests.builders.h5ad import study_file

Look = Callable[[], list[Finding]]


@pytest.fixture
def private_directories() -> None:
    """Stand in for the project's fixture of this name: nothing here needs a store."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return study_file(tmp_path / "study.h5ad")


@pytest.fixture
def look(path: Path) -> Look:
    """Give all findings of the file, whatever keeps it from being used."""

    def findings() -> list[Finding]:
        try:
            with open_h5ad(path) as file:
                inspection = inspect(file)
                assert (inspection.study is None) == bool(inspection.findings.errors)
                return inspection.findings
        except RefusedFileError as error:
            return [error.finding]

    return findings


@pytest.fixture
def codes(look: Look) -> Callable[[], list[tuple[str, str, str]]]:
    return lambda: [(str(finding.severity), finding.code, finding.path) for finding in look()]
