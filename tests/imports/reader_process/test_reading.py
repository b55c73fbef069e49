"""A file read in a process of its own: the same answer, and little more time."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from imports.h5ad.work import work
from imports.reader_process import fork_server
from imports.reader_process.client import ReaderAnswer, ReaderWork, read_file
from studies.store.reader import CellsReader, MatrixReader
from tests.builders.h5ad import generated_study, remove
from tests.imports.reader_process.conftest import SOURCE

Read = Callable[..., ReaderAnswer]


def test_the_answer_is_that_of_the_same_work_done_here(path: Path, read: Read, building: Path, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    findings, content = work(
        path, building=tmp_path / "here", memory_bytes=1 << 26, source=SOURCE, tell=lambda *_: None
    )
    answer = read(path)
    assert answer == ReaderAnswer(list(findings), content)
    assert content is not None
    names = [
        sorted(entry.relative_to(base).as_posix() for entry in base.rglob("*"))
        for base in (tmp_path / "here", building)
    ]
    assert names[0] == names[1]
    for layer in content.layers:
        MatrixReader(building / layer.directory).verify()
    CellsReader(building / "cells").verify()


def test_a_file_that_is_only_checked_leaves_nothing(path: Path, read: Read, building: Path) -> None:
    assert read(path, only_check=True) == ReaderAnswer([], None)
    remove(path, "uns/cellenium/title")
    assert [finding.code for finding in read(path, only_check=True).findings] == ["key_missing"]
    assert list(building.iterdir()) == []


def test_stores_have_the_rights_of_the_worker(path: Path, read: Read, building: Path) -> None:
    """Web hosts read them, under another user perhaps."""
    before = os.umask(0o022)
    try:
        fork_server.stop_all()
        read(path)
    finally:
        os.umask(before)
        fork_server.stop_all()
    files = [entry for entry in building.rglob("*") if entry.is_file()]
    assert files
    assert {entry.stat().st_mode & 0o777 for entry in files} == {0o644}


def test_every_stage_is_told(path: Path, read: Read) -> None:
    told: list[tuple[str, int, int]] = []
    read(path, tell=lambda *progress: told.append(progress))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["validate", "convert", "write"]
    assert told[-1][1] == told[-1][2] > 0


def test_what_a_small_file_costs(path: Path, read: Read) -> None:
    read(path, only_check=True)
    started = time.perf_counter()
    findings, _ = work(path, building=None, memory_bytes=1 << 26, source=SOURCE, tell=lambda *_: None)
    here = time.perf_counter() - started
    assert not findings
    times = {}
    for name, only_check in (("checked", True), ("checked and converted", False)):
        times[name] = [timed(lambda check=only_check: read(path, only_check=check)) for _ in range(9)]
    print(f"\na file of {path.stat().st_size / 1e3:.0f} kB: {here * 1e3:.0f} ms to check in this process")
    for name, seconds in times.items():
        print(f"  {name} in a reader: median {statistics.median(seconds) * 1e3:.0f} ms")
    assert min(times["checked"]) < 1, "the server is not started for every file"


def names_in(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*"))


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def test_one_server_serves_many_files(path: Path, read: Read) -> None:
    read(path, only_check=True)
    (server,) = fork_server._idle
    for _ in range(3):
        read(path, only_check=True)
    assert [idle.pid for idle in fork_server._idle] == [server.pid]


def test_names_of_any_kind_come_through(path: Path, read: Read, tmp_path: Path) -> None:
    strange = tmp_path / "strange \udcff \u2603 \n name.h5ad"
    path.rename(strange)
    assert read(strange, only_check=True).findings == []


@pytest.mark.slow
def test_what_a_large_file_costs_beyond_the_work(tmp_path: Path) -> None:
    path = generated_study(tmp_path / "large.h5ad", cells=20_000, genes=2_000)
    for name in ("here", "there", "warm"):
        (tmp_path / name).mkdir()
    options = {"memory_bytes": 1 << 28, "source": SOURCE}
    order = ReaderWork(path, tmp_path / "warm", **options)
    read_file(order, tell=lambda *_: None)
    there = timed(lambda: read_file(ReaderWork(path, tmp_path / "there", **options), tell=lambda *_: None))
    here = timed(lambda: work(path, building=tmp_path / "here", **options, tell=lambda *_: None))
    print(f"\n20,000 cells: {here:.2f} s in this process, {there:.2f} s in a reader")
    assert there < 2 * here + 1
    assert asdict(order)["source"] == SOURCE
