"""HDF5 used to lead out of a file, to flood its reader, or to say what nobody can read."""

import zlib
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from tests.imports.broken.case import Case, Change, dataset, drop, imported, refused, several

ELSEWHERE = "/etc/passwd"
MEGABYTE = 1 << 20


def link(name: str, target: h5py.ExternalLink | h5py.SoftLink) -> Change:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = target

    return change


def hard(name: str, target: str) -> Change:
    def change(file: h5py.File) -> None:
        file[name] = file[target]

    return change


def view(name: str, source: str) -> Change:
    def change(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(60, 30), dtype="f4")
        layout[:] = h5py.VirtualSource(source, "X", shape=(60, 30))
        if name in file:
            del file[name]
        file.create_virtual_dataset(name, layout)

    return change


def filtered(number: int) -> Change:
    """Make a dataset whose filter nobody has; optional, so that it can be written."""

    def change(file: h5py.File) -> None:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((10,))
        properties.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((100,))
        h5py.h5d.create(file["uns"].id, b"secret", h5py.h5t.NATIVE_INT32, space, properties)

    return change


def exploding_chunk(name: str, chunk: int, expands_to: int) -> Change:
    """Write a chunk that says it holds so many bytes and inflates to many more."""

    def change(file: h5py.File) -> None:
        del file[name]
        made = file.create_dataset(name, shape=(60, 30), dtype="f4", chunks=(60, 30), compression="gzip")
        packer = zlib.compressobj(9)
        zeros = bytes(MEGABYTE)
        packed = b"".join(packer.compress(zeros) for _ in range(expands_to // MEGABYTE)) + packer.flush()
        made.id.write_direct_chunk((0, 0), packed)
        made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        assert made.nbytes <= chunk

    return change


def garbage_chunk(name: str, **compression: object) -> Change:
    """Write a chunk that is not what its filter makes."""

    def change(file: h5py.File) -> None:
        del file[name]
        made = file.create_dataset(name, shape=(60, 30), dtype="f4", chunks=(60, 30), **compression)
        made.id.write_direct_chunk((0, 0), np.random.default_rng(0).bytes(3000))
        made.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})

    return change


def many_groups(file: h5py.File) -> None:
    group = file.create_group("uns/many")
    for number in range(300):
        inner = group.create_group(str(number))
        for position in range(400):
            inner[str(position)] = h5py.SoftLink("/uns")


def ladder(file: h5py.File) -> None:
    """Make groups that each have two ways to the next: few links, very many ways."""
    below = file.create_group("uns/step")
    for _ in range(60):
        above = file.create_group(f"uns/ladder{len(file['uns'])}")
        above["left"], above["right"] = below, below
        below = above


def with_attributes(count: int, size: int) -> Change:
    def change(file: h5py.File) -> None:
        group = file.create_group("uns/attributes")
        for number in range(count):
            group.attrs[str(number)] = np.zeros(size, "u1")

    return change


def prefixed(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n".ljust(512, b"\n") + path.read_bytes())


PLACES = ("uns/secret", "X", "obs", "obs/_index", "obs/cell_type/codes", "var", "obsm/X_umap", "uns/cellenium/title")

COMPRESSIONS: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip"},
    "lzf": {"compression": "lzf"},
    "szip": {"compression": "szip"},
    "fletcher32": {"fletcher32": True},
    "zstd": {**hdf5plugin.Zstd()},
    "blosc": {**hdf5plugin.Blosc()},
    "blosc2": {**hdf5plugin.Blosc2()},
    "lz4": {**hdf5plugin.LZ4()},
    "bitshuffle": {**hdf5plugin.Bitshuffle()},
    "bzip2": {**hdf5plugin.BZip2()},
}
FRAGILE: dict[str, dict[str, Any]] = {
    "zfp": {**hdf5plugin.Zfp(reversible=True)},
    "sperr": {**hdf5plugin.Sperr(rate=16)},
    "sz": {**hdf5plugin.SZ(absolute=0.0001)},
    "sz3": {**hdf5plugin.SZ3(absolute=0.0001)},
}

