"""Files that were cut short, changed on their way, or are something else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.imports.broken.case import Case, Spoil

CUTS = [number / 20 for number in range(1, 20)]
MUTATIONS = 120


def cut(part: float) -> Spoil:
    def spoil(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])

    return spoil


def cut_by(count: int) -> Spoil:
    return lambda path: path.write_bytes(path.read_bytes()[:-count])


def replaced_by(content: bytes) -> Spoil:
    return lambda path: path.write_bytes(content)


def mutated(seed: int) -> Spoil:
    """Write random bytes over some, in every third file over one alone."""

    def spoil(path: Path) -> None:
        random = np.random.default_rng(seed)
        content = bytearray(path.read_bytes())
        start = int(random.integers(0, len(content)))
        length = 1 if seed % 3 == 0 else int(random.integers(1, 500))
        content[start : start + length] = random.bytes(min(length, len(content) - start))
        path.write_bytes(content)

    return spoil


def changed(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda path: path.write_bytes(change(path.read_bytes()))


OTHERS = {
    "no bytes": (b"", "file_empty"),
    "a table": (b"cell,gene\n1,2\n", "not_hdf5"),
    "a page": (b"<html><script>alert(1)</script></html>", "not_hdf5"),
    "zeros": (bytes(100_000), "not_hdf5"),
    "noise": (np.random.default_rng(0).bytes(100_000), "not_hdf5"),
    "an archive": (b"\x1f\x8b\x08" + bytes(100), "not_hdf5"),
    "a zarr in a zip": (b"PK\x03\x04" + bytes(100), "not_hdf5"),
    "something encrypted": (b"Salted__" + bytes(100), "not_hdf5"),
    "a program": (b"\x7fELF" + bytes(100), "not_hdf5"),
    "a signature alone": (b"\x89HDF\r\n\x1a\n", "file_damaged"),
    "a signature and zeros": (b"\x89HDF\r\n\x1a\n" + bytes(5000), "file_damaged"),
    "a signature and noise": (b"\x89HDF\r\n\x1a\n" + np.random.default_rng(1).bytes(5000), "file_damaged"),
}

CASES: list[Case] = [
    *(Case(name, replaced_by(content), refused=True, code=code) for name, (content, code) in OTHERS.items()),
    *(Case(f"cut after {part:.0%}", cut(part), refused=True, code="file_damaged") for part in CUTS),
    *(Case(f"cut by {count} bytes", cut_by(count), refused=True, code="file_damaged") for count in (1, 8, 512)),
    Case("twice in one", changed(lambda content: content + content), refused=False),
    Case("with something behind", changed(lambda content: content + b"\0" * 1000), refused=False),
    Case("without its first byte", changed(lambda content: content[1:]), refused=True, code="not_hdf5"),
    Case(
        "with the line ends of another system",
        changed(lambda content: content.replace(b"\n", b"\r\n")),
        refused=True,
        code="not_hdf5",
    ),
    Case("backwards", changed(lambda content: content[::-1]), refused=True, code="not_hdf5"),
    *(Case(f"changed at random, seed {seed}", mutated(seed), refused=None) for seed in range(MUTATIONS)),
]
