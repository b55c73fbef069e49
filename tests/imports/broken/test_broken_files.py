"""Hundreds of broken files: each is refused or imported with the right Finding, and nothing worse happens."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from anndata.io import read_elem
from scipy import sparse

from imports.reader_process import fork_server
from imports.reader_process.client import ReaderAnswer, ReaderWork, read_file
from studies.store.reader import MatrixReader
from tests.builders.h5ad import study_file
from tests.imports.broken.case import Case
from tests.imports.broken.cases import CASES, QUICK, fault, spoilt, tell

SOURCE = {"uri": "file:///a.h5ad", "revision": "1", "size": 1, "sha256": "0" * 64}


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.READER_MEMORY_BYTES = 1 << 30
    settings.READER_CPU_SECONDS = 20
    settings.IMPORT_TIME_LIMIT = 60


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_file(tmp_path_factory.mktemp("valid") / "study.h5ad")


def test_there_are_enough() -> None:
    assert len(CASES) >= 300
    assert len(QUICK) >= 60


def test_broken_files_and_their_findings(valid: Path, tmp_path: Path) -> None:
    check(QUICK, valid, tmp_path)


@pytest.mark.slow
def test_all_broken_files_and_their_findings(valid: Path, tmp_path: Path) -> None:
    check(CASES, valid, tmp_path)


def check(cases: list[Case], valid: Path, directory: Path) -> None:
    """Have all read, by one server."""
    outcomes: dict[str, list[str]] = {}
    faults = []
    slowest = (0.0, "")
    for case in cases:
        path = spoilt(valid, case, directory / "spoilt.h5ad")
        started = time.monotonic()
        answer = read(path, directory / "building")
        slowest = max(slowest, (time.monotonic() - started, case.name))
        errors = [finding.code for finding in answer.findings if finding.severity == "error"]
        assert (answer.content is None) == bool(errors)
        assert all(finding.remedy or finding.expected for finding in answer.findings if finding.severity == "error")
        if case.refused is None and answer.content is not None:
            assert is_like_the_file(path, directory / "building"), case.name
        outcomes[case.name] = [f"{finding.severity} {finding.code}" for finding in answer.findings]
        faults.append(fault(case, errors, [finding.code for finding in answer.findings]))
    tell(outcomes)
    print(f"  the longest took {slowest[0]:.2f} s: {slowest[1]}")
    assert [line for line in faults if line] == []
    assert len(fork_server._idle) == 1


def is_like_the_file(path: Path, building: Path) -> bool:
    """Compare the Store with what anndata reads; in a copy of this process, which may not survive it."""
    copy = os.fork()
    if copy == 0:
        status = 1
        try:
            with h5py.File(path) as file:
                given = read_elem(file["X"])
            given = (given.toarray() if sparse.issparse(given) else given).astype("f4")
            status = 0 if np.array_equal(stored(building / "rna-X"), given) else 2
        finally:
            os._exit(status)
    return os.waitpid(copy, 0)[1] == 0


def stored(directory: Path) -> np.ndarray:
    reader = MatrixReader(directory)
    reader.verify()
    matrix = np.zeros((reader.cells, reader.features), "f4")
    for gene in range(reader.features):
        cells, values = reader.gene(gene)
        matrix[cells, gene] = values
    return matrix


def read(path: Path, building: Path) -> ReaderAnswer:
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    return read_file(ReaderWork(path, building, memory_bytes=1 << 26, source=SOURCE), tell=lambda *_: None)
