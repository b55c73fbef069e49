"""What administrators and curators see, in Chromium."""

import pytest
from playwright.sync_api import Page, expect

from cellenium_admin.core.models import Job, User
from tests.builders.stores import published_study
from tests.e2e.conftest import PASSWORD, screenshot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def administrator() -> User:
    user = User(username="admin@example.org", email="admin@example.org", system_roles=["administrator"])
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def study(administrator: User):
    study = published_study(owner=administrator).study
    Job.objects.create(name="imports.run_import", owner=administrator, stage="convert", done=300, total=700)
    return study


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("E-mail or account name").fill("admin@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Newest jobs")).to_be_visible()


def test_overview_shows_work_to_do(page: Page, study: object) -> None:
    log_in(page)
    expect(page.get_by_text("Events in the trail")).to_be_visible()
    screenshot(page, "admin-index")


def test_study_list_and_study(page: Page, study: object) -> None:
    log_in(page)
    page.goto("/admin/studies/study/")
    link = page.get_by_role("link", name=study.name)
    expect(link).to_be_visible()
    screenshot(page, "study-list")
    link.click()
    expect(page.get_by_text(study.source_uri).first).to_be_visible()
    screenshot(page, "study")


def test_job_page_shows_progress_and_history(page: Page, study: object) -> None:
    log_in(page)
    page.goto("/admin/core/job/")
    page.get_by_role("link", name="imports.run_import").first.click()
    expect(page.get_by_text("300 of 700")).to_be_visible()
    screenshot(page, "job")


def test_trail_page_can_be_read_and_not_changed(page: Page, study: object) -> None:
    log_in(page)
    page.goto("/admin/core/auditevent/")
    expect(page.get_by_text("study.created").first).to_be_visible()
    screenshot(page, "trail")
    page.locator("th.field-seq a, td.field-seq a").first.click()
    expect(page.get_by_text("Hash of the event before")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    screenshot(page, "trail-event")


def test_api_docs_render(page: Page, study: object) -> None:
    log_in(page)
    page.goto("/api/v1/docs")
    expect(page.locator("#operations-studies-de, .opblock-summary-path", has_text="de").first).to_be_visible()
    screenshot(page, "api-docs")
