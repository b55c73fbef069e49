"""A study whose import loses its worker and then its broker: imported exactly once, with a history that says so."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.embedded import EmbeddedValkey
from imports.models import ImportRun
from imports.services import uploads
from studies.models import StudyVersion
from tests.builders.h5ad import generated_study
from tests.support.worker import eventually, make_beat, make_worker, running

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


@pytest.fixture
def redis(settings: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A broker of this test's own, which it may kill."""
    server = EmbeddedValkey(tmp_path / "valkey", durable=True)
    server.start()
    settings.REDIS_URL = server.url
    yield server
    server.stop()


def found_study(settings: pytest.FixtureRequest) -> Job:
    """Put a study of 20,000 cells under a user's prefix and have it found, the broker not being told."""
    email = "uploader@example.org"
    User.objects.create(username=email, email=email, upload_prefix=prefix_for(email))
    settings.SCAN_SETTLE_SECONDS = 0
    generated_study(Path(settings.H5AD_STORE) / prefix_for(email) / "study.h5ad", cells=20_000, genes=2_000)
    time.sleep(0.1)
    uploads.scan(actor=Actor.system("test"))
    return Job.objects.get(name="imports.run_import")


def test_worker_and_redis_killed_in_the_middle_of_an_import(
    settings: pytest.FixtureRequest, redis: EmbeddedValkey, tmp_path: Path
) -> None:
    job = found_study(settings)
    first = make_worker(tmp_path, name="first")
    with running(make_beat(tmp_path)):
        first.start()
        eventually(lambda: Job.objects.get(pk=job.pk).stage in ("convert", "write"), within=90, every=0.02)
        stage = Job.objects.get(pk=job.pk).stage
        first.kill()
        lose_everything(redis)
        killed = time.monotonic()
        with running(make_worker(tmp_path, name="second")):
            eventually(lambda: Job.objects.get(pk=job.pk).is_finished, within=120)
            recovered = time.monotonic()
            # The job ends with the transaction that publishes; the attempt tidies up after it.
            eventually(lambda: not list(Path(settings.SCRATCH_DIR).iterdir()), within=20)
    job.refresh_from_db()
    print(f"\nkilled in {stage}; imported {recovered - killed:.1f} s after worker and Redis were killed")
    for event in job.events.all():
        print(f"  {event.at:%H:%M:%S.%f}  {event.kind:<10} attempt {event.attempt}  {event.detail}")
    assert (job.state, job.attempts) == (Job.State.SUCCEEDED, 2)
    assert [event.kind for event in job.events.all()].count("lost") == 1
    assert StudyVersion.objects.get().cell_count == 20_000
    assert ImportRun.objects.get().state == ImportRun.State.PUBLISHED
    assert AuditEvent.objects.filter(action=Action.IMPORT_PUBLISHED).count() == 1
    assert AuditEvent.objects.filter(action=Action.STUDY_CREATED).count() == 1
    assert [path.name for path in Path(settings.STORE_DIR).iterdir()] == [str(StudyVersion.objects.get().pk)]


def lose_everything(redis: EmbeddedValkey) -> None:
    """Kill Redis and start an empty one at the same address."""
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    for path in redis.directory.rglob("*"):
        if path.is_file() and path.suffix in {".rdb", ".aof", ".incr", ".manifest"}:
            path.unlink()
    redis.start()
