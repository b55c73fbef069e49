"""An import whose Stores go to object storage: there before anything names them, gone when nothing ever will."""

from typing import Any

import pytest

from cellenium_admin.core.exceptions import UnavailableError
from cellenium_admin.core.storage.objects import ObjectTree
from imports.models import ImportRun
from imports.services import imports, workplaces
from imports.tasks import run_import
from studies.services import published_stores, stores
from studies.store import cache, local_copies
from tests.builders.h5ad import study_file
from tests.sandbox.conftest import put_right
from tests.support.crashes import Crash
from tests.support.gateway import aws_environment
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "aws_environment", "put_right", "sandbox"]
STRANGE = "11111111-1111-4111-8111-111111111111"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(aws: Aws, aws_environment: None, settings: Any) -> str:
    name = aws.make_bucket()
    settings.STORE_URI = f"s3://{name}"
    return name


def test_another_host_reads_what_was_imported(bucket, folder, scan, newest_run, deliver, settings, tmp_path):
    study_file(folder / "a.h5ad")
    scan()
    assert deliver(newest_run()).state == "succeeded"
    run = newest_run()
    assert published_stores.versions() == [str(run.pk)]
    here = stores.matrix_of(stores.default_layer(run.version))
    assert [str(copy.directory) for copy in local_copies.copies(settings.STORE_DIR)]
    settings.STORE_DIR = tmp_path / "other"
    cache.matrices._open.clear()
    there = stores.matrix_of(stores.default_layer(run.version))
    assert there.directory != here.directory
    assert there.manifest == here.manifest


def test_storage_that_is_away_is_asked_again(bucket, folder, scan, newest_run, deliver, monkeypatch):
    study_file(folder / "a.h5ad")
    scan()

    def away(*_: Any, **__: Any) -> None:
        raise UnavailableError("S3 does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(ObjectTree, "put", away)
        assert deliver(newest_run()).state == "queued"
    assert newest_run().version is None
    assert deliver(newest_run()).state == "succeeded"


def test_objects_of_an_import_that_never_ends_well_are_removed(bucket, aws, folder, scan, newest_run, monkeypatch):
    """It died after it had sent its Stores; once it has ended, the next scan takes them away, and nothing else."""
    path = study_file(folder / "a.h5ad")
    scan()
    run = newest_run()

    def die(**_: Any) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(imports, "publish", die)
        with pytest.raises(Crash):
            run_import(str(run.job_id))
    assert published_stores.versions() == [str(run.pk)]
    assert workplaces.clear_unpublished_objects() == [], "it may still be repeated"
    ImportRun.objects.filter(pk=run.pk).update(state="failed", finished_at="2026-01-01T00:00Z")
    tree = ObjectTree(f"s3://{bucket}")
    tree.put(f"{STRANGE}/rna-X/manifest.json", path)
    tree.put("other/thing", path)
    assert workplaces.clear_unpublished_objects() == [str(run.pk)]
    assert workplaces.clear_unpublished_objects() == []
    listed = aws("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Key"] for one in listed] == [f"{STRANGE}/rna-X/manifest.json", "other/thing"]
