"""11: what is no whole h5ad file, or leads out of itself, is refused and nothing breaks."""

from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from tests.builders.h5ad import changing
from tests.imports.acceptance.conftest import Convert


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def text(path: Path) -> None:
    path.write_text("cell,gene\n", encoding="utf-8")


def encrypted(path: Path) -> None:
    path.write_bytes(b"Salted__" + path.read_bytes())


def linked(path: Path) -> None:
    with changing(path) as file:
        file["uns/more"] = h5py.ExternalLink("/etc/passwd", "/")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(truncated, "file_damaged"), (text, "not_hdf5"), (encrypted, "not_hdf5"), (linked, "external_link")],
)
@pytest.mark.parametrize("kind", ["path", "multimodal"])
def test_it_is_refused(
    spoil: Callable[[Path], None], code: str, kind: str, request: pytest.FixtureRequest, convert: Convert
) -> None:
    path = request.getfixturevalue(kind)
    spoil(path)
    (error,) = convert(path)[0]
    assert (error.severity, error.code) == ("error", code)
    assert error.remedy
