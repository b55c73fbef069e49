"""Every way a reader can end: the worker gets a Finding or an error of ours, and goes on with the same server."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imports.h5ad.findings import Finding
from imports.reader_process import client, fork_server
from imports.reader_process.client import ReaderAnswer, ReaderBrokenError, ReaderLostError

Do = Callable[..., ReaderAnswer]
MEGABYTE = 1 << 20
FINDING = {"severity": "note", "code": "c", "path": "p", "found": "", "expected": "", "remedy": ""}


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.READER_MEMORY_BYTES = 200 * MEGABYTE
    settings.READER_CPU_SECONDS = 1


@pytest.fixture(autouse=True)
def same_server(faulty_readers: None) -> Iterator[None]:
    """Whatever a reader does, its server goes on."""
    before = {server.pid for server in fork_server._idle}
    yield
    assert len(fork_server._idle) == 1
    assert not before or {server.pid for server in fork_server._idle} == before


def only(answer: ReaderAnswer) -> str:
    assert answer.content is None
    (finding,) = answer.findings
    assert finding.severity == "error"
    assert finding.path == "file"
    assert finding.found
    assert finding.expected
    assert finding.remedy
    return finding.code


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL", "SIGSYS"])
def test_a_reader_that_crashes(name: str, do: Do) -> None:
    answer = do(f"die {name}")
    assert only(answer) == "reader_crashed"
    assert name in answer.findings[0].found


def test_where_it_crashed_is_in_the_log(do: Do, caplog: pytest.LogCaptureFixture) -> None:
    assert only(do("crash")) == "reader_crashed"
    assert "Extension modules" not in caplog.text
    assert "Segmentation fault" in caplog.text
    assert "string_at" in caplog.text


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"])
def test_a_reader_that_is_killed_from_outside_is_worth_another_attempt(name: str, do: Do) -> None:
    with pytest.raises(ReaderLostError, match=name):
        do(f"die {name}")


def test_memory_up_to_the_limit(do: Do) -> None:
    answer = do(f"take {100 * MEGABYTE}")
    assert [(finding.code, finding.found) for finding in answer.findings] == [("taken", str(96 * MEGABYTE))]


@pytest.mark.parametrize("deed", [f"take {400 * MEGABYTE}", f"take {1 << 45}", "bad_alloc"])
def test_memory_beyond_the_limit(deed: str, do: Do) -> None:
    answer = do(deed)
    assert only(answer) == "reader_memory"
    assert answer.findings[0].expected == "to be read with 0.2 GB"


def test_computing_beyond_the_limit(do: Do) -> None:
    assert only(do("compute")) == "reader_time"


def test_silence_beyond_the_limit(do: Do, settings: Any) -> None:
    settings.IMPORT_TIME_LIMIT = 1
    assert only(do("silent 600")) == "reader_time"


def test_files_beyond_the_limit(do: Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LEAST_FILE_BYTES", MEGABYTE)
    assert only(do(f"fill {MEGABYTE}")) == "reader_output"
    assert (tmp_path / "array").stat().st_size <= MEGABYTE
    assert do(f"fill {MEGABYTE - 1}").findings == []


def test_descriptors_beyond_the_limit(do: Do) -> None:
    with pytest.raises(ReaderBrokenError, match="Too many open files"):
        do("open")


def test_an_error_of_ours_is_told_with_its_trace(do: Do) -> None:
    with pytest.raises(ReaderBrokenError, match=r"break_down[\s\S]*ZeroDivisionError: an error of ours"):
        do("break")


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[]",
        "{}{}",
        '{"stage": "publish", "done": 1, "total": 2}',
        '{"stage": "write", "done": "1", "total": 2}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_reader_that_talks_nonsense(line: str, do: Do) -> None:
    assert only(do(f"say {line}")) == "reader_crashed"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"findings": []},
        {"findings": [], "content": []},
        {"findings": [], "content": {"title": "t"}},
        {"findings": [{"severity": "fine"}], "content": None},
        {"findings": [{**FINDING, "severity": "fine"}], "content": None},
        {"findings": [{**FINDING, "path": ["file"]}], "content": None},
        {"findings": [FINDING], "content": None, "more": 1},
    ],
)
def test_an_answer_of_another_form(answer: Any, do: Do) -> None:
    assert only(do(f"answer {json.dumps(answer)}")) == "reader_crashed"


def test_an_answer_as_it_should_be(do: Do) -> None:
    answer = do(f"answer {json.dumps({'findings': [FINDING], 'content': None})}")
    assert answer == ReaderAnswer([Finding(**FINDING)], None)


def test_an_answer_that_makes_no_sense(do: Do) -> None:
    """Neither content nor a reason why there is none."""
    answer = json.dumps({"findings": [FINDING], "content": None})
    assert only(do(f"answer {answer}", only_check=False)) == "reader_crashed"


def test_no_line_without_end(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.messages, "LONGEST_LINE", 10_000)
    assert only(do("say " + "x" * 20_000)) == "reader_crashed"


def test_what_tells_the_worker_to_stop_kills_the_reader(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []
    begin = fork_server.ForkServer.begin

    def watched(*arguments: Any) -> int:
        pids.append(begin(*arguments))
        return pids[-1]

    monkeypatch.setattr(fork_server.ForkServer, "begin", watched)
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        do("silent 600", tell=stopping_after(0.1))
    assert time.monotonic() - started < 60
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    assert do("silent 0").findings == []


def stopping_after(seconds: float) -> Callable[..., None]:
    """Count as a job does whether it is still wanted."""
    end = time.monotonic() + seconds

    def tell(*_: Any) -> None:
        if time.monotonic() > end:
            raise ZeroDivisionError("not wanted any more")

    return tell


def test_a_silent_reader_lets_the_worker_ask(do: Do) -> None:
    told: list[str] = []
    do("silent 1.8", tell=lambda stage, *_: told.append(stage))
    assert 3 <= len(told) <= 10


def test_much_progress_is_little_talk(do: Do) -> None:
    told: list[tuple[str, int, int]] = []
    do("stages", tell=lambda *progress: told.append(progress))
    assert {("convert", 0, 1000), ("write", 0, 1000)} <= {*told}
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["validate", "convert", "write"]
    assert len(told) < 100


def test_no_network_no_secrets_no_files_of_others(do: Do) -> None:
    surroundings = {finding.code: finding.found for finding in do("surroundings").findings}
    variables = set(surroundings["environment"].split())
    allowed = {*fork_server.KEPT_VARIABLES, *fork_server.SET_VARIABLES, "LC_CTYPE"}
    assert variables <= allowed
    assert not any(name.startswith(("CELLENIUM", "AWS", "DJANGO")) for name in variables)
    assert surroundings["score"] == "1000"
    assert int(surroundings["descriptors"]) < 12
    assert int(surroundings["umask"], 8) & 0o022 == 0o022


def test_no_network(do: Do) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        (finding,) = do(f"connect {listening.getsockname()[1]}").findings
    assert finding.code == "no_network"
