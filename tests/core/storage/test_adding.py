"""Files of this host copied into the h5ad store, and addresses taken apart: a bucket and a directory alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cellenium_admin.core import storage
from cellenium_admin.core.exceptions import InvalidInputError, UnavailableError

BUCKET, NAME = "studies", "input/imported/a.h5ad"


@pytest.fixture(params=["bucket", "root in a bucket", "directory"])
def place(request: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty store; gives what the addresses in it begin with."""
    if request.param == "directory":
        yield f"{Path(settings.H5AD_STORE).as_uri()}/"
        return
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    settings.H5AD_STORE = f"s3://{BUCKET}" + ("/h5ad" if request.param.startswith("root") else "")
    with mock_aws():
        boto3.Session().client("s3").create_bucket(Bucket=BUCKET)
        yield f"{settings.H5AD_STORE}/"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.h5ad"
    path.write_bytes(b"a study " * 3_000_000)
    return path


def test_a_file_is_copied_whole_and_found(place: str, source: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    file = storage.add(NAME, source, seen.append)
    assert (file.key, file.uri, file.size) == (NAME, f"{place}{NAME}", source.stat().st_size)
    assert [one.key for one in storage.list_files("")] == [NAME]
    assert seen == sorted(seen)
    assert seen[-1] == file.size
    assert len(seen) > 2
    storage.download(file.uri, file.revision, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()
    assert source.exists()


def test_a_file_is_replaced_whole(place: str, source: Path) -> None:
    first = storage.add(NAME, source)
    source.write_bytes(b"another")
    second = storage.add(NAME, source)
    assert second.size == 7
    assert second.revision != first.revision
    assert [one.key for one in storage.list_files("")] == [NAME]


def test_a_name_is_taken_from_its_address(place: str, source: Path) -> None:
    for name in ("input/a.h5ad", "input/deep/my study ä#?.h5ad"):
        file = storage.add(name, source)
        assert storage.name_of(file.uri) == file.key
        assert storage.look(storage.name_of(file.uri)) == file


NO_ADDRESSES = (
    *("", "a.h5ad", "/etc/passwd", "file:///etc/passwd", "file:etc", "file://host/a.h5ad", "file://[", "s3://", "s3:"),
    *("s3://studies-of-others/input/a.h5ad", "https://studies.s3.amazonaws.com/a.h5ad", "file:///\0"),
)


def test_what_does_not_lie_in_the_store_has_no_name(place: str) -> None:
    for uri in NO_ADDRESSES:
        with pytest.raises(InvalidInputError) as raised:
            storage.name_of(uri)
        assert raised.value.code == "outside_store", uri


@pytest.mark.parametrize("tail", ["input/u/../v/a.h5ad", "input/u/%2e%2e/v/a.h5ad", "input//a.h5ad", "input/%00.h5ad"])
def test_a_directory_has_one_name_for_each_file(tail: str, settings: Any) -> None:
    root = Path(settings.H5AD_STORE)
    (root / "input" / "v").mkdir(parents=True)
    (root / "input" / "u").mkdir()
    (root / "input" / "v" / "a.h5ad").write_bytes(b"abc")
    with pytest.raises(InvalidInputError):
        storage.name_of(f"{root.as_uri()}/{tail}")


def test_a_file_in_the_directory_has_an_address(settings: Any, tmp_path: Path, source: Path) -> None:
    file = storage.add(NAME, source)
    path = Path(settings.H5AD_STORE) / NAME
    link = tmp_path / "link.h5ad"
    link.symlink_to(path)
    assert storage.address_of(path) == storage.address_of(link) == file.uri
    assert storage.address_of(source) is None


def test_a_copy_that_breaks_off_leaves_nothing(settings: Any, source: Path) -> None:
    def full(done: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableError, match="No space left"):
        storage.add(NAME, source, full)
    assert [path for path in Path(settings.H5AD_STORE).rglob("*") if path.is_file()] == []


def test_a_store_that_is_away_gets_nothing(settings: Any, source: Path) -> None:
    Path(settings.H5AD_STORE).rmdir()
    with pytest.raises(UnavailableError, match="not there"):
        storage.add(NAME, source)
    assert not Path(settings.H5AD_STORE).exists()
