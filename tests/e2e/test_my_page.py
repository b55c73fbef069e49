"""Uploads on the page `/my/`, in Chromium, through the local S3: what arrives is what was chosen, whatever happens."""

import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import User
from imports.models import Upload
from imports.services import uploads
from tests.e2e.conftest import screenshot
from tests.support.my_pages import MIB, Store, desk, open_section, rough_desk, store, uploader
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "desk", "rough_desk", "sandbox", "store", "uploader"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PATIENT = 120_000
NAME = "study.h5ad"


def file_of(directory: Path, name: str = NAME, *, size: int = 17 * MIB, seed: str = "one") -> Path:
    """Make a file whose parts all differ, the same for the same seed."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_bytes(hashlib.shake_128(seed.encode()).digest(size))
    return path


def row_of(page: Page, name: str = NAME) -> Any:
    return page.get_by_role("listitem").filter(has_text=name)


def choose(page: Page, *paths: Path) -> None:
    page.locator("#files").set_input_files([str(path) for path in paths])


def choose_again(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        row_of(page).get_by_role("button", name="Choose the file again").click()
    chooser.value.set_files(str(path))


def slow_down(page: Page, bytes_per_second: int = 6_000_000) -> Any:
    """Give the browser a narrow line, so that an upload can be met in its middle."""
    session = page.context.new_cdp_session(page)
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    session.send("Network.emulateNetworkConditions", line)
    return session


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENT / 1000
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def arrived_in_part(page: Page, store: Store, path: Path) -> set[int]:
    """Send a file over a narrow line until some of its parts are there, and pause; gives their numbers."""
    slow_down(page)
    choose(page, path)
    wait_until(lambda: bool(store.unfinished()) and bool(store.parts()), "no part arrives")
    row_of(page).get_by_role("button", name="Pause").click()
    expect(row_of(page).get_by_text("Paused")).to_be_visible()
    time.sleep(0.5)  # an answer that was on its way when we paused
    return {part["PartNumber"] for part in store.parts()}


def assert_arrived(store: Store, path: Path) -> None:
    upload = Upload.objects.get(state="received")
    assert (upload.filename, upload.size) == (path.name, path.stat().st_size)
    assert store.content(upload.uri.removeprefix(f"s3://{store.bucket}/")) == path.read_bytes()
    assert store.unfinished() == []


def sent_parts(page: Page) -> list[str]:
    """Note the numbers of the parts that are sent from now on."""
    numbers: list[str] = []

    def note(request: Any) -> None:
        if request.method == "PUT":
            numbers.append(re.findall(r"partNumber=(\d+)", request.url)[0])

    page.on("request", note)
    return numbers


def test_a_file_of_three_parts_arrives_whole(desk: Page, store: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path / "files")
    open_section(desk, "uploads")
    choose(desk, path)
    expect(row_of(desk).get_by_text("Waiting for import")).to_be_visible(timeout=PATIENT)
    assert_arrived(store, path)
    expect(desk.locator("#usage-files-text")).to_have_text("1 of 10,000")
    assert desk.evaluate("() => localStorage.getItem('cellenium.uploads')") == "{}"


@pytest.mark.slow
def test_after_a_reload_only_what_is_missing_is_sent(desk: Page, store: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path / "files", size=44 * MIB)
    open_section(desk, "uploads")
    there = arrived_in_part(desk, store, path)
    assert 0 < len(there) < 6
    desk.reload()
    expect(row_of(desk).get_by_text("Unfinished")).to_be_visible()
    expect(row_of(desk).get_by_text("Choose the same file again to go on")).to_be_visible()
    screenshot(desk, "my-unfinished")
    numbers = sent_parts(desk)
    choose(desk, path)
    expect(row_of(desk).get_by_text("Waiting for import")).to_be_visible(timeout=PATIENT)
    assert_arrived(store, path)
    assert {int(number) for number in numbers} == set(range(1, 7)) - there
    assert Upload.objects.count() == 1


@pytest.mark.slow
def test_another_file_is_noticed(desk: Page, store: Store, tmp_path: Path) -> None:
    """One of the same name and size by its content, one of another name at once; the right one then goes on."""
    right = file_of(tmp_path / "right", size=44 * MIB)
    wrong = file_of(tmp_path / "wrong", size=44 * MIB, seed="two")
    other = file_of(tmp_path / "other", "other.h5ad", size=MIB)
    open_section(desk, "uploads")
    before = arrived_in_part(desk, store, right)
    desk.reload()
    choose_again(desk, other)
    expect(row_of(desk).get_by_text("you chose other.h5ad")).to_be_visible()
    numbers = sent_parts(desk)
    choose_again(desk, wrong)
    expect(row_of(desk).get_by_text("This is another file than the one")).to_be_visible(timeout=PATIENT)
    screenshot(desk, "my-wrong-file")
    assert {part["PartNumber"] for part in store.parts()} == before
    assert numbers == []
    choose_again(desk, right)
    expect(row_of(desk).get_by_text("Waiting for import")).to_be_visible(timeout=PATIENT)
    assert_arrived(store, right)


@pytest.mark.slow
def test_pause_resume_and_cancel(desk: Page, store: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path / "files", size=44 * MIB)
    open_section(desk, "uploads")
    arrived_in_part(desk, store, path)
    row_of(desk).get_by_role("button", name="Resume").click()
    expect(row_of(desk).get_by_text("Uploading")).to_be_visible(timeout=PATIENT)
    expect(row_of(desk).get_by_text("MB/s")).to_be_visible(timeout=PATIENT)
    row_of(desk).get_by_role("button", name="Cancel").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    dialog.get_by_role("button", name="Cancel the upload").click()
    expect(row_of(desk)).to_have_count(0)
    assert store.unfinished() == []
    assert Upload.objects.get().state == "cancelled"
    desk.get_by_label("Show cancelled, expired and removed").check()
    expect(row_of(desk).get_by_text("Cancelled", exact=True)).to_be_visible()
    assert desk.evaluate("() => localStorage.getItem('cellenium.uploads')") == "{}"


@pytest.mark.slow
def test_parts_that_fail_are_sent_again(rough_desk: Page, store: Store, tmp_path: Path) -> None:
    """A broken line, an address that is too old, a busy store: each part comes through in the end."""
    path = file_of(tmp_path / "files")
    troubles: list[Callable[[Route], None]] = [
        lambda route: route.abort(),
        lambda route: route.fulfill(status=403, body="<Error><Code>AccessDenied</Code></Error>", headers=CORS),
        lambda route: route.fulfill(status=503, body="<Error><Code>SlowDown</Code></Error>", headers=CORS),
    ]
    met: list[int] = []

    def trouble(route: Route) -> None:
        met.append(len(met))
        troubles[met[-1]](route)

    rough_desk.route("**partNumber=**", trouble, times=3)
    open_section(rough_desk, "uploads")
    choose(rough_desk, path)
    expect(row_of(rough_desk).get_by_text("Waiting for import")).to_be_visible(timeout=PATIENT)
    assert met == [0, 1, 2]
    assert_arrived(store, path)


CORS = {"Access-Control-Allow-Origin": "*"}


def test_what_the_server_refuses_is_shown_with_its_remedy(
    rough_desk: Page, store: Store, tmp_path: Path, settings: Any
) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    (tmp_path / "notes.txt").write_text("hello")
    open_section(rough_desk, "uploads")
    choose(rough_desk, tmp_path / "notes.txt", file_of(tmp_path, size=1000))
    alert = rough_desk.locator("#upload-problems")
    expect(alert).to_contain_text("notes.txt does not end in .h5ad")
    expect(alert).to_contain_text("Wait, or cancel some")
    rough_desk.get_by_role("button", name="Dismiss notes.txt").click()
    expect(alert).not_to_contain_text("notes.txt")
    assert Upload.objects.count() == 0


@pytest.mark.slow
def test_files_put_into_the_bucket_are_listed_and_removed(desk: Page, store: Store, uploader: User) -> None:
    key = f"{uploader.upload_prefix}by-cli/from-the-cli.h5ad"
    for name in (key, f"{uploader.upload_prefix}notes.txt", "input/neighbour@example.org/theirs.h5ad"):
        store.s3.put_object(Bucket=store.bucket, Key=name, Body=b"by the CLI")
    uploads.scan(actor=Actor.system("test"))
    open_section(desk, "uploads")
    expect(row_of(desk, "from-the-cli.h5ad").get_by_text("put into the bucket")).to_be_visible()
    expect(row_of(desk, "notes.txt").get_by_text("Only files that end in .h5ad or .h5mu are imported")).to_be_visible()
    expect(row_of(desk, "theirs.h5ad")).to_have_count(0)
    row_of(desk, "from-the-cli.h5ad").get_by_role("button", name="Stop the import").click()
    desk.get_by_role("dialog").get_by_role("button", name="Stop the import").click()
    row_of(desk, "from-the-cli.h5ad").get_by_role("button", name="Remove").click()
    desk.get_by_label("Reason").fill("the wrong file")
    desk.get_by_role("button", name="Remove the file").click()
    expect(row_of(desk, "from-the-cli.h5ad")).to_have_count(0)
    found = store.s3.list_objects_v2(Bucket=store.bucket, Prefix=uploader.upload_prefix)["Contents"]
    assert [one["Key"] for one in found] == [f"{uploader.upload_prefix}notes.txt"]


@pytest.mark.slow
def test_an_upload_with_the_keyboard_alone(desk: Page, store: Store, tmp_path: Path) -> None:
    path = file_of(tmp_path / "files", size=44 * MIB)
    slow_down(desk)
    open_section(desk, "uploads")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("button", name="Choose files")).to_be_focused()
    with desk.expect_file_chooser() as chooser:
        desk.keyboard.press("Enter")
    chooser.value.set_files(str(path))
    expect(row_of(desk).get_by_text("Uploading")).to_be_visible(timeout=PATIENT)
    press_through(desk, "Pause study.h5ad")
    expect(desk.get_by_role("button", name="Resume study.h5ad")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(row_of(desk).get_by_text("Uploading")).to_be_visible(timeout=PATIENT)
    press_through(desk, "Cancel study.h5ad")
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).to_be_hidden()
    expect(desk.get_by_role("button", name="Cancel study.h5ad")).to_be_focused()
    desk.keyboard.press("Enter")
    press_through(desk, "Cancel the upload")
    expect(row_of(desk)).to_have_count(0)
    assert Upload.objects.get().state == "cancelled"


def press_through(page: Page, name: str) -> None:
    """Tab to a button and press it."""
    named = "() => [document.activeElement.textContent.trim(), getComputedStyle(document.activeElement).outlineStyle]"
    for _ in range(40):
        text, outline = page.evaluate(named)
        if text == name:
            assert outline != "none"
            return page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {name!r}")
