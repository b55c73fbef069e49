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

from imports.h5ad import elements, inventory, links
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


def test_a_link_that_leads_nowhere_is_no_harm(path: Path, look: Look) -> None:
    with changing(path) as file:
        file["uns/nowhere"] = h5py.SoftLink("/nowhere")
    assert look() == []


@pytest.mark.parametrize("target", ["/", "/uns", "/uns/cellenium"])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_circles_are_refused(path: Path, kind: str, target: str, look: Look) -> None:
    with changing(path) as file:
        file["uns/cellenium/again"] = file[target] if kind == "hard" else h5py.SoftLink(target)
    assert only(look) == ("link_loop", "uns/cellenium/again")


def test_soft_links_that_lead_to_each_other_are_refused(path: Path, look: Look) -> None:
    with changing(path) as file:
        file["uns/a"], file["uns/b"] = h5py.SoftLink("/uns/b"), h5py.SoftLink("/uns/a")
    assert only(look) == ("link_loop", "uns/a")


def test_two_ways_to_one_thing_are_no_circle(path: Path, look: Look) -> None:
    with changing(path) as file:
        file["uns/also"] = file["obsm"]
        file["uns/too"] = h5py.SoftLink("/obsm")
    assert look() == []


@pytest.mark.parametrize("module", [links, inventory])
def test_too_many_objects(path: Path, module: Any, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINKS", 20)
    assert only(look) == ("too_many_objects", "file")


def test_groups_within_groups(path: Path, look: Look) -> None:
    with changing(path) as file:
        file.create_group("uns/" + "/".join(["g"] * 63))
    assert look() == []
    with changing(path) as file:
        file.create_group("uns/" + "/".join(["g"] * 64))
    assert only(look)[0] == "too_deep"


@pytest.mark.parametrize("chunks", [(1000,), None])
def test_a_small_file_that_claims_to_be_huge(path: Path, chunks: Any, look: Look) -> None:
    with changing(path) as file:
        file.create_dataset("uns/huge", shape=(10**10,), dtype="f8", chunks=chunks)
    (finding,) = look()
    assert (finding.code, finding.path) == ("filter_bomb", "uns/huge")
    assert finding.found == "80.0 GB of data out of 0 bytes"


def test_zeros_that_compress_too_well(path: Path, look: Look) -> None:
    """400 MB of zeros in some kilobytes; as many that deflate can only make a thousandth of are read."""
    with changing(path) as file:
        options = {"shape": (100, 1_000_000), "dtype": "f4", "chunks": (1, 1_000_000)}
        bomb = file.create_dataset("uns/zeros", **options, **hdf5plugin.Zstd())
        bomb[:] = 0
    assert only(look) == ("filter_bomb", "uns/zeros")
    remove(path, "uns/zeros")
    with changing(path) as file:
        file.create_dataset("uns/zeros", **options, compression="gzip")[:] = 0
    assert look() == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"shape": (2**62,), "dtype": "f8", "chunks": (1000,)}, "absurd_shape"),
        ({"shape": (1,) * 9, "dtype": "f8"}, "absurd_shape"),
        ({"shape": (1,), "dtype": f"S{1024**2 + 1}"}, "absurd_shape"),
        ({"shape": (2**28,), "dtype": "f8", "chunks": (2**28,)}, "absurd_chunks"),
    ],
)
def test_absurd_sizes(path: Path, options: Any, code: str, look: Look) -> None:
    with changing(path) as file:
        file.create_dataset("uns/absurd", **options)
    assert only(look) == (code, "uns/absurd")


def test_a_filter_nobody_knows(path: Path, look: Look) -> None:
    with changing(path) as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((10,))
        properties.set_filter(32_765, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        space = h5py.h5s.create_simple((100,))
        h5py.h5d.create(file["uns"].id, b"secret", h5py.h5t.NATIVE_INT32, space, properties)
    assert only(look) == ("filter_unknown", "uns/secret")


def test_attributes_without_measure(path: Path, look: Look) -> None:
    with h5py.File(path, "r+", libver="latest") as file:
        file.create_group("uns/new").attrs["large"] = np.zeros(inventory.MOST_ATTRIBUTE_BYTES + 8, "u1")
    assert only(look) == ("attribute_too_large", "uns/new, attribute large")


def test_attributes_without_number(path: Path, look: Look) -> None:
    with changing(path) as file:
        for number in range(inventory.MOST_ATTRIBUTES + 1):
            file["obsm"].attrs[str(number)] = number
    assert only(look) == ("too_many_attributes", "obsm")


def test_something_in_front(path: Path, look: Look) -> None:
    path.write_bytes(b"#!/bin/sh\n".ljust(512, b"\n") + path.read_bytes())
    assert only(look) == ("user_block", "file")


def test_a_truncated_file_says_so(path: Path, look: Look) -> None:
    path.write_bytes(path.read_bytes()[:-1000])
    (finding,) = look()
    assert "truncated" in finding.found
    assert "cut short" in finding.remedy


@pytest.mark.parametrize(
    ("beginning", "kind"), [(b"\x1f\x8b\x08", "gzip"), (b"Salted__12345678", "encrypted"), (b"PK\x03\x04", "zip")]
)
def test_what_people_send_by_mistake_is_named(path: Path, beginning: bytes, kind: str, look: Look) -> None:
    path.write_bytes(beginning + bytes(1000))
    (finding,) = look()
    assert kind in finding.found
    assert "upload what is inside" in finding.remedy


@pytest.mark.parametrize("compression", ["gzip", "lzf", hdf5plugin.Blosc(), hdf5plugin.Zstd(), hdf5plugin.LZ4()])
def test_all_usual_compressions_are_readable(path: Path, compression: Any, look: Look) -> None:
    matrix = example_matrix(60, 30)
    remove(path, "X")
    with changing(path) as file:
        options = {"compression": compression} if isinstance(compression, str) else {**compression}
        file.create_dataset("X", data=matrix, chunks=(10, 30), **options)
    assert look() == []
