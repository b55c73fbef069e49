"""The h5ad store in a bucket, as S3 behaves."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from cellenium_admin.core import aws, storage
from cellenium_admin.core.exceptions import InvalidInputError, UnavailableError
from cellenium_admin.core.storage import FileChangedError, FileGoneError

BUCKET = "studies"
KEY = "input/uploader@example.org/a.h5ad"
URI = f"s3://{BUCKET}/{KEY}"


@pytest.fixture(autouse=True)
def s3(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    settings.H5AD_STORE = f"s3://{BUCKET}"
    with mock_aws():
        client = boto3.Session().client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def keep_versions(s3: Any, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})


def only() -> storage.StoredFile:
    (found,) = storage.list_files("input/")
    return found


def test_an_object_is_described(s3: Any) -> None:
    answer = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    found = only()
    assert (found.uri, found.key, found.revision, found.size) == (URI, KEY, answer["ETag"], 3)
    assert found.modified_at.tzinfo is not None


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page hold 10 names instead of 1,000."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")


def fill(s3: Any, count: int, versions: int = 1) -> list[str]:
    keys = [f"input/u/{number:04d}.h5ad" for number in range(count)]
    for key in keys * versions:
        s3.put_object(Bucket=BUCKET, Key=key)
    return keys


@pytest.mark.usefixtures("short_pages")
def test_all_pages_are_listed(s3: Any) -> None:
    keys = fill(s3, 25)
    assert len(s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 10
    assert [file.key for file in storage.list_files("input/")] == keys


@pytest.mark.slow
def test_more_than_a_thousand_files_are_listed(s3: Any) -> None:
    keys = fill(s3, 1003)
    assert [file.key for file in storage.list_files("input/")] == keys


@pytest.mark.usefixtures("short_pages")
def test_all_pages_are_listed_where_versions_are_kept(s3: Any) -> None:
    keep_versions(s3)
    keys = fill(s3, 12, versions=2)
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 10
    assert [file.key for file in storage.list_files("input/")] == keys


def test_only_what_begins_with_the_prefix_is_listed(s3: Any) -> None:
    for key in ("input/u/a.h5ad", "input/u/", "input2/a.h5ad", "other/a.h5ad"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert [file.key for file in storage.list_files("input/")] == ["input/u/a.h5ad"]


def test_odd_names_survive(s3: Any) -> None:
    for name in ("ä b+c%20.h5ad", "a?b#c.h5ad", "a&b<c>.h5ad", "..h5ad"):
        s3.put_object(Bucket=BUCKET, Key=f"input/{name}", Body=name.encode())
        found = next(file for file in storage.list_files("input/") if file.key == f"input/{name}")
        assert found.uri == f"s3://{BUCKET}/input/{name}"


def test_an_empty_store_is_empty() -> None:
    assert list(storage.list_files("input/")) == []


def test_a_version_is_the_revision_where_versions_are_kept(s3: Any) -> None:
    keep_versions(s3)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    newest = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"new")
    assert only().revision == newest["VersionId"]


def test_removed_objects_are_not_listed(s3: Any) -> None:
    keep_versions(s3)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert list(storage.list_files("input/")) == []


@pytest.mark.parametrize("status", ["Enabled", "Suspended"])
def test_keeping_versions_from_now_on_makes_no_old_file_new(s3: Any, status: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    before = only()
    keep_versions(s3, status)
    assert only() == before


def test_a_failed_listing_is_no_empty_one(s3: Any, settings: Any) -> None:
    settings.H5AD_STORE = "s3://no-such-bucket"
    with pytest.raises(UnavailableError, match="NoSuchBucket"):
        list(storage.list_files("input/"))


@pytest.mark.usefixtures("short_pages")
def test_a_listing_that_breaks_off_at_the_second_page_raises(s3: Any, answers: Callable[..., None]) -> None:
    fill(s3, 12)
    answers("ListObjectsV2", status=403, code="AccessDenied", after=1)
    listing = storage.list_files("input/")
    assert len([next(listing) for _ in range(10)]) == 10
    with pytest.raises(UnavailableError, match="AccessDenied"):
        next(listing)


def test_versioning_that_may_not_be_asked_for_is_no_guess(s3: Any, answers: Callable[..., None]) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    answers("GetBucketVersioning", status=403, code="AccessDenied")
    with pytest.raises(UnavailableError, match="AccessDenied"):
        list(storage.list_files("input/"))


def test_no_credentials_is_unavailable() -> None:
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        environment.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        with pytest.raises(UnavailableError, match="credentials"):
            list(storage.list_files("input/"))


@pytest.mark.parametrize("versions", [False, True])
def test_a_download_is_what_was_listed(s3: Any, tmp_path: Path, versions: bool) -> None:
    if versions:
        keep_versions(s3)
    content = bytes(range(256)) * 80_000  # more than two chunks
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=content)
    seen: list[int] = []
    digest = storage.download(URI, only().revision, tmp_path / "a", seen.append)
    assert (tmp_path / "a").read_bytes() == content
    assert digest == hashlib.sha256(content).hexdigest()
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == len(content)


def test_a_replaced_object_is_refused(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    revision = only().revision
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"new")
    with pytest.raises(FileChangedError, match="replaced"):
        storage.download(URI, revision, tmp_path / "a")


def test_a_server_without_conditions_cannot_slip_in_another_file(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    unconditional = storage.h5ad_storage()
    client = unconditional.connection.meta.client
    client.meta.events.register("before-parameter-build.s3.GetObject", lambda params, **_: params.pop("IfMatch"))
    with (tmp_path / "a").open("wb") as file, pytest.raises(FileChangedError):
        unconditional.fetch(URI, '"another"', file, lambda done: None)


def test_an_old_version_can_still_be_fetched(s3: Any, tmp_path: Path) -> None:
    keep_versions(s3)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    revision = only().revision
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"new")
    storage.download(URI, revision, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("versions", [False, True])
def test_a_removed_object_is_gone(s3: Any, tmp_path: Path, versions: bool) -> None:
    if versions:
        keep_versions(s3)
    answer = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    revision = only().revision
    s3.delete_object(Bucket=BUCKET, Key=KEY, **({"VersionId": answer["VersionId"]} if versions else {}))
    with pytest.raises(FileGoneError, match="not there"):
        storage.download(URI, revision, tmp_path / "a")


def test_a_refused_download_is_unavailable(s3: Any, tmp_path: Path, answers: Callable[..., None]) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    revision = only().revision
    answers("GetObject", status=403, code="AccessDenied")
    with pytest.raises(UnavailableError, match="AccessDenied"):
        storage.download(URI, revision, tmp_path / "a")


def test_a_download_that_breaks_off_is_unavailable(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"abc")
    broken = storage.h5ad_storage()

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Body"]._amount_read, parsed["Body"]._content_length = 0, 99

    broken.connection.meta.client.meta.events.register("after-call.s3.GetObject", cut)
    with (tmp_path / "a").open("wb") as file, pytest.raises(UnavailableError):
        broken.fetch(URI, only().revision, file, lambda done: None)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://another-bucket/input/a.h5ad",
        "s3://studies-2/input/a.h5ad",
        "s3://studies",
        "file:///etc/passwd",
        "https://studies/input/a.h5ad",
        "/etc/passwd",
        "",
    ],
)
def test_what_lies_outside_is_refused(uri: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="h5ad store"):
        storage.download(uri, '"x"', tmp_path / "a")


def test_a_store_below_a_prefix_knows_nothing_beside_it(s3: Any, settings: Any, tmp_path: Path) -> None:
    settings.H5AD_STORE = f"s3://{BUCKET}/team/one/"
    for key in ("team/one/input/a.h5ad", "team/one2/input/a.h5ad", "input/a.h5ad"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"abc")
    found = only()
    assert (found.uri, found.key) == (f"s3://{BUCKET}/team/one/input/a.h5ad", "input/a.h5ad")
    storage.download(found.uri, found.revision, tmp_path / "a")
    with pytest.raises(InvalidInputError):
        storage.download(f"s3://{BUCKET}/team/one2/input/a.h5ad", found.revision, tmp_path / "b")


def test_each_thread_has_a_client_of_its_own(s3: Any) -> None:
    shared = storage.h5ad_storage()
    clients = [shared.connection.meta.client]
    thread = threading.Thread(target=lambda: clients.append(shared.connection.meta.client))
    thread.start()
    thread.join()
    assert clients[0] is not clients[1]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let S3 refuse an operation, at once or after it was answered a few times."""

    def refuse(operation: str, *, status: int, code: str, after: int = 0) -> None:
        calls = iter(range(1_000_000))

        def answer(request: Any, **_: Any) -> AWSResponse | None:
            return None if next(calls) < after else refusal(request.url, status, code)

        session = aws.session()
        session.events.register_first(f"before-send.s3.{operation}", answer)
        monkeypatch.setattr(aws, "session", lambda: session)

    return refuse


class Raw:
    """What urllib3 gives to botocore, as far as an error message needs it."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.content


def refusal(url: str, status: int, code: str) -> AWSResponse:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    return AWSResponse(url, status, {"Content-Type": "application/xml"}, Raw(body))
