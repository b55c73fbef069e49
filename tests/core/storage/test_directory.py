"""The h5ad store in a local directory."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellenium_admin.core import storage
from cellenium_admin.core.exceptions import InvalidInputError, UnavailableError
from cellenium_admin.core.storage import FileChangedError, FileGoneError, files


@pytest.fixture
def root(settings: Any) -> Path:
    return Path(settings.H5AD_STORE)


def put(root: Path, key: str, content: bytes = b"abc") -> Path:
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def keys(prefix: str = "input/") -> list[str]:
    return [file.key for file in storage.list_files(prefix)]


def only() -> storage.StoredFile:
    (found,) = storage.list_files("input/")
    return found


def test_a_file_is_described(root: Path) -> None:
    path = put(root, "input/u/ä b#1.h5ad")
    found = only()
    assert found.uri == path.as_uri()
    assert (found.key, found.size) == ("input/u/ä b#1.h5ad", 3)
    assert found.revision == f"3-{path.stat().st_mtime_ns}"
    assert abs(found.modified_at.timestamp() - time.time()) < 60


def test_the_store_may_be_named_by_address(root: Path, settings: Any) -> None:
    put(root, "input/a.h5ad")
    settings.H5AD_STORE = root.as_uri()
    assert keys() == ["input/a.h5ad"]


def test_only_finished_plain_files_below_the_prefix_are_listed(root: Path) -> None:
    for key in (
        "input/u/b.h5ad",
        "input/u/a.H5AD",
        "input/u/deep/er/c.h5ad",
        "input/u/.hidden.h5ad",
        "input/u/.hidden/d.h5ad",
        "input/u/e.h5ad.part",
        "input/u/f.tmp",
        "input2/g.h5ad",
        "other/h.h5ad",
    ):
        put(root, key)
    os.mkfifo(root / "input/u/pipe.h5ad")
    assert keys() == ["input/u/a.H5AD", "input/u/b.h5ad", "input/u/deep/er/c.h5ad"]
    assert keys("input/u/b") == ["input/u/b.h5ad"]
    assert keys("") == [*keys(), "input2/g.h5ad", "other/h.h5ad"]


def test_links_that_lead_out_are_not_followed(root: Path, tmp_path: Path) -> None:
    secret = put(tmp_path, "elsewhere/secret.h5ad")
    inside = put(root, "input/u/a.h5ad")
    (root / "input/u/out.h5ad").symlink_to(secret)
    (root / "input/u/folder").symlink_to(secret.parent)
    (root / "input/u/nowhere.h5ad").symlink_to(tmp_path / "nothing")
    (root / "input/u/again.h5ad").symlink_to(inside)
    assert keys() == ["input/u/a.h5ad", "input/u/again.h5ad"]


def test_nothing_uploaded_yet_is_an_empty_listing(root: Path) -> None:
    assert keys() == []


def test_a_store_that_is_away_is_no_empty_one(root: Path) -> None:
    root.rmdir()
    with pytest.raises(UnavailableError, match="not there"):
        keys()


def test_a_start_that_leads_out_is_refused(root: Path, tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.h5ad")
    (root / "input").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnavailableError, match="leads out"):
        keys()


def test_a_folder_that_cannot_be_read_is_no_empty_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, "input/u/a.h5ad")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("/u"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnavailableError, match="Permission denied"):
        keys()


def test_a_copy_that_keeps_the_old_time_has_still_come_just_now(root: Path) -> None:
    path = put(root, "input/a.h5ad")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert time.time() - only().modified_at.timestamp() < 60


def test_a_download_is_what_was_listed(root: Path, tmp_path: Path) -> None:
    content = bytes(range(256)) * 80_000
    put(root, "input/ä %20.h5ad", content)
    seen: list[int] = []
    digest = storage.download(only().uri, only().revision, tmp_path / "a", seen.append)
    assert (tmp_path / "a").read_bytes() == content
    assert digest == hashlib.sha256(content).hexdigest()
    assert seen == [8 * 1024**2, 16 * 1024**2, len(content)]


def overwrite(path: Path) -> None:
    path.write_bytes(b"new content")


def rename_over(path: Path) -> None:
    times = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"x" * times.st_size)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("change", "error"), [(overwrite, FileChangedError), (rename_over, FileChangedError), (remove, FileGoneError)]
)
def test_a_file_that_changes_while_it_is_fetched_is_refused(
    root: Path, tmp_path: Path, change: Callable[[Path], None], error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(root, "input/a.h5ad", b"0123456789")
    found = only()
    monkeypatch.setattr(files, "CHUNK_BYTES", 4)
    with pytest.raises(error):
        storage.download(found.uri, found.revision, tmp_path / "a", lambda done: change(path) if done == 4 else None)


def test_a_file_that_changed_before_is_refused(root: Path, tmp_path: Path) -> None:
    path = put(root, "input/a.h5ad")
    found = only()
    overwrite(path)
    with pytest.raises(FileChangedError):
        storage.download(found.uri, found.revision, tmp_path / "a")


def test_a_file_that_is_gone_is_told(root: Path, tmp_path: Path) -> None:
    path = put(root, "input/a.h5ad")
    found = only()
    path.unlink()
    with pytest.raises(FileGoneError):
        storage.download(found.uri, found.revision, tmp_path / "a")


def test_a_file_of_a_store_that_is_away_is_not_gone(root: Path, tmp_path: Path) -> None:
    put(root, "input/a.h5ad")
    found = only()
    root.rename(root.with_name("away"))
    with pytest.raises(UnavailableError):
        storage.download(found.uri, found.revision, tmp_path / "a")


def test_what_lies_outside_is_refused(root: Path, tmp_path: Path) -> None:
    secret = put(root.parent, "h5ad_store_2/secret.h5ad")
    put(root, "input/a.h5ad")
    (root / "input/out.h5ad").symlink_to(secret)
    (root / "input/folder").symlink_to(secret.parent)
    for uri in (
        secret.as_uri(),
        f"{root.as_uri()}/../h5ad_store_2/secret.h5ad",
        f"{root.as_uri()}/input/%2e%2e/%2e%2e/h5ad_store_2/secret.h5ad",
        f"{root.as_uri()}/input/out.h5ad",
        f"{root.as_uri()}/input/folder/secret.h5ad",
        f"file://host{root}/input/a.h5ad",
        f"{root}/input/a.h5ad",
        "s3://bucket/input/a.h5ad",
    ):
        with pytest.raises(InvalidInputError, match="h5ad store"):
            storage.download(uri, "1-1", tmp_path / "a")
