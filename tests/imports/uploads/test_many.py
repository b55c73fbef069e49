"""Ten thousand small files found by the scan, while the same happens again beside it."""

import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from cellenium_admin.core.models import Job, User
from imports.models import ImportRun, Upload
from imports.services import uploads
from tests.imports.uploads.conftest import ACTOR
from tests.support.sandbox import Aws

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(900)]
FILES = 10_000


def put_many(aws: Aws, bucket: str, prefix: str) -> None:
    def put(worker: int) -> None:
        s3 = aws("s3", aws.sandbox.root)
        for number in range(worker, FILES, 4):
            s3.put_object(Bucket=bucket, Key=f"{prefix}{number:05}.h5ad", Body=b"x")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))


def test_ten_thousand_small_uploads(bucket: str, uploader: User, aws: Aws, settings: object) -> None:
    settings.UPLOAD_QUOTA_FILES = FILES  # type: ignore[attr-defined]

    put_many(aws, bucket, str(uploader.upload_prefix))
    barrier, found = threading.Barrier(2), []

    def scan() -> None:
        try:
            barrier.wait(timeout=60)
            found.append(uploads.scan(actor=ACTOR))
        finally:
            connections.close_all()

    started = time.perf_counter()
    threads = [threading.Thread(target=scan) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = time.perf_counter() - started
    assert sum(one.new for one in found) == FILES
    assert Upload.objects.count() == ImportRun.objects.count() == Job.objects.count() == FILES
    tracemalloc.start()
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as queries:
        again = uploads.scan(actor=ACTOR)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (again.found, again.new) == (FILES, 0)
    assert len(queries) <= 3 * FILES // uploads.BATCH_FILES
    assert peak < 64 * 1024**2
    print(
        f"\n{FILES} files: two scans at once {first:.1f} s, again {time.perf_counter() - started:.1f} s with"
        f" {len(queries)} queries and {peak / 1024**2:.1f} MiB"
    )
