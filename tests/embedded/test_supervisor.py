"""The supervisor: order, restarts, and an orderly end whatever the reason."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cellenium_admin.embedded import EmbeddedServerError, EmbeddedValkey, ServerProcess, StopRequested, Supervisor

SUPERVISED = """
import logging, sys
from pathlib import Path
from cellenium_admin.embedded import EmbeddedPostgres, EmbeddedValkey, ServerProcess, Supervisor
base, mode = Path(sys.argv[1]), sys.argv[2]

class Told:
    def __init__(self, name, service):
        self.name, self.service = name, service
        self.polled = False
    @property
    def alive(self):
        if self.name == "worker" and not self.polled:
            print("running", flush=True)
        self.polled = True
        return self.service.alive
    def start(self):
        self.service.start()
        print("start", self.name, self.service.pid, flush=True)
    def stop(self):
        alive = self.service.alive
        self.service.stop()
        print("stop", self.name, alive, flush=True)

services = {
    "postgres": EmbeddedPostgres(base / "postgres", durable=False),
    "valkey": EmbeddedValkey(base / "valkey", durable=False),
    "worker": ServerProcess([sys.executable, "-c", "import time; time.sleep(600)"], log=base / "worker.log"),
}
with Supervisor((name, Told(name, service)) for name, service in services.items()) as supervisor:
    if mode == "error":
        raise RuntimeError("seeding failed")
    if mode == "seeding":
        import time
        print("running", flush=True)
        time.sleep(600)
    supervisor.run_forever()
print("end", flush=True)
"""
ORDER = ["postgres", "valkey", "worker"]


def lines_of(child: subprocess.Popen[str], count: int) -> list[list[str]]:
    return [child.stdout.readline().split() for _ in range(count)]


@pytest.mark.parametrize(
    ("mode", "number", "status"),
    [
        ("forever", signal.SIGTERM, 0),
        ("forever", signal.SIGINT, 0),
        ("forever", signal.SIGHUP, 0),
        ("seeding", signal.SIGTERM, 128 + signal.SIGTERM),
        ("error", None, 1),
    ],
)
def test_services_start_in_order_and_stop_in_reverse(
    place: Path,
    python_child: Callable[..., subprocess.Popen[str]],
    is_running: Callable[[int], bool],
    mode: str,
    number: signal.Signals | None,
    status: int,
) -> None:
    child = python_child(SUPERVISED, place, mode)
    started = lines_of(child, 3)
    assert [line[:2] for line in started] == [["start", name] for name in ORDER]
    if number is not None:
        assert lines_of(child, 1) == [["running"]]
        child.send_signal(number)
    stopped = lines_of(child, 3)
    assert stopped == [["stop", name, "True"] for name in reversed(ORDER)]
    assert child.wait(10) == status
    assert not any(is_running(int(pid)) for _, _, pid in started)


def test_a_second_signal_does_not_cut_the_stopping_short(
    place: Path, python_child: Callable[..., subprocess.Popen[str]]
) -> None:
    child = python_child(SUPERVISED, place, "forever")
    lines_of(child, 4)
    # All of them within the time the first server needs to stop: later ones would find the signals given back.
    for _ in range(4):
        child.send_signal(signal.SIGINT)
        time.sleep(0.005)
    output, _ = child.communicate(timeout=20)
    assert output.split("\n")[-2] == "end"
    assert child.returncode == 0


def test_only_the_first_signal_is_heard() -> None:
    with Supervisor() as supervisor:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        supervisor.run_forever()
        os.kill(os.getpid(), signal.SIGTERM)
        supervisor.run_forever()


def test_a_crashed_service_runs_again_at_the_same_address(
    place: Path, caplog: pytest.LogCaptureFixture, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    valkey = EmbeddedValkey(place / "valkey")

    def crash_then_stop() -> None:
        os.kill(valkey.pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            eventually(lambda: "valkey runs again" in caplog.text)
        os.kill(os.getpid(), signal.SIGTERM)

    with caplog.at_level(logging.INFO), Supervisor([("valkey", valkey)]) as supervisor:
        url, pid = valkey.url, valkey.pid
        threading.Thread(target=crash_then_stop).start()
        supervisor.run_forever(interval=0.05)
        assert valkey.alive
        assert valkey.url == url
        assert valkey.pid != pid
    assert not valkey.alive
    assert "valkey has ended by itself; it is started again in 1 s." in caplog.text


class Failing:
    """A service that starts once, ends at once, and then cannot be started."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.alive = False

    def start(self) -> None:
        self.starts.append(time.monotonic())
        if len(self.starts) > 1:
            raise EmbeddedServerError("not today")

    def stop(self) -> None:
        raise OSError("cannot be stopped either")


@pytest.mark.slow
def test_the_pause_doubles_and_the_others_are_stopped_even_if_one_cannot_be(place: Path) -> None:
    failing = Failing()
    sleeper = ServerProcess([sys.executable, "-c", "import time; time.sleep(600)"], log=place / "sleeper.log")
    timer = threading.Timer(8, os.kill, (os.getpid(), signal.SIGTERM))
    with Supervisor([("sleeper", sleeper), ("failing", failing)]) as supervisor:
        timer.start()
        supervisor.run_forever(interval=0.05)
    pauses = [later - earlier for earlier, later in zip(failing.starts, failing.starts[1:], strict=False)]
    assert pauses == pytest.approx([1, 2, 4], abs=0.5)
    assert not sleeper.alive


def test_the_pause_never_grows_beyond_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def sleep(_seconds: float) -> None:
        now[0] += 0.5
        if now[0] > 200:
            os.kill(os.getpid(), signal.SIGHUP)

    monkeypatch.setattr(time, "sleep", sleep)
    failing = Failing()
    with Supervisor([("failing", failing)]) as supervisor:
        supervisor.run_forever()
    pauses = [later - earlier for earlier, later in zip(failing.starts, failing.starts[1:], strict=False)]
    assert pauses[:7] == pytest.approx([1, 2, 4, 8, 16, 30, 30], abs=0.6)


def test_a_start_that_fails_ends_those_before_it_and_gives_the_signals_back(place: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    sleeper = ServerProcess([sys.executable, "-c", "import time; time.sleep(600)"], log=place / "sleeper.log")
    broken = ServerProcess([place / "missing"], log=place / "broken.log")
    with pytest.raises(FileNotFoundError), Supervisor([("sleeper", sleeper), ("broken", broken)]):
        pytest.fail("the body must not run")
    assert not sleeper.alive
    assert signal.getsignal(signal.SIGTERM) is before


def stop_this_process() -> None:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    except Exception:  # noqa: BLE001 - the kind of code that must not swallow it
        pytest.fail("caught as an ordinary error")


def test_a_stop_request_is_not_swallowed_by_code_that_catches_errors() -> None:
    with pytest.raises(StopRequested) as caught, Supervisor():
        stop_this_process()
    assert caught.value.code == 128 + signal.SIGTERM
