"""Workers that are killed, frozen, or never there in time."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_channel
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.jobs import begun, ended, fresh, kinds, lose_redis, queued, tell, worker_pid
from tests.support.worker import eventually, make_worker, running

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_killed_worker(redis: EmbeddedValkey, tmp_path: Path, out: Path, gate: Path) -> None:
    """With the worker's group dies its child; the broker is robbed of its data on top of it."""
    first, second = (make_worker(tmp_path, name=name) for name in ("first", "second"))
    job = queued(path=str(out), until=str(gate))
    with running(first):
        eventually(out.exists, within=20)
        killed = time.monotonic()
        first.kill()
        lose_redis(redis)
        gate.touch()
        with running(second):
            eventually(lambda: ended(job), within=40)
            tell("worker group killed and Redis lost in mid-task", job, time.monotonic() - killed)
    assert (fresh(job).state, fresh(job).attempts) == (Job.State.SUCCEEDED, 2)
    assert out.read_text() == "begin 1\nbegin 2\nend 2\n"
    assert "lost" in kinds(job)


def test_killed_main_process_takes_its_children_along(tmp_path: Path, out: Path, gate: Path) -> None:
    worker = make_worker(tmp_path)
    job = queued(path=str(out), until=str(gate))
    with running(worker):
        eventually(lambda: begun(job), within=20)
        child = psutil.Process(worker_pid(job))
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, within=2)


def test_redis_lost_between_sending_and_claiming(redis: EmbeddedValkey, tmp_path: Path, out: Path) -> None:
    job = queued(path=str(out))
    assert fresh(job).sent_at is not None
    lose_redis(redis)
    assert job_channel.shared_client().llen("default") == 0
    with running(make_worker(tmp_path)):
        tell("Redis lost before the claim", job, eventually(lambda: ended(job), within=40))
    assert out.read_text() == "begin 1\nend 1\n"


def test_frozen_worker_publishes_nothing(tmp_path: Path, out: Path, gate: Path) -> None:
    first, second = (make_worker(tmp_path, name=name) for name in ("first", "second"))
    job = queued("tests.publish", path=str(out), until=str(gate))
    with running(first):
        eventually(out.exists, within=20)
        assert first.pid is not None
        os.killpg(first.pid, signal.SIGSTOP)
        with running(second):
            eventually(lambda: out.read_text() == "begin 1\nbegin 2\n", within=40)
            os.killpg(first.pid, signal.SIGCONT)
            time.sleep(0.2)
            gate.touch()
            eventually(lambda: ended(job), within=20)
            eventually(lambda: "after its lease was lost" in first.log.read_text(), within=20)
    assert out.read_text() == "begin 1\nbegin 2\npublished 2\n"
    assert fresh(job).state == Job.State.SUCCEEDED
