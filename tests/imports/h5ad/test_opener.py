"""Files that must not even be looked into, and files that are not what their name says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from imports.h5ad import elements, opener
from imports.h5ad.findings import Finding
from tests.builders.h5ad import changing, remove
from tests.builders.matrices import example_matrix

Look = Callable[[], list[Finding]]
ROOT = Path(__file__).resolve().parents[3]


def only(look: Look) -> tuple[str, str]:
    (finding,) = look()
    assert finding.severity == "error"
    assert finding.remedy or finding.expected
    return finding.code, finding.path


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"cell,gene\n1,2\n", "not_hdf5"),
        (b"PK\x03\x04 a zip", "not_hdf5"),
        (b"\x89HDF\r\n\x1a\n", "file_damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(5000), "file_damaged"),
    ],
)
def test_other_files_with_this_name(path: Path, content: bytes, code: str, look: Look) -> None:
    path.write_bytes(content)
    assert only(look) == (code, "file")


@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_file(path: Path, part: float, look: Look) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert only(look) == ("file_damaged", "file")


SPOIL = """
import sys
from pathlib import Path
import numpy as np
from imports.h5ad.findings import RefusedFileError
from imports.h5ad.opener import open_h5ad
from imports.h5ad.validate import inspect

path, random, outcomes = Path(sys.argv[1]), np.random.default_rng(0), set()
whole = path.read_bytes()
for start in random.integers(100, len(whole) - 500, size=150):
    spoilt, length = bytearray(whole), int(random.integers(1, 500))
    spoilt[start : start + length] = random.bytes(length)
    path.write_bytes(spoilt)
    try:
        with open_h5ad(path) as file:
            outcomes.add(inspect(file).study is None)
    except RefusedFileError:
        outcomes.add("refused")
assert outcomes == {True, False, "refused"}, outcomes
"""


@pytest.mark.slow
def test_garbage_in_the_middle_is_a_finding(path: Path) -> None:
    """In a process of its own: HDF5 is C, and what it does with garbage may end the process."""
    subprocess.run([sys.executable, "-W", "error", "-c", SPOIL, str(path)], cwd=ROOT, check=True)


@pytest.mark.parametrize("where", ["secret", "uns/cellenium/title", "obs/cell_type/codes", "X/data"])
def test_links_to_other_files(path: Path, where: str, look: Look, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = np.arange(10)
    with changing(path) as file:
        if where in file:
            del file[where]
        file[where] = h5py.ExternalLink(str(tmp_path / "other.h5"), "data")
    assert only(look) == ("external_link", where)


def test_a_link_to_a_link_to_another_file(path: Path, look: Look) -> None:
    remove(path, "X")
    with changing(path) as file:
        file["uns/hidden"] = h5py.ExternalLink("/etc/passwd", "data")
        file["X"] = h5py.SoftLink("/uns/hidden")
    assert only(look) == ("external_link", "uns/hidden")


def test_data_in_another_file(path: Path, look: Look, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(800))
    with changing(path) as file:
        file.create_dataset("uns/raw", shape=(100,), dtype="f8", external=[(str(tmp_path / "raw"), 0, 800)])
    assert only(look) == ("external_storage", "uns/raw")


def test_a_view_of_another_file(path: Path, look: Look, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["data"] = np.arange(10)
    layout = h5py.VirtualLayout(shape=(10,), dtype="i8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "data", shape=(10,))
    with changing(path) as file:
        file.create_virtual_dataset("uns/view", layout)
    assert only(look) == ("virtual_dataset", "uns/view")


def test_nothing_is_read_before_the_links_are_known(path: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    with changing(path) as file:
        file["zzz"] = h5py.ExternalLink("other.h5", "data")

    def read(*_: object) -> None:
        raise AssertionError("something was read")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", read)
    monkeypatch.setattr(elements, "read_elem", read)
    assert only(look) == ("external_link", "zzz")


def test_circles_end(path: Path, look: Look) -> None:
    with changing(path) as file:
        file["uns/again"] = file["/"]
        file["uns/soft"] = h5py.SoftLink("/uns")
        file["uns/nowhere"] = h5py.SoftLink("/nowhere")
    assert look() == []
    with changing(path) as file:
        file["uns/cellenium/metadata/again"] = file["/"]
    assert [finding.code for finding in look()] == ["key_unreadable"]


def test_too_many_objects(path: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "MOST_LINKS", 20)
    assert only(look) == ("too_many_objects", "file")


def test_a_small_file_that_claims_to_be_huge(path: Path, look: Look) -> None:
    remove(path, "uns/cellenium/ncit_tissue_ids")
    with changing(path) as file:
        huge = file.create_dataset("uns/cellenium/ncit_tissue_ids", shape=(10**12,), dtype="f8", chunks=(1000,))
        huge.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    (finding,) = look()
    assert finding.code == "key_unreadable"
    assert "8,000.0 GB" in finding.found


@pytest.mark.parametrize("compression", ["gzip", "lzf", hdf5plugin.Blosc(), hdf5plugin.Zstd(), hdf5plugin.LZ4()])
def test_all_usual_compressions_are_readable(path: Path, compression: Any, look: Look) -> None:
    matrix = example_matrix(60, 30)
    remove(path, "X")
    with changing(path) as file:
        options = {"compression": compression} if isinstance(compression, str) else {**compression}
        file.create_dataset("X", data=matrix, chunks=(10, 30), **options)
    assert look() == []
