"""How fast the trail takes events, and what verifying a million of them costs: `python -m tests.bench.audit`.

A durable PostgreSQL of its own, the application's role, one transaction for each event, writers in processes.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import django
import psycopg
from django.core.management import call_command
from django.db import connection, connections, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.embedded import EmbeddedPostgres

PROCESSES = multiprocessing.get_context("fork")
FILL = """
    SELECT count(core_audit_append(jsonb_build_object(
        'action', 'upload.found', 'outcome', 'ok', 'actor_type', 'system', 'actor_id', 'scan', 'actor_label', 'scan',
        'on_behalf_of', '', 'request_id', gen_random_uuid()::text, 'address', '127.0.0.1', 'object_type', 'upload',
        'object_id', gen_random_uuid()::text, 'object_label', 'input/someone/file-' || n || '.h5ad',
        'before', '{}'::jsonb, 'after', '{}'::jsonb, 'reason', '', 'details',
        jsonb_build_object('uri', 's3://bucket/input/someone/file-' || n || '.h5ad', 'size', n))))
    FROM generate_series(1, %s) AS n
"""


@contextmanager
def database() -> Iterator[str]:
    """Start a durable server, migrate, and give the superuser's address."""
    with tempfile.TemporaryDirectory(prefix="bench-audit-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        server = EmbeddedPostgres(Path(directory) / "postgres")
        server.start()
        try:
            urls = server.bootstrap("bench")
            os.environ.update(
                CELLENIUM_ENVIRONMENT="testing",
                DJANGO_SETTINGS_MODULE="cellenium_admin.settings.testing",
                CELLENIUM_SECRET_KEY="only-for-benchmarks-" + "x" * 50,
                CELLENIUM_DATABASE_URL=urls.app,
                CELLENIUM_DATABASE_OWNER_URL=urls.owner,
                CELLENIUM_REDIS_URL="redis://127.0.0.1/0",
                CELLENIUM_H5AD_STORE=directory,
                CELLENIUM_STORE_DIR=directory,
                CELLENIUM_SCRATCH_DIR=directory,
            )
            django.setup()
            call_command("migrate", verbosity=0)
            connections.close_all()
            yield urls.superuser
        finally:
            connections.close_all()
            server.destroy()


def write(barrier: Barrier, seconds: float, counts: Any) -> None:
    """Record events one after another, each in its own transaction, for some time."""
    from cellenium_admin.core.models import Action
    from cellenium_admin.core.services import audit

    connection.ensure_connection()
    barrier.wait()
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        with transaction.atomic():
            audit.record(
                action=Action.UPLOAD_FOUND,
                actor=Actor.system("scan"),
                obj=audit.ObjectRef(type="upload", id=str(count), label="input/someone/file.h5ad"),
                details={"uri": "s3://bucket/input/someone/file.h5ad", "size": count},
            )
        count += 1
    connection.close()
    counts.put(count)


def events_per_second(writers: int, seconds: float) -> float:
    """Measure what all writers together get through."""
    barrier, counts = PROCESSES.Barrier(writers), PROCESSES.Queue()
    processes = [PROCESSES.Process(target=write, args=(barrier, seconds, counts)) for _ in range(writers)]
    for process in processes:
        process.start()
    total = sum(counts.get() for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def flush_milliseconds(url: str) -> float:
    """Measure the commit of an empty write: the floor under every event, since each waits for the disk."""
    with psycopg.connect(url, autocommit=True) as admin:
        started = time.monotonic()
        for _ in range(200):
            admin.execute("SELECT pg_current_xact_id()")
            admin.execute("SELECT pg_logical_emit_message(true, '', 'x')")
        return (time.monotonic() - started) / 200 * 1000


def verify_all() -> tuple[float, float]:
    """Verify in a process of its own; give seconds and peak memory in MB."""
    results: Any = PROCESSES.Queue()
    process = PROCESSES.Process(target=_verify, args=(results,))
    process.start()
    seconds, megabytes = results.get()
    process.join()
    return seconds, megabytes


def _verify(results: Any) -> None:
    started = time.monotonic()
    call_command("audit", "verify")
    results.put((time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    with database() as superuser_url:
        print(f"one durable commit: {flush_milliseconds(superuser_url):.2f} ms", flush=True)
        for writers in (1, 8, 50):
            print(f"{writers:3} writers: {events_per_second(writers, options.seconds):7.0f} events/s", flush=True)
        started = time.monotonic()
        with psycopg.connect(superuser_url, autocommit=True) as admin:
            for _ in range(max(1, options.rows // 10_000)):
                admin.execute(FILL, [10_000])
        print(f"appended {options.rows} in bulk: {time.monotonic() - started:.0f} s", flush=True)
        print(f"  8 writers behind them: {events_per_second(8, options.seconds):7.0f} events/s", flush=True)
        seconds, megabytes = verify_all()
        print(f"verified in {seconds:.1f} s, peak {megabytes:.0f} MB")


if __name__ == "__main__":
    main()
