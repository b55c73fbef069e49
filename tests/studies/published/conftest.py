"""A bucket of the local AWS in which Stores lie, and hosts that are nothing but a directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studies.services import published_stores
from studies.store import cache
from tests.builders.people import person
from tests.builders.stores import PublishedStudy, published_study
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "aws_environment", "put_right", "sandbox"]
NewHost = Callable[[str], Path]


@pytest.fixture
def bucket(aws: Aws, aws_environment: None, settings: Any) -> str:
    name = aws.make_bucket()
    settings.STORE_URI = f"s3://{name}/stores"
    return name


@pytest.fixture
def owner(db: None) -> Any:
    return person("ada")


@pytest.fixture
def made(bucket: str, owner: Any, settings: Any) -> PublishedStudy:
    """A study whose Stores were sent to the bucket, as an import does."""
    study = published_study(owner=owner, cells=60, genes=20)
    building = Path(settings.STORE_DIR) / str(study.version.pk)
    published_stores.send(building=building, version_id=str(study.version.pk))
    return study


@pytest.fixture
def new_host(settings: Any, tmp_path: Path) -> NewHost:
    """Begin on another host, whose directory of Stores is empty."""

    def begin(name: str) -> Path:
        settings.STORE_DIR = tmp_path / "hosts" / name
        settings.STORE_DIR.mkdir(parents=True)
        for opened in (cache.matrices, cache.cells):
            opened._open.clear()
        return Path(settings.STORE_DIR)

    return begin


def damage(directory: Path, name: str = "rows.values.npy") -> None:
    """Change one byte of a file, at its end."""
    with (directory / name).open("r+b") as file:
        file.seek(-1, 2)
        byte = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([byte[0] ^ 1]))
