"""Reading a Store: what is there comes back, what is damaged is named, what is not asked for is not read."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from studies.store import format as fmt
from studies.store.builder import StoreBuildError, write_cells
from studies.store.cache import OpenStores
from studies.store.format import StoreDamagedError
from studies.store.reader import CellsReader, MatrixReader
from tests.builders.matrices import build_matrix, example_matrix


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return build_matrix(tmp_path / "store", example_matrix(40, 12)).directory


@pytest.fixture
def cells(tmp_path: Path) -> CellsReader:
    codes = [np.array([0, 1, -1, 1], dtype=np.int8), np.array([70_000, 0, -1, 2]), np.array([1, 0xFFFF, 0, 0], "u2")]
    places = [np.arange(8.0).reshape(4, 2), -np.arange(8.0).reshape(4, 2)]
    return CellsReader(write_cells(tmp_path / "cells", ["a", "Zürich", "", "細胞"], codes, places))


def test_cells_come_back(cells):
    assert cells.obs_keys() == ["a", "Zürich", "", "細胞"]
    assert cells.obs_keys(1, 3) == ["Zürich", ""]
    assert cells.obs_keys(9, 12) == []
    assert cells.codes(0).tolist() == [0, 1, 0xFFFF, 1]
    assert cells.codes(0).dtype == np.uint16
    assert cells.codes(1).tolist() == [70_000, 0, 0xFFFFFFFF, 2]
    assert cells.codes(2).tolist() == [1, 0xFFFF, 0, 0]
    assert cells.coordinates(1).dtype == np.float32
    assert cells.coordinates(1).tolist() == [[-0.0, -1], [-2, -3], [-4, -5], [-6, -7]]
    cells.verify()


def test_what_was_never_written_is_named(cells):
    with pytest.raises(StoreDamagedError, match=r"no array annotations\.3"):
        cells.codes(3)


@pytest.mark.parametrize(
    ("annotation", "projection", "message"),
    [
        (np.array([0]), np.zeros((2, 2)), "annotation 0 must be 2 whole numbers"),
        (np.array([0.0, 1.0]), np.zeros((2, 2)), "annotation 0 must be 2 whole numbers, not float64"),
        (np.array([0, 1]), np.zeros((2, 3)), r"projection 0 must have the shape \(2, 2\)"),
    ],
)
def test_arrays_that_do_not_fit_the_cells_are_refused(tmp_path, annotation, projection, message):
    with pytest.raises(StoreBuildError, match=message):
        write_cells(tmp_path / "cells", ["a", "b"], [annotation], [projection])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("highest", "dtype"), [(0xFFFE, "u2"), (0xFFFF, "u4")])
def test_the_code_for_unassigned_is_never_a_value(tmp_path, highest, dtype):
    codes = CellsReader(write_cells(tmp_path / "cells", ["a", "b"], [np.array([highest, -1])], [])).codes(0)
    assert codes.dtype == np.dtype(dtype)
    assert codes.tolist() == [highest, fmt.unassigned(codes.dtype)]


@pytest.mark.parametrize("position", [-1, 12])
def test_there_are_no_genes_outside(directory, position):
    with pytest.raises(IndexError, match=f"gene {position} of 12"):
        MatrixReader(directory).gene(position)


@pytest.mark.parametrize("array", fmt.MATRIX_ARRAYS)
def test_every_flipped_bit_is_found(directory, array):
    path = directory / fmt.file_name(array)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    store = MatrixReader(directory)
    with pytest.raises(StoreDamagedError, match=f"{array}.npy was changed"):
        store.verify()


@pytest.mark.parametrize("array", fmt.MATRIX_ARRAYS)
def test_a_file_cut_short_or_gone_is_found_at_opening(directory, array):
    path = directory / fmt.file_name(array)
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(StoreDamagedError, match=f"{array}.npy has"):
        MatrixReader(directory)
    path.unlink()
    with pytest.raises(StoreDamagedError, match=f"{array}.npy is missing"):
        MatrixReader(directory)


def edit_manifest(directory: Path, **changes: object) -> None:
    path = directory / fmt.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("changes", [{"version": 1}, {"version": 3}, {"format": "other"}, {"kind": "x"}, {"arrays": 3}])
def test_a_manifest_of_another_format_is_refused(directory, changes):
    edit_manifest(directory, **changes)
    with pytest.raises(StoreDamagedError, match="import the study again"):
        MatrixReader(directory)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_manifest_that_is_no_manifest_is_refused(directory, content):
    (directory / fmt.MANIFEST).write_bytes(content)
    with pytest.raises(StoreDamagedError, match="cannot be read"):
        MatrixReader(directory)


def test_a_directory_without_manifest_is_no_store(tmp_path):
    with pytest.raises(StoreDamagedError, match="cannot be read"):
        MatrixReader(tmp_path)


def test_a_manifest_that_lacks_an_array_is_refused(directory):
    edit_manifest(directory, arrays={})
    with pytest.raises(StoreDamagedError, match=r"lacks rows\.indptr, rows\.genes"):
        MatrixReader(directory)


def test_one_kind_is_not_taken_for_the_other(directory):
    with pytest.raises(StoreDamagedError, match="holds matrix, not cells"):
        CellsReader(directory)


def test_a_file_of_another_shape_is_found_at_use(directory):
    path = directory / fmt.file_name(fmt.SUM)
    np.save(path, np.zeros((1, 12)))
    with pytest.raises(StoreDamagedError, match="not as its manifest says"):
        _ = MatrixReader(directory).sum


def test_a_gene_opens_only_its_columns(directory):
    for unasked in (fmt.ROW_RANKS, fmt.ROW_VALUES, fmt.TIE_TERM, fmt.SUM):
        path = directory / fmt.file_name(unasked)
        path.write_bytes(b"x" * path.stat().st_size)
    cells, values = MatrixReader(directory).gene(3)
    assert cells.size == values.size > 0


def test_opened_stores_are_kept_replaced_and_let_go(tmp_path):
    opened = OpenStores(MatrixReader, size=2)
    paths = [build_matrix(tmp_path / name, np.ones((2, 2))).directory for name in "abc"]
    first = opened.get(paths[0])
    assert opened.get(paths[0]) is first
    opened.get(paths[1])
    opened.get(paths[2])
    assert opened.get(paths[0]) is not first
    build_matrix(paths[0], np.zeros((2, 2)))
    assert opened.get(paths[0]).nonzero.tolist() == [0, 0]
    shutil.rmtree(paths[0])
    with pytest.raises(StoreDamagedError, match=r"no manifest\.json"):
        opened.get(paths[0])
