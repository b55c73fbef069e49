"""kill -9 at points spread over an import: the study is the old version or the new one, and the import ends by itself.

The worker dies with all its children as in a power cut, each time in the middle of a re-import of the same study: at
the arrows between two of its steps, and at moments in equal distances. A new worker is started; nobody else helps.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.embedded import EmbeddedValkey
from imports import tasks
from imports.models import ImportRun, Upload
from studies.models import Study, StudyVersion
from studies.services import published_stores, stores
from studies.store import local_copies
from tests.builders.h5ad import generated_study
from tests.imports.conftest import names_in
from tests.support.worker import CeleryProcess, eventually, make_beat, make_worker, running

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

ARROWS = (
    *("claim:before", "claim:after", "start:before", "start:after", "make:after", "download:before", "download:after"),
    *("begin:after", "advance converting:before", "advance converting:after", "advance writing:after"),
    *("read_file:after", "publish:before", "put_in_place:before", "_to_disk:before", "publish_version:after"),
    *("publish:after", "finish:after", "announce:before", "clear:before", "clear:after"),
)
MOMENTS = 11
# The second attempt finds in its place what the first has put there and not published.
TWICE = ("_to_disk:before", "publish_version:after")
CELLS = (20_000, 21_000)


@dataclass
class House:
    """All that an import needs beside the database, and a worker that may be killed."""

    directory: Path
    file: Path
    prepared: list[Path]
    store_dir: Path
    scratch_dir: Path
    worker: CeleryProcess
    workers: int = 0
    imports: int = 0

    @property
    def order(self) -> Path:
        return self.directory / "order"

    def start_worker(self) -> None:
        self.workers += 1
        self.worker = make_killable_worker(self.directory, name=f"worker-{self.workers}")
        self.worker.start()

    def put_file(self) -> ImportRun:
        """Put another revision of the study where the file lies, whole at once, and have it found."""
        unfinished = self.file.with_suffix(".part")
        shutil.copyfile(self.prepared[self.imports % 2], unfinished)
        unfinished.rename(self.file)
        self.imports += 1
        found = Upload.objects.count()
        eventually(lambda: tasks.scan() or Upload.objects.count() > found, within=30)
        return ImportRun.objects.latest("created_at")

    def is_tidy(self) -> bool:
        """Tell whether there is nothing on disk but the Stores of versions."""
        versions = sorted(str(pk) for pk in StudyVersion.objects.values_list("pk", flat=True))
        here = [name for name in names_in(self.store_dir) if name != local_copies.LOCKS]
        sent = published_stores.versions() if published_stores.is_published() else versions
        return here == sorted(sent) == versions and not names_in(self.scratch_dir)


def make_killable_worker(directory: Path, *, name: str) -> CeleryProcess:
    environment = {
        "KILL_ORDER": str(directory / "order"),
        "KILL_READERS": str(directory / "readers"),
        "CELLENIUM_COMPILE_AT_START": "false",
        "CELLENIUM_STORE": settings.STORE_URI,
    }
    worker = make_worker(directory, name=name, **environment)
    worker.argv += ["--include", "tests.support.tasks,tests.support.kill_points"]
    return worker


@pytest.fixture
def house(settings: Any, folder: Path, tmp_path: Path) -> Iterator[House]:
    redis = EmbeddedValkey(tmp_path / "valkey", durable=True)
    redis.start()
    settings.REDIS_URL, settings.SCAN_SETTLE_SECONDS = redis.url, 0
    prepared = [generated_study(tmp_path / f"{cells}.h5ad", cells=cells, genes=1_500) for cells in CELLS]
    worker = make_killable_worker(tmp_path, name="none")
    made = House(tmp_path, folder / "study.h5ad", prepared, settings.STORE_DIR, settings.SCRATCH_DIR, worker)
    with running(make_beat(tmp_path)):
        made.start_worker()
        yield made
        made.worker.kill()
    redis.stop()


def test_killed_at_each_point_the_study_is_the_old_version_or_the_new(house: House) -> None:
    seconds = usual_seconds(house)
    moments = [f"moment:{seconds * (number + 0.5) / MOMENTS:.3f}" for number in range(MOMENTS)]
    print(f"\nan import takes {seconds:.2f} s when nobody is killed")
    for point in (*ARROWS, *moments):
        import_killed_at(house, point, times=1)
    for point in TWICE:
        import_killed_at(house, point, times=2)
    assert Study.objects.count() == 1
    assert StudyVersion.objects.count() == house.imports
    assert AuditEvent.objects.filter(action=Action.IMPORT_PUBLISHED).count() == house.imports


def usual_seconds(house: House) -> float:
    """Import twice in peace, the second time with a reader that is warm, and tell how long that took."""
    for _ in range(2):
        before, run = current(), house.put_file()
        finish(house, run, before)
    started = AuditEvent.objects.filter(action=Action.IMPORT_STARTED).latest("seq").at
    return (ImportRun.objects.get(pk=run.pk).finished_at - started).total_seconds()  # type: ignore[operator]


def import_killed_at(house: House, point: str, *, times: int) -> None:
    eventually(lambda: not Job.objects.unfinished().exists(), within=120)
    before = current()
    house.order.write_text(point)
    run = house.put_file()
    for number in range(times):
        if number:
            house.start_worker()
        eventually(lambda: not house.worker.alive, within=120)
        house.worker.kill()
        eventually(lambda: not any(map(is_alive, readers(house))), within=20)
        check_whole(current())
        assert current() in {before, run.pk}
    job, served = Job.objects.get(pk=run.job_id), "new" if current() == run.pk else "old"
    house.order.unlink()
    house.start_worker()
    recovered = finish(house, run, before)
    print(
        f"{f'{point} x{times}':<30} {job.state:<10} {job.stage:<9} {job.done:>7,} of {job.total:>7,}  "
        f"{served} version; ended {recovered:.1f} s after a worker was there again"
    )


def finish(house: House, run: ImportRun, before: Any) -> float:
    """Wait until an import has ended by itself, looking at the study all the time."""
    begun = time.monotonic()

    def ended() -> bool:
        assert current() in {before, run.pk}
        return Job.objects.get(pk=run.job_id).is_finished

    eventually(ended, within=180)
    took = time.monotonic() - begun
    job = Job.objects.get(pk=run.job_id)
    assert (job.state, job.error_detail) == (Job.State.SUCCEEDED, "")
    assert ImportRun.objects.get(pk=run.pk).state == ImportRun.State.PUBLISHED
    assert current() == run.pk
    check_whole(run.pk)
    # The job ends with the transaction that publishes; its attempt, or the next scan, tidies up after it.
    eventually(lambda: tasks.scan() or house.is_tidy(), within=20, every=0.2)
    return took


def current() -> Any:
    """Give the id of the version the study is served from."""
    return Study.objects.values_list("current_version", flat=True).first()


def check_whole(version_id: Any) -> None:
    """See that a version has all its rows, and every byte of its Stores."""
    if version_id is None:
        assert not StudyVersion.objects.exists()
        return
    version = StudyVersion.objects.get(pk=version_id)
    assert version.features.count() == version.gene_count == 1_500
    assert sorted(version.annotation_groups.values_list("key", flat=True)) == ["batch", "cell_type"]
    for reader in (stores.cells_of(version), stores.matrix_of(version.layers.get())):
        assert reader.cells == version.cell_count
        reader.verify()


def readers(house: House) -> list[int]:
    """Give the processes that were opening the file."""
    path = house.directory / "readers"
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; what is dead and only not yet waited for does nothing any more."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
