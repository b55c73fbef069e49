"""`import_study` as a process of its own beside a real worker: it wins its job, is interrupted, is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core.models import Job
from cellenium_admin.embedded import EmbeddedValkey
from imports import tasks
from imports.models import ImportRun
from studies.models import StudyVersion
from tests.builders.h5ad import generated_study, remove
from tests.support.worker import QUICK, ROOT, eventually, make_beat, make_worker, running, settings_of_this_test

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture
def busy_house(settings: Any, tmp_path: Path) -> Iterator[None]:
    """A broker, a worker and a beat."""
    redis = EmbeddedValkey(tmp_path / "valkey", durable=True)
    redis.start()
    settings.REDIS_URL = redis.url
    with running(make_beat(tmp_path), make_worker(tmp_path)):
        yield
    redis.stop()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A study whose import takes long enough to be disturbed."""
    return generated_study(tmp_path / "large.h5ad", cells=30_000, genes=2_000)


def begin(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "import_study", *map(str, arguments), "--json"]
    variables = {**os.environ, **QUICK, **settings_of_this_test()}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def begun() -> bool:
    return Job.objects.filter(name="imports.run_import", state="running", stage__in=["convert", "write"]).exists()


def test_it_does_its_import_beside_a_worker(busy_house: None, large: Path) -> None:
    process = begin(large)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    told = json.loads(out)
    assert (told["cells"], told["genes"], told["version_id"]) == (30_000, 2_000, str(StudyVersion.objects.get().pk))
    job = Job.objects.get(name="imports.run_import")
    assert (job.attempts, job.worker.rpartition("/")[2]) == (1, str(process.pid))
    assert "download" in err
    assert "\x1b" not in err


def test_a_refused_file_has_its_exit_code(busy_house: None, large: Path) -> None:
    remove(large, "uns/cellenium/title")
    process = begin(large)
    out, err = process.communicate(timeout=180)
    assert process.returncode == 1, err
    assert [one["severity"] for one in json.loads(out)["findings"]].count("error") == 1
    assert "was not imported" in err


def test_an_unusable_argument_has_its_exit_code(busy_house: None) -> None:
    process = begin("/nowhere/a.h5ad", "--study", "no-id")
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 2


def test_interrupted_it_cancels(busy_house: None, large: Path, settings: Any) -> None:
    process = begin(large)
    eventually(begun, within=120)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert Job.objects.get(name="imports.run_import").state == Job.State.CANCELLED
    assert ImportRun.objects.get().state == ImportRun.State.CANCELLED
    assert [path.name for path in (*Path(settings.STORE_DIR).iterdir(), *Path(settings.SCRATCH_DIR).iterdir())] == []


def test_killed_it_leaves_its_import_to_the_worker(busy_house: None, large: Path, settings: Any) -> None:
    process = begin(large)
    eventually(begun, within=120)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    eventually(lambda: Job.objects.get(name="imports.run_import").is_finished, within=120)
    job, version = Job.objects.get(name="imports.run_import"), StudyVersion.objects.get()
    assert (job.state, job.attempts) == (Job.State.SUCCEEDED, 2)
    assert version.cell_count == 30_000
    eventually(lambda: tasks.scan() or not list(Path(settings.SCRATCH_DIR).iterdir()), within=30, every=0.2)
    assert [path.name for path in Path(settings.STORE_DIR).iterdir()] == [str(version.pk)]
