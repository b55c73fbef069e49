"""A real worker and a real beat: what they do with jobs, and with a broker that dies under them."""

import os
import signal
import time
from pathlib import Path

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job
from cellenium_admin.core.services import job_broker, jobs
from cellenium_admin.embedded import EmbeddedValkey
from tests.support.jobs import begun, ended, fresh, kinds, lose_redis, queued, tell, worker_pid
from tests.support.worker import CeleryProcess, eventually

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SYSTEM = Actor.system("test")


def test_killed_child(worker: CeleryProcess, out: Path, gate: Path) -> None:
    """What the kernel does when memory runs out."""
    job = queued(path=str(out), until=str(gate))
    eventually(out.exists, within=20)
    os.kill(worker_pid(job), signal.SIGKILL)
    gate.touch()
    tell("child killed in mid-task", job, eventually(lambda: ended(job), within=40))
    assert fresh(job).state == Job.State.SUCCEEDED
    assert out.read_text() == "begin 1\nbegin 2\nend 2\n"
    assert worker.alive


def test_a_job_that_kills_every_child_ends(worker: CeleryProcess, out: Path, gate: Path) -> None:
    job = queued(path=str(out), until=str(gate), max_attempts=2)
    for attempt in (1, 2):
        eventually(lambda attempt=attempt: begun(job) and fresh(job).attempts == attempt, within=40)
        os.kill(worker_pid(job), signal.SIGKILL)
    eventually(lambda: ended(job), within=40)
    assert (fresh(job).state, fresh(job).error_code) == (Job.State.FAILED, "worker_lost")


def test_redis_lost_before_the_sending(worker: CeleryProcess, redis: EmbeddedValkey, out: Path) -> None:
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    job = queued(path=str(out))
    assert fresh(job).sent_at is None
    redis.start()
    tell("Redis lost before the sending, from its restart", job, eventually(lambda: ended(job), within=40))
    assert out.read_text() == "begin 1\nend 1\n"


def test_redis_lost_in_mid_task(worker: CeleryProcess, redis: EmbeddedValkey, out: Path, gate: Path) -> None:
    job = queued(path=str(out), until=str(gate))
    eventually(out.exists, within=20)
    waiting = queued(path=str(out))
    lose_redis(redis, pause=1)
    gate.touch()
    seconds = eventually(lambda: ended(job) and ended(waiting), within=60)
    tell("Redis lost in mid-task: the job that waited, from the restart", waiting, seconds)
    assert (fresh(job).attempts, fresh(waiting).attempts) == (1, 1)
    assert out.read_text() == "begin 1\nend 1\n" * 2


def test_redis_lost_again_and_again(worker: CeleryProcess, redis: EmbeddedValkey, tmp_path: Path) -> None:
    for number, pause in enumerate((0.0, 0.2, 1.0)):
        job = queued(path=str(tmp_path / f"out{number}"))
        lose_redis(redis, pause=pause)
        time.sleep(pause)
        lose_redis(redis, pause=pause)
        eventually(lambda job=job: ended(job), within=60)
        assert (tmp_path / f"out{number}").read_text() == "begin 1\nend 1\n"
    assert worker.alive


def test_duplicate_deliveries(worker: CeleryProcess, out: Path, gate: Path) -> None:
    job = queued(path=str(out), until=str(gate))
    for _ in range(5):
        job_broker.send(job_id=job.pk, name=job.name)
    eventually(lambda: begun(job), within=20)
    gate.touch()
    eventually(lambda: ended(job), within=20)
    last = queued(path=str(out))  # it runs after the duplicates
    eventually(lambda: ended(last), within=20)
    assert fresh(job).attempts == 1
    assert out.read_text() == "begin 1\nend 1\n" * 2


def test_cancel(worker: CeleryProcess, out: Path, gate: Path) -> None:
    job = queued(path=str(out), until=str(gate))
    behind = queued(path=str(out))
    eventually(out.exists, within=20)
    jobs.cancel(job=behind, actor=SYSTEM)
    jobs.cancel(job=job, actor=SYSTEM)
    tell("cancelled", job, eventually(lambda: ended(job), within=20))
    assert (fresh(job).state, fresh(behind).state) == (Job.State.CANCELLED, Job.State.CANCELLED)
    last = queued(path=str(out))
    eventually(lambda: ended(last), within=20)
    assert out.read_text() == "begin 1\nbegin 1\nend 1\n"


def test_limits(worker: CeleryProcess) -> None:
    for name in ("tests.sleep", "tests.deaf"):
        job = queued(name)
        seconds = eventually(lambda job=job: ended(job), within=30)
        tell(f"{name}: a limit of 1 s, killed after 3 s", job, seconds)
        assert (fresh(job).state, fresh(job).error_code) == (Job.State.FAILED, "time_limit")
        assert fresh(job).attempts == 1
    eventually(lambda: "Hard time limit" in worker.log.read_text(), within=20)


def test_retries_then_success_and_failure(worker: CeleryProcess, out: Path) -> None:
    good = queued("tests.crash", path=str(out), attempts=1)
    bad = queued("tests.crash", path="/dev/null", attempts=9, max_attempts=2)
    tell("broken once, then well", good, eventually(lambda: ended(good) and ended(bad), within=40))
    assert (fresh(good).state, fresh(good).attempts) == (Job.State.SUCCEEDED, 2)
    assert (fresh(bad).state, fresh(bad).error_code) == (Job.State.FAILED, "internal_error")
    assert kinds(good)[-4:] == ["retried", "resent", "claimed", "succeeded"]


def test_wait_for_a_real_worker(worker: CeleryProcess) -> None:
    times = []
    for _ in range(5):
        start = time.monotonic()
        job = jobs.wait_for(queued(path="/dev/null").pk, seconds=20)
        times.append(time.monotonic() - start)
        assert job.state == Job.State.SUCCEEDED
    print(f"\nfrom the request to the answer: {[f'{1000 * seconds:.0f} ms' for seconds in times]}")
    assert sorted(times)[2] < 1
