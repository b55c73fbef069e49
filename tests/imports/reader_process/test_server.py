"""The fork server: replaced when it died, gone when nobody needs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imports.reader_process import fork_server
from imports.reader_process.client import ReaderAnswer, ReaderBrokenError, prepare
from tests.support.worker import ROOT, eventually

Do = Callable[..., ReaderAnswer]

# A worker that had a file read, and one that is in the middle of it.
WORKER = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "cellenium_admin.settings.testing"
from pathlib import Path
from imports.reader_process import client, fork_server

begin = fork_server.ForkServer.begin

def watched(server, *arguments):
    reader = begin(server, *arguments)
    print(server.pid, reader, flush=True)
    return reader

fork_server.ForkServer.MODULE = "tests.support.faulty_reader"
fork_server.ForkServer.begin = watched
client.read_file(client.ReaderWork(Path(sys.argv[1]), None, 1), tell=lambda *_: None)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def servers(faulty_readers: None) -> None:
    """Faulty readers, each test with servers it may kill."""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_that_died_is_replaced(do: Do) -> None:
    do("silent 0")
    (server,) = fork_server._idle
    os.kill(server.pid, signal.SIGKILL)
    assert do("silent 0").findings == []
    (other,) = fork_server._idle
    assert other.pid != server.pid
    assert not is_alive(server.pid)


def test_a_server_that_dies_takes_its_reader_along(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[tuple[fork_server.ForkServer, int]] = []
    begin = fork_server.ForkServer.begin

    def watched(server: fork_server.ForkServer, *arguments: Any) -> int:
        readers.append((server, begin(server, *arguments)))
        return readers[-1][1]

    def kill(*_: Any) -> None:
        os.kill(readers[0][0].pid, signal.SIGKILL)

    monkeypatch.setattr(fork_server.ForkServer, "begin", watched)
    with pytest.raises(ReaderBrokenError, match="is gone"):
        do("silent 600", tell=kill)
    eventually(lambda: not is_alive(readers[0][1]), within=20)
    assert do("silent 0").findings == []


def test_a_server_that_cannot_start_is_an_error_of_ours(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    fork_server.stop_all()
    monkeypatch.setattr(fork_server.ForkServer, "MODULE", "tests.support.nothing")
    with pytest.raises(ReaderBrokenError, match="is gone"):
        do("silent 0")
    assert fork_server._idle == []


def test_preparing_twice_starts_one_server() -> None:
    fork_server.stop_all()
    prepare()
    prepare()
    assert len(fork_server._idle) == 1


def test_a_fork_of_the_worker_has_servers_of_its_own(do: Do) -> None:
    do("silent 0")
    (server,) = fork_server._idle
    pid = os.fork()
    if pid == 0:
        os._exit(len(fork_server._idle))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert fork_server._idle == [server]
    assert do("silent 0").findings == []
    assert [idle.pid for idle in fork_server._idle] == [server.pid]


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["silent 0", "silent 600"])
def test_a_worker_that_is_killed_leaves_nothing_behind(deed: str, tmp_path: Path) -> None:
    (tmp_path / "deed").write_text(deed)
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path / "deed")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        server, reader = map(int, worker.stdout.readline().split())
        assert is_alive(server)
        assert is_alive(reader) or deed == "silent 0"
        time.sleep(0.2)
        worker.kill()
    eventually(lambda: not is_alive(server) and not is_alive(reader), within=20)
