"""The whole way with a real S3 server: uploaded with boto3, found by the scan, imported, replaced."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from cellenium_admin.core import storage
from cellenium_admin.core.models import Job, User
from cellenium_admin.embedded import EmbeddedSeaweedFS
from imports.models import ImportRun, Upload
from imports.services.uploads import ScanResult
from studies.models import Study, StudyVersion
from tests.builders.h5ad import study_file

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BUCKET = "studies"


@pytest.fixture
def s3(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = EmbeddedSeaweedFS(tmp_path / "seaweedfs")
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_access_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    settings.H5AD_STORE = f"s3://{BUCKET}"
    client = boto3.Session().client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    client.create_bucket(Bucket=BUCKET)
    yield client
    server.stop()


@pytest.mark.parametrize("versions", [False, True], ids=["plain", "versioned"])
def test_from_the_bucket_to_the_study_and_again(
    versions: bool,
    s3: Any,
    uploader: User,
    scan: Callable[[], ScanResult],
    newest_run: Callable[[], ImportRun],
    deliver: Callable[[ImportRun], Job],
    tmp_path: Path,
) -> None:
    if versions:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    key = f"{uploader.upload_prefix}deep/my study ä.h5ad"
    for number, cells in enumerate((60, 90), start=1):
        s3.upload_file(str(study_file(tmp_path / "a.h5ad", cells=cells)), BUCKET, key)
        assert scan() == ScanResult(found=1, new=1, unchanged=0, too_fresh=0)
        assert scan() == ScanResult(found=1, new=0, unchanged=1, too_fresh=0)
        job = deliver(newest_run())
        assert (job.state, job.owner) == (Job.State.SUCCEEDED, uploader)
        assert (job.report["version"], job.report["cell_count"]) == (number, cells)
    assert Study.objects.get().source_uri == f"s3://{BUCKET}/{key}"
    assert StudyVersion.objects.count() == 2
    revisions = list(Upload.objects.order_by("found_at").values_list("revision", flat=True))
    assert [revision.startswith('"') for revision in revisions] == [not versions] * 2
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == (tmp_path / "a.h5ad").stat().st_size


def test_an_object_replaced_while_it_waited_is_not_taken_for_the_old_one(
    s3: Any, uploader: User, scan: Any, newest_run: Any, deliver: Any, tmp_path: Path
) -> None:
    key = f"{uploader.upload_prefix}a.h5ad"
    s3.upload_file(str(study_file(tmp_path / "a.h5ad")), BUCKET, key)
    scan()
    s3.upload_file(str(study_file(tmp_path / "a.h5ad", cells=90)), BUCKET, key)
    assert deliver(newest_run()).error_code == "file_changed"
    s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(storage.FileGoneError):
        storage.download(f"s3://{BUCKET}/{key}", '"x"', tmp_path / "b")
    assert not Study.objects.exists()


def test_all_pages_of_a_large_listing_come(s3: Any, uploader: User) -> None:
    keys = [f"{uploader.upload_prefix}{number:04d}.h5ad" for number in range(1100)]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert [file.key for file in storage.list_files("input/")] == keys
