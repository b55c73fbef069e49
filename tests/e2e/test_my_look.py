"""How `/my/` looks, by day and by night, wide and narrow; and what it shows of imports, made by the importer itself."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Job, User
from imports.models import ImportRun
from imports.services import uploads
from imports.tasks import run_import
from tests.builders.h5ad import remove, study_file
from tests.e2e.conftest import screenshot
from tests.e2e.test_grants_pages import NAMELESS
from tests.e2e.test_my_page import choose, file_of, row_of, slow_down
from tests.support.my_pages import MIB, Store, desk, open_section, store, uploader
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "desk", "sandbox", "store", "uploader"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1400, 1000, 420)]


def import_all() -> None:
    """Carry out what waits, as a worker does."""
    uploads.scan(actor=Actor.system("test"))
    for run in ImportRun.objects.select_related("job").all():
        Job.objects.filter(pk=run.job_id).update(available_at=run.job.created_at)
        run_import(str(run.job_id))


@pytest.fixture
def files(store: Store, uploader: User, tmp_path: Path, settings: Any) -> None:
    """A study that was imported, a file that was refused, one beyond the quota, and something else."""
    good, bad = study_file(tmp_path / "blood.h5ad"), study_file(tmp_path / "draft.h5ad")
    remove(bad, "uns/cellenium")
    for path in (good, bad):
        store.s3.upload_file(str(path), store.bucket, f"{uploader.upload_prefix}{path.name}")
    store.s3.put_object(Bucket=store.bucket, Key=f"{uploader.upload_prefix}notes.txt", Body=b"notes")
    import_all()
    settings.UPLOAD_QUOTA_BYTES = 10
    store.s3.upload_file(str(good), store.bucket, f"{uploader.upload_prefix}too-much.h5ad")
    uploads.scan(actor=Actor.system("test"))
    settings.UPLOAD_QUOTA_BYTES = 300 * MIB


def test_the_end_of_an_import_is_shown(desk: Page, files: None) -> None:
    open_section(desk, "uploads")
    good, bad = row_of(desk, "blood.h5ad"), row_of(desk, "draft.h5ad")
    expect(good.get_by_text("Imported", exact=True)).to_be_visible()
    with desk.expect_response(lambda answer: "/studies/" in answer.url) as shown:
        good.get_by_role("link", name="A small study").click()
    assert shown.value.status == 200
    desk.go_back()
    expect(bad.get_by_text("Refused", exact=True)).to_be_visible()
    bad.get_by_text(re.compile("Findings: 1 error")).click()
    expect(bad.get_by_text("error at")).to_be_visible()
    expect(row_of(desk, "too-much.h5ad").get_by_text("Your quota was full")).to_be_visible()
    expect(row_of(desk, "notes.txt").get_by_text("Not recognized")).to_be_visible()


def test_a_file_is_imported_again(desk: Page, files: None) -> None:
    open_section(desk, "uploads")
    row = row_of(desk, "draft.h5ad")
    row.get_by_role("button", name="Import again").click()
    desk.get_by_role("dialog").get_by_role("button", name="Import again").click()
    expect(row.get_by_text("Waiting for import", exact=True)).to_be_visible()
    expect(row.get_by_role("button", name="Import again")).to_have_count(0)
    import_all()
    expect(row.get_by_text("Refused", exact=True)).to_be_visible(timeout=20_000)
    assert ImportRun.objects.filter(upload__uri__endswith="draft.h5ad").count() == 2


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_section_fits(
    desk: Page, store: Store, files: None, tmp_path: Path, uploader: User, scheme: Any, width: int
) -> None:
    """Nothing is wider than the window, and everything that can be pressed or filled in has a name."""
    uploader.study_groups, uploader.display_name = ["blood atlas", "immunology"], "Uploader"
    uploader.save()
    desk.emulate_media(color_scheme=scheme)
    desk.set_viewport_size({"width": width, "height": 900})
    line = slow_down(desk, 3_000_000)
    open_section(desk, "uploads")
    choose(desk, file_of(tmp_path / "big", "atlas-of-blood-cells.h5ad", size=60 * MIB))
    moving = row_of(desk, "atlas-of-blood-cells.h5ad")
    expect(moving.get_by_text("left")).to_be_visible(timeout=60_000)
    row_of(desk, "draft.h5ad").locator("summary").click()
    assert_fits(desk)
    screenshot(desk, f"my-uploads-{width}-{scheme}")
    moving.get_by_role("button", name="Pause").click()
    line.detach()
    desk.get_by_role("link", name="Credentials").click()
    desk.get_by_role("button", name="Get credentials").click()
    expect(desk.get_by_role("timer")).to_be_visible()
    assert_fits(desk)
    screenshot(desk, f"my-credentials-{width}-{scheme}")
    desk.get_by_role("link", name="API tokens").click()
    desk.get_by_label("Name").fill("laptop")
    desk.get_by_role("button", name="Make a token").click()
    expect(desk.get_by_text("It is shown this once.", exact=True)).to_be_visible()
    assert_fits(desk)
    screenshot(desk, f"my-tokens-{width}-{scheme}")


def assert_fits(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(NAMELESS.replace("#content ", "#main ")) == []
