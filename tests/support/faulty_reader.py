"""A fork server whose readers do what the text in the file tells them, instead of reading it.

`python -m tests.support.faulty_reader`, in the place of `imports.reader_process.server`.
"""

import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from imports.h5ad.findings import Finding, Severity
from imports.reader_process import child, server

Tell = Callable[[str, int, int], None]


def note(code: str, found: object) -> list[Finding]:
    return [Finding(Severity.NOTE, code, "file", found=str(found))]


def work(file: Path, building: Path | None, memory_bytes: int, source: Any, tell: Tell) -> Any:
    deed, _, rest = file.read_text().partition(" ")
    tell("validate", 0, 1)
    return DEEDS[deed](rest, building or file.parent, tell) or [], None


def die(rest: str, *_: Any) -> None:
    os.kill(os.getpid(), getattr(signal, rest))


def crash(*_: Any) -> None:
    ctypes.string_at(1)


def take_memory(rest: str, *_: Any) -> list[Finding]:
    taken = [np.ones(1 << 20) for _ in range(int(rest) >> 23)]
    return note("taken", sum(part.nbytes for part in taken))


def run_out_in_a_library(*_: Any) -> None:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def compute(*_: Any) -> None:
    while True:
        sum(range(1000))


def be_silent(rest: str, *_: Any) -> None:
    time.sleep(float(rest))


def fill(rest: str, building: Path, *_: Any) -> None:
    with (building / "array").open("wb") as file:
        file.truncate(int(rest))
        file.seek(int(rest))
        file.write(b"x")


def open_files(*_: Any) -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1000)]
    raise AssertionError(len(held))


def talk_nonsense(rest: str, *_: Any) -> None:
    for descriptor in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(descriptor, rest.encode() + b"\n")
    time.sleep(30)


def answer(rest: str, *_: Any) -> None:
    for descriptor in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(descriptor, rest.encode() + b"\n")
    os._exit(0)


def connect(rest: str, *_: Any) -> list[Finding]:
    try:
        socket.create_connection(("127.0.0.1", int(rest)), timeout=5).close()
    except OSError as error:
        return note("no_network", error)
    return note("network", rest)


def tell_surroundings(*_: Any) -> list[Finding]:
    descriptors = list(Path("/proc/self/fd").iterdir())
    environment = " ".join(sorted(os.environ))
    score = Path("/proc/self/oom_score_adj").read_text().strip()
    return [
        *note("environment", environment),
        *note("descriptors", len(descriptors)),
        *note("score", score),
        *note("umask", oct(os.umask(0))),
    ]


def tell_stages(*parts: Any) -> None:
    for stage in ("validate", "convert", "write"):
        for step in range(1001):
            parts[-1](stage, step, 1000)


def break_down(*_: Any) -> None:
    raise ZeroDivisionError("an error of ours")


DEEDS = {
    "die": die,
    "crash": crash,
    "take": take_memory,
    "bad_alloc": run_out_in_a_library,
    "compute": compute,
    "silent": be_silent,
    "fill": fill,
    "open": open_files,
    "say": talk_nonsense,
    "answer": answer,
    "connect": connect,
    "surroundings": tell_surroundings,
    "stages": tell_stages,
    "break": break_down,
}

if __name__ == "__main__":
    server.warming.warm_up = lambda directory: None
    child.work = work
    server.main()
