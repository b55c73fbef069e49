"""A session that ends while `/my/` is open: renewed without a word where the provider can, else by logging in again."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, Page, expect

from cellenium_admin.core.models import User
from cellenium_admin.core.oidc import presented
from cellenium_admin.core.oidc import provider as providers
from cellenium_admin.embedded.ports import free_port
from tests.e2e.conftest import screenshot
from tests.support import second_provider
from tests.support.my_pages import log_in
from tests.support.providers import Provider, mock_provider, serving, trust

__all__ = ["mock_provider"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def as_a_new_process() -> None:
    for module in (presented, providers):
        module.forget()


@pytest.fixture(scope="module")
def same_site_provider(tmp_path_factory: pytest.TempPathFactory, live_server: Any) -> Iterator[Provider]:
    """The second provider, for a site at 127.0.0.1 as it is itself: ports are no part of what browsers call a site."""
    port, directory = free_port(), tmp_path_factory.mktemp("same-site-provider")
    arguments = [sys.executable, "-m", "tests.support.second_provider", str(directory), str(port), beside(live_server)]
    yield from serving(arguments, f"http://127.0.0.1:{port}", directory, kid=True)


def beside(live_server: Any) -> str:
    return str(live_server.url).replace("localhost", "127.0.0.1")


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page on which requests are answered 401, which Chromium counts among the errors of its console."""
    with browser.new_context(base_url=str(live_server)) as context:
        yield context.new_page()


def end_session(page: Page) -> None:
    """Let the time of the provider's word be over."""
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "cellenium_session"]
    session = SessionStore(cookie["value"])
    session["oidc_id_token_expiration"] = 0
    session.save()


def make_token(page: Page) -> None:
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Make a token").click()


def test_the_provider_renews_a_session_in_a_frame(
    visitor: Page, same_site_provider: Provider, settings: Any, live_server: Any
) -> None:
    trust(settings, same_site_provider)
    visitor.goto(f"{beside(live_server)}/login/?next=/my/")
    visitor.get_by_text("Log in with").click()
    visitor.get_by_label("Name").fill("uploader")
    visitor.get_by_label("Password").fill(second_provider.PASSWORD)
    visitor.get_by_role("button", name="Sign in").click()
    visitor.wait_for_url("**/my/")
    end_session(visitor)
    assert visitor.request.get(f"{beside(live_server)}/api/v1/me").status == 401
    make_token(visitor)
    expect(visitor.get_by_text("It is shown this once.", exact=True)).to_be_visible(timeout=30_000)
    expect(visitor.locator("#session-ended")).to_be_hidden()
    expect(visitor.locator("iframe")).to_have_count(0)


def test_whoever_has_to_log_in_again_loses_nothing(visitor: Page, mock_provider: Provider, settings: Any) -> None:
    """This provider keeps no session of its own, so it would have to ask: the page waits, a new tab logs in."""
    trust(settings, mock_provider)
    visitor.goto("/login/?next=/my/")
    visitor.get_by_text("Log in with").click()
    visitor.get_by_role("button", name="uploader").click()
    visitor.wait_for_url("**/my/")
    end_session(visitor)
    make_token(visitor)
    expect(visitor.get_by_text("Your session has ended.")).to_be_visible(timeout=30_000)
    screenshot(visitor, "my-session-ended")
    with visitor.expect_popup() as opened:
        visitor.get_by_role("link", name="Log in again").click()
    opened.value.get_by_text("Log in with").click()
    opened.value.get_by_role("button", name="uploader").click()
    opened.value.wait_for_url("**/my/")
    expect(visitor.get_by_text("It is shown this once.", exact=True)).to_be_visible(timeout=30_000)
    expect(visitor.locator("#session-ended")).to_be_hidden()


def test_another_person_who_logs_in_finds_nothing_of_the_first(
    visitor: Page, mock_provider: Provider, settings: Any, live_server: Any
) -> None:
    trust(settings, mock_provider)
    visitor.goto("/login/?next=/my/")
    visitor.get_by_text("Log in with").click()
    visitor.get_by_role("button", name="uploader").click()
    visitor.wait_for_url("**/my/")
    visitor.context.clear_cookies()
    make_token(visitor)
    expect(visitor.get_by_text("Your session has ended.")).to_be_visible(timeout=30_000)
    log_in(visitor, User.objects.create(username="neighbour", email="neighbour@example.org"), live_server.url)
    visitor.get_by_role("button", name="Go on").click()
    expect(visitor.get_by_text("neighbour@example.org")).to_be_visible()
    expect(visitor.get_by_text("It is shown this once.", exact=True)).to_have_count(0)
    expect(visitor.get_by_label("Name")).to_have_value("")
