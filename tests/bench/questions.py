"""Heavy questions and one gene through the REST API and a warm worker: `python -m tests.bench.questions`.

PostgreSQL (durable), Valkey, a gunicorn with one process of sixteen threads, eight of which may wait, and a Celery
worker with two processes, on the seeded study of `tests.bench.analysis`. Every question is a new one, of cells drawn at
random, and asked with `Prefer: wait=5`. Cold is after the system was told to forget what it holds of files, which root
may do (proc(5), drop_caches); what the processes themselves have touched they keep. `--cells` chooses the study,
`--few` measures shorter, `--json FILE` writes the numbers.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cellenium_admin.embedded import EmbeddedValkey
from tests.bench import seeded_study
from tests.bench.analysis import DIRECTORY, apart
from tests.bench.audit import database
from tests.bench.credentials import PATIENCE, ROOT, server

CLIENTS = (1, 8)
WORKERS = 2
THREADS, WAITING = 16, 8
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
QUESTIONS = (
    ("differential_expression", CLIENTS, False),
    ("correlation", CLIENTS, False),
    ("few_cells", CLIENTS, False),
    ("expression", CLIENTS, False),
    ("few_cells", (1,), True),
    ("expression", (1,), True),
)


@contextmanager
def worker(log: Path) -> Iterator[None]:
    """Run a Celery worker as it is deployed, its kernels compiled."""
    command = [sys.executable, "-m", "celery", "--app", "cellenium_admin", "worker", "--concurrency", str(WORKERS)]
    variables = {**os.environ, "CELLENIUM_COMPILE_AT_START": "true"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--queues", "default,imports,compute", "--loglevel", "INFO"],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            until = time.monotonic() + PATIENCE
            while " ready." not in log.read_text():
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError(f"The worker did not start: {log.read_text()[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def published(cells: int) -> dict[str, Any]:
    """Publish the seeded study, its Store built if it is not there; give its address, a token, the genes that vary."""
    from django.conf import settings

    from cellenium_admin.core.context import Actor
    from studies.content import FeatureContent, LayerContent, SourceContent, VersionContent
    from studies.services.publication import publish_version
    from studies.store.reader import MatrixReader
    from tests.builders.people import person, token_of

    DIRECTORY.mkdir(exist_ok=True)
    path = seeded_study.write(DIRECTORY / f"{cells}x{seeded_study.GENES}.h5ad", cells)
    built = DIRECTORY / path.stem
    if not (built / "cells" / "manifest.json").exists():
        apart("import", path, built)
    version_id = uuid.uuid4()
    (Path(settings.STORE_DIR) / str(version_id)).symlink_to(built.resolve())
    owner = person("analyst")
    content = VersionContent(
        title="Seeded",
        description="",
        organism_tax_id=9606,
        cell_count=cells,
        features=tuple(FeatureContent(f"ENSG{gene:011d}", f"GENE{gene}") for gene in range(seeded_study.GENES)),
        annotations=(),
        projections=("umap",),
        layers=(LayerContent("normalized", "rna-X"),),
        source=SourceContent(path.resolve().as_uri(), "1", path.stat().st_size, "0" * 64),
    )
    version = publish_version(version_id=version_id, content=content, owner=owner, actor=Actor.system("bench"))
    varied = np.flatnonzero(MatrixReader(built / "rna-X").nonzero)
    study = f"/api/v1/studies/{version.study_id}"
    return {"study": study, "token": token_of(owner, ("read", "compute")), "genes": varied}


class Client:
    """One client over one connection that stays open; no question is asked twice."""

    def __init__(self, port: int, place: dict[str, Any], cells: int, seed: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {
            "Authorization": f"Bearer {place['token']}",
            "Content-Type": "application/json",
            "Prefer": "wait=5",
        }
        self._study, self._cells = place["study"], cells
        self.bytes: list[int] = []
        self._random = np.random.default_rng(seed)
        self._genes = iter(self._random.permutation(place["genes"]).tolist())

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """Ask, and take nothing but an answer."""
        sent = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, f"{self._study}{path}", sent, self._headers)
            answer = self._connection.getresponse()
        except ConnectionError:  # the server closes what is idle, and one client waits for the slowest
            self._connection.close()
            self._connection.request(method, f"{self._study}{path}", sent, self._headers)
            answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == http.HTTPStatus.OK, (answer.status, content[:500])
        return content

    def differential_expression(self) -> None:
        """Compare a tenth of the cells, drawn anew, with the rest."""
        chosen = self._random.choice(self._cells, self._cells // 10, replace=False)
        self.ask("POST", "/de", {"group1": {"cell_ids": chosen.tolist()}})

    def few_cells(self) -> None:
        """Compare fifty cells, drawn anew, with the rest."""
        chosen = self._random.choice(self._cells, 50, replace=False)
        self.ask("POST", "/de", {"group1": {"cell_ids": chosen.tolist()}})

    def correlation(self) -> None:
        """Correlate the next gene with all."""
        self.ask("POST", "/correlations", {"feature": f"GENE{next(self._genes)}"})

    def expression(self) -> None:
        """Read the next gene of all cells."""
        self.bytes.append(len(self.ask("GET", f"/expression?feature=GENE{next(self._genes)}")))


def read_once(cells: int) -> None:
    """Have the system hold the study's Store, for warm means that it does."""
    for path in (DIRECTORY / f"{cells}x{seeded_study.GENES}").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(16 << 20):
                    pass


