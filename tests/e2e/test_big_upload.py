"""A file of 200 MB sent by Chromium with a reload in its middle, through a web server as it is run in production."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from django.db import connections
from playwright.sync_api import Browser, Page, expect

from cellenium_admin.core.models import User
from cellenium_admin.embedded import ServerProcess
from cellenium_admin.embedded.ports import free_port
from cellenium_admin.embedded.roles import with_database
from imports.models import Upload
from tests.e2e.conftest import screenshot
from tests.e2e.test_my_page import PATIENT, choose, row_of, sent_parts, slow_down, wait_until
from tests.support.my_pages import Store, log_in, open_section, open_to_browsers, store, uploader
from tests.support.sandbox import Aws, aws, sandbox

__all__ = ["aws", "sandbox", "store", "uploader"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ROOT = Path(__file__).resolve().parents[2]
SIZE = 200_000_000
PARTS = 24
MOST_GROWTH = 100
NAME = "two-hundred-megabytes.h5ad"


class Web:
    """Gunicorn with one worker process."""

    def __init__(self, url: str, process: ServerProcess) -> None:
        self.url = url
        (self.worker,) = psutil.Process(process.pid).children()

    @property
    def peak(self) -> float:
        """The most memory the worker ever had, in MB: VmHWM of proc_pid_status(5)."""
        status = Path(f"/proc/{self.worker.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6


@pytest.fixture
def web(store: Store, aws: Aws, settings: Any, tmp_path: Path) -> Iterator[Web]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    open_to_browsers(aws, store.bucket, url)
    database = with_database(os.environ["CELLENIUM_DATABASE_URL"], connections["default"].settings_dict["NAME"])
    own = {"CELLENIUM_H5AD_STORE": settings.H5AD_STORE, "CELLENIUM_DATABASE_URL": database}
    command = [sys.executable, "-m", "gunicorn", "cellenium_admin.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", "1", "--threads", "8", "--worker-tmp-dir", str(tmp_path)]
    process = ServerProcess(
        command, log=tmp_path / "web.log", env={**os.environ, **own}, cwd=ROOT, ready=lambda: answers(url)
    )
    process.start()
    try:
        yield Web(url, process)
    finally:
        process.stop()


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/health/live", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def desk(browser: Browser, web: Web, uploader: User) -> Iterator[Page]:
    with browser.new_context(base_url=web.url, viewport={"width": 1400, "height": 900}) as context:
        page = context.new_page()
        log_in(page, uploader, web.url)
        yield page


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Bytes that repeat nowhere within a part."""
    made = tmp_path / NAME
    made.write_bytes(os.urandom(SIZE))
    return made


def timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def test_with_a_reload_in_the_middle(desk: Page, web: Web, store: Store, path: Path) -> None:
    open_section(desk, "uploads")
    before = web.peak
    line = slow_down(desk, 25_000_000)

    def first_half() -> None:
        choose(desk, path)
        wait_until(lambda: bool(store.unfinished()) and len(store.parts()) >= PARTS // 3, "a third of the parts")

    def second_half() -> None:
        choose(desk, path)
        expect(row_of(desk, NAME).get_by_text("Waiting for import")).to_be_visible(timeout=3 * PATIENT)

    first = timed(first_half)
    screenshot(desk, "my-upload-in-progress")
    desk.reload()
    line.detach()
    expect(row_of(desk, NAME).get_by_text("Unfinished")).to_be_visible()
    there = {part["PartNumber"] for part in store.parts()}
    numbers = sent_parts(desk)
    second = timed(second_half)
    upload = Upload.objects.get()
    print(f"\n{SIZE / 1e6:.0f} MB in {first:.1f} s to the reload (line of 25 MB/s) and {second:.1f} s after it;")
    print(f"{len(there)} of {PARTS} parts were there, {len(numbers)} were sent after the reload;")
    print(f"peak memory of the web process: {before:.1f} MB before, {web.peak:.1f} MB after.")
    assert upload.state == "received"
    assert PARTS // 3 <= len(there) < PARTS
    assert {int(number) for number in numbers} == set(range(1, PARTS + 1)) - there
    assert store.content(upload.uri.removeprefix(f"s3://{store.bucket}/")) == path.read_bytes()
    # The file never passes through the server: what grows is what signing, listing and completing take.
    assert web.peak - before < MOST_GROWTH
