"""Finding files: each revision once, whoever scans, and under the right owner."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.db import connection
from django.utils import timezone

from cellenium_admin.core import storage
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.prefixes import prefix_for
from cellenium_admin.core.storage import StoredFile
from imports.models import ImportRun, Upload
from imports.services import arrivals, uploads
from imports.services.uploads import ScanResult
from tests.support.jobs import make_user

pytestmark = pytest.mark.django_db(transaction=True)

Scan = Callable[[], ScanResult]


def put(folder: Path, name: str, content: bytes = b"abc") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_new_file_is_queued_for_its_owner(folder: Path, uploader: User, scan: Scan) -> None:
    path = put(folder, "a.h5ad")
    assert scan() == ScanResult(found=1, new=1, unchanged=0, too_fresh=0)
    upload = Upload.objects.get()
    assert (upload.uri, upload.size, upload.owner) == (path.as_uri(), 3, uploader)
    run = ImportRun.objects.get()
    assert (run.upload, run.state) == (upload, ImportRun.State.RECEIVED)
    job = run.job
    assert (job.name, job.args, job.owner) == ("imports.run_import", {"run_id": str(run.pk)}, uploader)
    assert (job.subject_type, job.subject_id, job.max_attempts) == ("importrun", str(run.pk), 3)
    event = AuditEvent.objects.get(action=Action.UPLOAD_FOUND)
    assert (event.actor_id, event.object_id, event.object_label) == ("test", str(upload.pk), path.as_uri())
    told = {name: event.details[name] for name in ("uri", "revision", "size", "state", "source", "owner_id")}
    assert told == {
        "uri": path.as_uri(),
        "revision": upload.revision,
        "size": 3,
        "state": "received",
        "source": "bucket",
        "owner_id": str(uploader.pk),
    }


def test_a_second_scan_finds_nothing_new(folder: Path, scan: Scan) -> None:
    put(folder, "a.h5ad")
    put(folder, "b.h5ad")
    assert scan() == ScanResult(2, 2, 0, 0)
    assert scan() == ScanResult(2, 0, 2, 0)
    assert (Upload.objects.count(), Job.objects.count(), AuditEvent.objects.count()) == (2, 2, 2)


def test_only_h5ad_files_under_the_prefix_count(root: Path, folder: Path, scan: Scan) -> None:
    for name in ("a.H5AD", "b.h5", "c.txt", "h5ad", "d.h5ad.gz"):
        put(folder, name)
    put(root, "elsewhere/e.h5ad")
    assert scan() == ScanResult(5, 5, 0, 0)
    assert set(ImportRun.objects.values_list("upload__uri", flat=True)) == {(folder / "a.H5AD").as_uri()}
    left_alone = Upload.objects.filter(state=Upload.State.UNRECOGNIZED)
    assert {upload.uri.rpartition("/")[2] for upload in left_alone} == {"b.h5", "c.txt", "h5ad", "d.h5ad.gz"}
    assert scan() == ScanResult(5, 0, 5, 0)


def test_what_nobody_has_put_under_a_prefix_of_theirs_is_not_written_down(root: Path, scan: Scan) -> None:
    put(root, "input/nobody/c.txt")
    put(root, "input/nobody/d.h5ad")
    assert scan() == ScanResult(1, 1, 0, 0)


def test_another_prefix_can_be_set(root: Path, scan: Scan, settings: Any) -> None:
    settings.SCAN_PREFIX = "elsewhere/"
    put(root, "elsewhere/e.h5ad")
    assert scan().new == 1


def test_a_file_that_may_still_grow_waits(folder: Path, scan: Scan, settings: Any) -> None:
    settings.SCAN_SETTLE_SECONDS = 60
    put(folder, "a.h5ad")
    assert scan() == ScanResult(1, 0, 0, 1)
    assert not Upload.objects.exists()
    settings.SCAN_SETTLE_SECONDS = 0
    assert scan() == ScanResult(1, 1, 0, 0)


def test_objects_in_a_bucket_need_not_settle(scan: Scan, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCAN_SETTLE_SECONDS = 60
    file = StoredFile("s3://b/input/x/a.h5ad", "input/x/a.h5ad", '"e"', 1, timezone.now())
    monkeypatch.setattr(storage, "list_files", lambda prefix: iter([file]))
    assert scan() == ScanResult(1, 1, 0, 0)


def test_a_file_under_nobodys_prefix_belongs_to_nobody(root: Path, folder: Path, scan: Scan) -> None:
    put(root, "input/a.h5ad")
    put(root, "input/somebody-else@example.org/a.h5ad")
    put(root, "input/uploader@example.org.evil/a.h5ad")
    assert scan().new == 3
    assert set(Upload.objects.values_list("owner", flat=True)) == {None}
    assert set(Job.objects.values_list("owner", flat=True)) == {None}


def test_each_file_goes_to_its_own_owner(root: Path, folder: Path, uploader: User, scan: Scan) -> None:
    other = make_user("other@example.org", upload_prefix=prefix_for("other@example.org"))
    put(folder, "deep/er/a.h5ad")
    put(root, f"{other.upload_prefix}a.h5ad")
    scan()
    owners = {unquote(upload.uri.rpartition("input/")[2]): upload.owner for upload in Upload.objects.all()}
    assert owners == {"uploader@example.org/deep/er/a.h5ad": uploader, "other@example.org/a.h5ad": other}


def test_a_replaced_file_is_another_upload_even_while_the_first_is_queued(folder: Path, scan: Scan) -> None:
    put(folder, "a.h5ad")
    scan()
    put(folder, "a.h5ad", b"abcd")
    assert scan() == ScanResult(1, 1, 0, 0)
    assert Upload.objects.count() == 2
    assert ImportRun.objects.filter(state=ImportRun.State.RECEIVED).count() == 2


def test_an_earlier_file_that_comes_back_is_new(folder: Path, scan: Scan) -> None:
    path = put(folder, "a.h5ad")
    times = path.stat()
    scan()
    put(folder, "a.h5ad", b"abcd")
    scan()
    put(folder, "a.h5ad", b"abc")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert scan() == ScanResult(1, 1, 0, 0)
    assert scan() == ScanResult(1, 0, 1, 0)
    assert len(set(Upload.objects.values_list("revision", flat=True))) == 2


def test_other_rights_make_no_other_file(folder: Path, scan: Scan) -> None:
    path = put(folder, "a.h5ad")
    scan()
    path.chmod(0o600)
    assert scan() == ScanResult(1, 0, 1, 0)


def test_a_removed_newest_version_brings_nothing_old_back(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    first = StoredFile("s3://b/input/x/a.h5ad", "input/x/a.h5ad", "v1", 1, now - timedelta(hours=1))
    second = StoredFile("s3://b/input/x/a.h5ad", "input/x/a.h5ad", "v2", 1, now)
    for file, new in ((first, 1), (second, 1), (first, 0)):
        monkeypatch.setattr(storage, "list_files", lambda prefix, file=file: iter([file]))
        assert scan().new == new


def test_a_name_too_long_for_us_keeps_no_other_file_waiting(
    folder: Path, scan: Scan, caplog: pytest.LogCaptureFixture
) -> None:
    long = folder
    for _ in range(10):
        long = long / ("ä" * 60)
    put(long, "a.h5ad")
    put(folder, "b.h5ad")
    assert scan() == ScanResult(1, 1, 0, 0)
    assert "too long" in caplog.text


def test_names_that_are_no_text_are_found_too(folder: Path, uploader: User, scan: Scan) -> None:
    put(folder, os.fsdecode(b"\xff.h5ad"))
    assert scan().new == 1
    assert Upload.objects.get().uri.endswith("/%FF.h5ad")
    assert Upload.objects.get().owner == uploader


def test_a_listing_that_breaks_off_raises_and_keeps_what_was_seen(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "BATCH_FILES", 3)

    def listing(prefix: str) -> Any:
        for number in range(7):
            yield StoredFile(f"s3://b/{number}.h5ad", f"{number}.h5ad", '"e"', 1, timezone.now())
        raise UnavailableError("The second page is missing.")

    monkeypatch.setattr(storage, "list_files", listing)
    with pytest.raises(UnavailableError):
        scan()
    assert Upload.objects.count() == 6


def test_a_store_that_is_away_raises(root: Path, scan: Scan) -> None:
    root.rmdir()
    with pytest.raises(UnavailableError):
        scan()


def test_upload_run_job_and_event_come_together_or_not_at_all(
    folder: Path, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "a.h5ad")

    def fail(**_: Any) -> None:
        raise RuntimeError("no trail")

    with monkeypatch.context() as patch:
        patch.setattr(arrivals.audit, "record", fail)
        with pytest.raises(RuntimeError, match="no trail"):
            scan()
    assert not any(model.objects.exists() for model in (Upload, ImportRun, Job))
    assert scan().new == 1


def test_scans_at_the_same_time_find_each_file_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        put(folder, f"{number}.h5ad")
    time.sleep(0.01)
    barrier = threading.Barrier(4)
    known = uploads._newest_revisions

    def meet(files: Any) -> Any:
        revisions = known(files)
        barrier.wait(timeout=30)
        return revisions

    monkeypatch.setattr(uploads, "_newest_revisions", meet)

    def work(number: int) -> ScanResult:
        try:
            return uploads.scan(actor=Actor.system(f"scan {number}"))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert sum(result.new for result in results) == 5
    assert all(result.found == 5 for result in results)
    assert (Upload.objects.count(), ImportRun.objects.count(), Job.objects.count()) == (5, 5, 5)
    assert AuditEvent.objects.filter(action=Action.UPLOAD_FOUND).count() == 5
