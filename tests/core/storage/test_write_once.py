"""Places where a file is written once: a directory and a bucket of the local AWS behave alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cellenium_admin.core.exceptions import InvalidInputError, UnavailableError
from cellenium_admin.core.storage import write_once
from cellenium_admin.core.storage.write_once import AlreadyWrittenError, BucketPlace, WriteOncePlace, open_place
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "sandbox"]


@pytest.fixture(params=["directory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteOncePlace:
    """Open an empty place of either kind."""
    if request.param == "directory":
        return open_place(str(tmp_path))
    return open_place(f"s3://{bucket_of(request.getfixturevalue('aws'), monkeypatch)}/some/prefix/")


def bucket_of(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in aws.sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return aws.make_bucket()


def test_what_was_written_can_be_read_and_listed(place: WriteOncePlace) -> None:
    for name in ("b.json", "a.json", "c.json"):
        place.write(name, name.encode())
    assert list(place.names()) == ["a.json", "b.json", "c.json"]
    assert list(place.names("a.json")) == ["b.json", "c.json"]
    assert list(place.names("c.json")) == []
    assert place.read("b.json") == b"b.json"
    assert place.read("d.json") is None


def test_writing_the_same_again_is_nothing_new(place: WriteOncePlace) -> None:
    place.write("a.json", b"one")
    place.write("a.json", b"one")
    assert place.read("a.json") == b"one"


def test_nothing_is_written_over(place: WriteOncePlace) -> None:
    place.write("a.json", b"one")
    with pytest.raises(AlreadyWrittenError, match=r"a\.json holds something else"):
        place.write("a.json", b"two")
    assert place.read("a.json") == b"one"
    assert list(place.names()) == ["a.json"]


def test_files_below_are_not_listed(place: WriteOncePlace, tmp_path: Path) -> None:
    if isinstance(place, BucketPlace):
        place.write("below/x.json", b"x")
    else:
        (tmp_path / "below").mkdir()
        (tmp_path / ".hidden").write_text("x")
    assert list(place.names()) == []


def test_only_so_much_is_read(place: WriteOncePlace) -> None:
    place.write("a.json", b"x" * (write_once.MOST_BYTES + 5))
    assert len(place.read("a.json") or b"") == write_once.MOST_BYTES


def test_an_object_that_appears_between_looking_and_writing_stays(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place(f"s3://{bucket_of(aws, monkeypatch)}/prefix")
    place.write("a.json", b"one")
    answers: list[Callable[[], Any]] = [lambda: None]
    original = BucketPlace.read
    monkeypatch.setattr(BucketPlace, "read", lambda self, name: answers.pop()() if answers else original(self, name))
    with pytest.raises(AlreadyWrittenError):
        place.write("a.json", b"two")
    assert place.read("a.json") == b"one"


def test_a_server_without_the_condition_is_written_to_all_the_same(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place(f"s3://{bucket_of(aws, monkeypatch)}/prefix")
    original = BucketPlace._put

    def put(self: BucketPlace, name: str, content: bytes, **condition: str) -> None:
        if condition:
            raise ClientError({"Error": {"Code": "NotImplemented", "Message": "A header you provided"}}, "PutObject")
        original(self, name, content)

    monkeypatch.setattr(BucketPlace, "_put", put)
    place.write("a.json", b"one")
    with pytest.raises(AlreadyWrittenError):
        place.write("a.json", b"two")
    assert place.read("a.json") == b"one"


def test_more_objects_than_one_page_holds(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place(f"s3://{bucket_of(aws, monkeypatch)}")
    assert isinstance(place, BucketPlace)
    names = [f"{number:020d}.json" for number in range(5)]
    for name in names:
        place.write(name, b"x")
    paginator = place._client.get_paginator("list_objects_v2")
    original = type(paginator).paginate
    monkeypatch.setattr(
        type(paginator), "paginate", lambda self, **given: original(self, **given, PaginationConfig={"PageSize": 2})
    )
    assert list(place.names()) == names
    assert list(place.names(names[1])) == names[2:]


def test_a_directory_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "not mounted"))
    uses: list[Callable[[], Any]] = [
        lambda: list(place.names()),
        lambda: place.read("a.json"),
        lambda: place.write("a.json", b"x"),
    ]
    for use in uses:
        with pytest.raises(UnavailableError, match="not mounted"):
            use()


def test_files_of_a_directory_can_be_read_by_auditors_and_are_not_half_there(tmp_path: Path) -> None:
    open_place(str(tmp_path)).write("a.json", b"x")
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o444
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_bucket_that_is_not_ours_says_so(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    place = open_place(f"s3://{bucket_of(aws, monkeypatch)}-of-somebody-else/x/")
    for use in (lambda: list(place.names()), lambda: place.write("a.json", b"x")):
        with pytest.raises(UnavailableError, match="S3 refuses s3://"):
            use()


@pytest.mark.parametrize("location", ["s3://", "s3:///prefix"])
def test_an_address_without_a_bucket(location: str) -> None:
    with pytest.raises(InvalidInputError, match="names no bucket"):
        open_place(location)
