"""Points at which a worker dies with all its children at once, as in a power cut; loaded into it by `--include`.

The file named by KILL_ORDER says where: `name:before`, `name:after` of a function below, or `moment:seconds` after the
beginning of an attempt. Without the file nothing dies.
"""

import functools
import os
import signal
import threading
from pathlib import Path
from typing import Any

from cellenium_admin.core import storage
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_channel, job_leases
from cellenium_admin.core.storage.objects import ObjectTree
from imports import tasks
from imports.reader_process import client, fork_server
from imports.services import imports, workplaces
from studies.services import published_stores

ORDER = Path(os.environ["KILL_ORDER"]) if "KILL_ORDER" in os.environ else None
READERS = Path(os.environ["KILL_READERS"]) if "KILL_READERS" in os.environ else None
PLACES: tuple[tuple[Any, str], ...] = (
    (job_leases, "claim"),
    (imports, "start"),
    (workplaces.Workplace, "make"),
    (storage, "download"),
    (fork_server.ForkServer, "begin"),
    (imports, "advance"),
    (client, "read_file"),
    (imports, "publish"),
    (imports, "_supersede"),
    (workplaces.Workplace, "put_in_place"),
    (workplaces, "_to_disk"),
    (imports, "publish_version"),
    (RunningJob, "finish"),
    (published_stores, "send"),
    (ObjectTree, "put"),
    (job_channel, "announce"),
    (workplaces.Workplace, "clear"),
)


def die() -> None:
    """Kill this process, the worker's main process and its other children."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def reach(point: str) -> None:
    """Die here if it is the place."""
    if ORDER is not None and ORDER.exists() and ORDER.read_text() == point:
        die()


def wrap(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def passing(*arguments: Any, **named: Any) -> Any:
        point = f"{name} {named['state']}" if name == "advance" else name
        reach(f"{point}:before")
        result = real(*arguments, **named)
        if name == "begin" and READERS is not None:
            READERS.write_text(f"{arguments[0].pid} {result}")
        if name == "start":
            begin_clock()
        reach(f"{point}:after")
        return result

    setattr(owner, name, passing)


def begin_clock() -> None:
    """Have this attempt die when its time has come."""
    if ORDER is not None and ORDER.exists() and ORDER.read_text().startswith("moment:"):
        clock = threading.Timer(float(ORDER.read_text().removeprefix("moment:")), die)
        clock.daemon = True
        clock.start()


if ORDER is not None:
    for where, what in PLACES:
        wrap(where, what)
    assert tasks.storage is storage
