"""Several revisions of one file, imported in whatever order workers come to them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cellenium_admin.core.models import Action, AuditEvent, Job, User
from imports import tasks
from imports.models import ImportRun
from studies.models import Study, StudyVersion
from tests.builders.h5ad import study_file

pytestmark = pytest.mark.django_db(transaction=True)

BUCKET = "studies"
Deliver = Callable[[ImportRun], Job]


@pytest.fixture
def put(
    uploader: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int], None]]:
    """Put a study of so many cells into a bucket that keeps versions, always under the same key."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.H5AD_STORE = f"s3://{BUCKET}"
    with mock_aws():
        client = boto3.Session().client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

        def upload(cells: int) -> None:
            path = study_file(tmp_path / "a.h5ad", cells=cells)
            client.put_object(Bucket=BUCKET, Key=f"{uploader.upload_prefix}a.h5ad", Body=path.read_bytes())

        yield upload


def runs() -> list[ImportRun]:
    return list(ImportRun.objects.select_related("upload", "job").order_by("created_at"))


def test_in_their_order_each_takes_the_place_of_the_one_before(
    put: Callable[[int], None], scan: Any, deliver: Deliver
) -> None:
    for cells in (30, 40):
        put(cells)
        scan()
    for run in runs():
        assert deliver(run).state == Job.State.SUCCEEDED
    assert [version.cell_count for version in StudyVersion.objects.order_by("number")] == [30, 40]
    current = Study.objects.get().current_version
    assert current is not None
    assert current.cell_count == 40


def test_an_older_one_that_comes_later_changes_nothing(
    put: Callable[[int], None], scan: Any, deliver: Deliver, everything_on_disk: Callable[[], dict[str, list[str]]]
) -> None:
    for cells in (30, 40):
        put(cells)
        scan()
    older, newer = runs()
    deliver(newer)
    job = deliver(older)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "superseded", 1)
    assert "newer" in job.error_detail
    assert not job.stage, "it was not even fetched"
    older.refresh_from_db()
    assert (older.state, older.version) == (ImportRun.State.SUPERSEDED, None)
    assert StudyVersion.objects.get().cell_count == 40
    event = AuditEvent.objects.get(action=Action.IMPORT_CANCELLED)
    assert (event.object_id, event.details["code"]) == (str(older.pk), "superseded")
    assert everything_on_disk() == {"STORE_DIR": [str(newer.pk)], "SCRATCH_DIR": []}


def test_an_older_one_overtaken_just_before_it_publishes_changes_nothing(
    put: Callable[[int], None], scan: Any, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cells in (30, 40):
        put(cells)
        scan()
    older, newer = runs()
    publish = tasks.Attempt._publish

    def overtaken(self: tasks.Attempt, *args: Any) -> None:
        if self.run == older:
            # As when its worker was stopped for a while: nobody waits longer than a lease for it.
            Job.objects.filter(pk=older.job_id).update(lease_until=older.created_at)
            assert deliver(newer).state == Job.State.SUCCEEDED
        publish(self, *args)

    monkeypatch.setattr(tasks.Attempt, "_publish", overtaken)
    assert deliver(older).error_code == "superseded"
    assert StudyVersion.objects.get().cell_count == 40


def test_a_broken_successor_does_not_stop_the_older_one(
    put: Callable[[int], None], scan: Any, deliver: Deliver, uploader: User
) -> None:
    put(30)
    scan()
    boto3.Session().client("s3").put_object(Bucket=BUCKET, Key=f"{uploader.upload_prefix}a.h5ad", Body=b"no study")
    scan()
    older, newer = runs()
    assert deliver(newer).error_code == "file_rejected"
    assert deliver(older).state == Job.State.SUCCEEDED
    assert StudyVersion.objects.get().cell_count == 30