def forget_files() -> None:
    """Have the system read from disk what is asked for next. Raises PermissionError for others than root."""
    os.sync()
    DROP_CACHES.write_text("1")


def measured(clients: list[Client], question: str, rounds: int, *, cold: bool = False) -> dict[str, float]:
    """Let all clients ask at once, again and again; the first three times do not count."""
    barrier = threading.Barrier(len(clients), action=forget_files if cold else None, timeout=PATIENCE)
    took: list[float] = []
    failures: list[BaseException] = []

    def ask(call: Callable[[], None]) -> None:
        try:
            for number in range(rounds + 3):
                barrier.wait()
                started = time.perf_counter()
                call()
                if number >= 3:
                    took.append(1000 * (time.perf_counter() - started))
        except BaseException as error:  # noqa: BLE001 -- raised again below
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=ask, args=(getattr(client, question),)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {"median": statistics.median(took), "p95": sorted(took)[int(len(took) * 0.95)], "asked": len(took)}


def show(name: str, one: dict[str, float], clients: list[Client]) -> dict[str, float]:
    """Print a line and give the numbers, with the median of the bytes that came where they were counted."""
    if counted := [size for client in clients for size in client.bytes]:
        one["bytes"] = statistics.median(counted)
    size = f"  {one['bytes'] / 1e3:8.1f} kB" if "bytes" in one else ""
    print(f"{name:<32}{one['median']:8.1f} ms  p95 {one['p95']:8.1f} ms{size}", flush=True)
    return one


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--few", action="store_true", help="measure shorter")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    options = parser.parse_args()
    rounds = 8 if options.few else 60
    found: dict[str, Any] = {"cells": options.cells}
    with database(), tempfile.TemporaryDirectory(prefix="bench-questions-", dir="/var/tmp") as directory:
        valkey = EmbeddedValkey(Path(directory) / "valkey")
        valkey.start()
        try:
            os.environ["CELLENIUM_REDIS_URL"] = valkey.url
            os.environ["CELLENIUM_WAIT_SLOTS"] = str(WAITING)
            place = published(options.cells)
            read_once(options.cells)
            with (
                worker(Path(directory) / "worker.log"),
                server(Path(directory) / "gunicorn.log", threads=THREADS) as port,
            ):
                for question, counts, cold in QUESTIONS:
                    if cold and not os.access(DROP_CACHES, os.W_OK):
                        print(f"{question}, cold: not measured, for only root can have the system forget files")
                        continue
                    for count in counts:
                        seeds = range(100 * count + 50 * cold, 100 * count + 50 * cold + count)
                        clients = [Client(port, place, options.cells, seed) for seed in seeds]
                        name = f"{question}{', cold' if cold else ''}, {count}"
                        found[name] = show(name, measured(clients, question, rounds, cold=cold), clients)
        finally:
            valkey.stop()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