CASES: list[Case] = [
    *(
        refused(f"a link to a file at {name}", "external_link", link(name, h5py.ExternalLink(ELSEWHERE, "/")))
        for name in PLACES
    ),
    refused(
        "a soft link to a link to a file",
        "external_link",
        several(link("uns/hidden", h5py.ExternalLink(ELSEWHERE, "/x")), link("X", h5py.SoftLink("/uns/hidden"))),
    ),
    *(
        refused(
            f"data in another file at {name}",
            "external_storage",
            several(drop(name), dataset(name, shape=(100,), dtype="f8", external=[(ELSEWHERE, 0, 800)])),
        )
        for name in ("X", "obsm/X_umap", "uns/cellenium/title", "obs/cell_type/codes")
    ),
    *(
        refused(f"a view of {source} at {name}", "virtual_dataset", view(name, source))
        for name in ("X", "uns/view")
        for source in (ELSEWHERE, ".")
    ),
    *(
        refused(
            f"{kind} link from {name} to {target}",
            "link_loop",
            hard(name, target) if kind == "hard" else link(name, h5py.SoftLink(target)),
        )
        for kind in ("hard", "soft")
        for name, target in (
            ("uns/again", "/"),
            ("uns/cellenium/metadata/again", "/uns/cellenium"),
            ("obs/cell_type/again", "/obs"),
        )
    ),
    refused(
        "soft links to each other",
        "link_loop",
        several(link("uns/a", h5py.SoftLink("/uns/b")), link("uns/b", h5py.SoftLink("/uns/a"))),
    ),
    refused("X is a soft link to itself", "link_loop", link("X", h5py.SoftLink("/X"))),
    refused("X is a soft link to nothing", "matrix_unreadable", link("X", h5py.SoftLink("/nothing"))),
    refused("obs is a soft link to nothing", "frame_missing", link("obs", h5py.SoftLink("/nothing"))),
    *(
        refused(f"a filter with the number {number}", "filter_unknown", filtered(number))
        for number in (256, 32_000 + 700, 65_535)
    ),
    refused("more links than one can count", "too_many_objects", many_groups),
    imported("many ways to one thing", "", ladder),
    refused("groups within groups", "too_deep", lambda file: file.create_group("uns/" + "/".join(["g"] * 100))),
    refused(
        "very many groups within groups", "too_deep", lambda file: file.create_group("uns/" + "/".join(["g"] * 1000))
    ),
    refused("very many attributes", "too_many_attributes", with_attributes(1001, 1)),
    imported("some attributes", "", with_attributes(50, 1000)),
    *(
        refused(
            f"a shape of {shape}",
            "absurd_shape",
            dataset("uns/absurd", shape=shape, dtype="f8", chunks=(1,) * len(shape)),
        )
        for shape in ((2**60,), (2**31, 2**29), (2**20,) * 3, (1,) * 10)
    ),
    refused("an element of two megabytes", "absurd_shape", dataset("uns/absurd", shape=(1,), dtype=f"S{2 * MEGABYTE}")),
    refused(
        "a chunk of two gigabytes", "absurd_chunks", dataset("uns/absurd", shape=(2**28,), dtype="f8", chunks=(2**28,))
    ),
    *(
        refused(
            f"{size:.0e} numbers that are not there",
            "filter_bomb",
            dataset("uns/bomb", shape=(int(size),), dtype="f8", chunks=(1000,)),
        )
        for size in (1e8, 1e10, 1e12)
    ),
    refused("80 GB of text for a title", "filter_bomb", dataset("uns/cellenium/title", shape=(10**10,), dtype="f8")),
    refused("a matrix that is not there", "filter_bomb", several(dataset("X", shape=(10**6, 10**5), dtype="f4"))),
    refused(
        "zeros that compress too well",
        "filter_bomb",
        dataset("uns/bomb", data=np.zeros((70, MEGABYTE), "f4"), chunks=(1, MEGABYTE), **hdf5plugin.Zstd()),
    ),
    refused("a chunk that inflates to 4 GB", "matrix_unreadable", exploding_chunk("X", 7200, 4096 * MEGABYTE)),
    *(
        refused(f"garbage for {name}", "matrix_unreadable", garbage_chunk("X", **options))
        for name, options in COMPRESSIONS.items()
    ),
    *(
        # Code for scientists' own data, in which garbage leads anywhere.
        refused(f"garbage for {name}", "", garbage_chunk("X", **options))
        for name, options in FRAGILE.items()
    ),
    Case("a script in front", prefixed, refused=True, code="user_block"),
]
