"""A login by the real code flow in Chromium, at two providers we did not write; and how its pages look."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, Page, Route, expect

from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.oidc import presented
from cellenium_admin.core.oidc import provider as providers
from tests.e2e.conftest import PASSWORD, screenshot
from tests.support import second_provider
from tests.support.forging_provider import ForgingProvider
from tests.support.providers import Provider, forging_server, mock_provider, oauth_toolkit, provider, trust

__all__ = ["forging_server", "mock_provider", "oauth_toolkit", "provider"]
each_look = pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1400), ("light", 1000), ("dark", 1400), ("dark", 1000)]
)
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def as_a_new_process() -> None:
    for module in (presented, providers):
        module.forget()


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page where some answers may be 401 or 403, which Chromium counts among the errors of its console."""
    with browser.new_context(base_url=str(live_server)) as context:
        yield context.new_page()


@pytest.fixture
def page(page: Page) -> Page:
    """Nothing of the wide world: a provider's style sheet from elsewhere is empty here."""

    def serve(route: Route) -> None:
        host = route.request.url.split("/")[2].rpartition(":")[0]
        if host in {"localhost", "127.0.0.1"}:
            route.continue_()
        else:
            route.fulfill(body="", content_type="text/css")

    page.route("**/*", serve)
    return page


def me(page: Page) -> dict[str, Any]:
    answer = page.request.get("/api/v1/me")
    assert answer.status == 200
    return dict(answer.json())


def begin(page: Page, where: str = "") -> None:
    page.goto(f"/login/{where}")
    page.get_by_role("link", name="Log in with").or_(page.get_by_role("button", name="Log in with")).first.click()


def assert_is_uploader(page: Page, name: str = "uploader") -> None:
    told = me(page)
    assert (told["email"], told["upload_prefix"]) == (f"{name}@example.org", f"input/{name}@example.org/")
    assert told["roles"] == ["member"]
    assert User.objects.get().oidc_subject


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()


def test_mock_provider(page: Page, mock_provider: Provider, settings: Any) -> None:
    """One click there; e-mail and prefix arrive; logging out ends the session here and asks the provider to end its."""
    trust(settings, mock_provider)
    begin(page)
    page.get_by_role("button", name="uploader").click()
    page.wait_for_url("**/my/")
    assert_is_uploader(page)
    log_out(page)
    page.get_by_role("button", name="End session").click()
    page.wait_for_url("**/login/")
    assert page.request.get("/api/v1/me").status == 401
    assert list(AuditEvent.objects.order_by("seq").values_list("action", flat=True)) == [
        "user.created",
        "user.logged_in",
        "user.logged_out",
    ]


def test_mock_provider_brings_a_curator_to_the_admin(page: Page, mock_provider: Provider, settings: Any) -> None:
    trust(settings, mock_provider)
    page.goto("/admin/studies/study/")
    page.wait_for_url("**/login/**")
    page.get_by_text("Log in with").click()
    page.get_by_role("button", name="curator").click()
    page.wait_for_url("**/admin/studies/study/")
    assert me(page)["roles"] == ["member", "curator"]


@pytest.mark.slow
def test_second_provider(page: Page, oauth_toolkit: Provider, settings: Any) -> None:
    """Another implementation: a key named by `kid`, PKCE required, `iss` beside the code, a session of its own."""
    trust(settings, oauth_toolkit)
    begin(page)
    sign_in_at_the_second(page, "uploader")
    page.wait_for_url("**/my/")
    assert_is_uploader(page)
    log_out(page)
    page.wait_for_url("**/login/")
    assert page.request.get("/api/v1/me").status == 401
    begin(page)
    expect(page.get_by_label("Password")).to_be_visible()
    sign_in_at_the_second(page, "administrator")
    page.wait_for_url("**/admin/")
    assert me(page)["roles"] == ["member", "administrator"]


@pytest.mark.slow
def test_refresh_at_the_second_provider_goes_unnoticed(visitor: Page, oauth_toolkit: Provider, settings: Any) -> None:
    trust(settings, oauth_toolkit)
    begin(visitor)
    sign_in_at_the_second(visitor, "uploader")
    visitor.wait_for_url("**/my/")
    visitor.goto("/login/refused/")
    (cookie,) = [one for one in visitor.context.cookies() if one["name"] == "cellenium_session"]
    session = SessionStore(cookie["value"])
    session["oidc_id_token_expiration"] = 0
    session.save()
    assert visitor.request.get("/api/v1/me").status == 401
    visitor.goto("/my/?again=1")
    visitor.wait_for_url("**/my/?again=1")
    assert_is_uploader(visitor)


def sign_in_at_the_second(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(second_provider.PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@each_look
def test_page_looks_right(page: Page, provider: ForgingProvider, scheme: Any, width: int) -> None:
    """Nothing is wider than the window, and every field has a name."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/login/")
    assert_fits(page)
    screenshot(page, f"login-{scheme}-{width}")


@each_look
def test_refused_page_looks_right(visitor: Page, provider: ForgingProvider, scheme: Any, width: int) -> None:
    visitor.emulate_media(color_scheme=scheme)
    visitor.set_viewport_size({"width": width, "height": 800})
    visitor.goto("/oidc/callback/?error=access_denied&state=x")
    expect(visitor.get_by_role("heading", name="You are not logged in")).to_be_visible()
    expect(visitor.get_by_role("link", name="Back to the login")).to_be_focused()
    assert_fits(visitor)
    screenshot(visitor, f"login-refused-{scheme}-{width}")


def assert_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden])')].every(one => one.labels.length === 1)"
    )
    assert page.evaluate(FAINT) == []


# Contrast as WCAG 2.2 counts it: 4.5 for text (1.4.3), 3 for the edges of what one fills in or presses (1.4.11).
FAINT = """() => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (e) => {
    const color = getComputedStyle(e).backgroundColor;
    return color === "rgba(0, 0, 0, 0)" ? ground(e.parentElement) : color;
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  return [
    ...all("h1, p, label, code, .button").filter((e) => contrast(getComputedStyle(e).color, ground(e)) < 4.5),
    ...all("input:not([type=hidden]), .button")
      .filter((e) => contrast(getComputedStyle(e).borderTopColor, ground(e.parentElement)) < 3),
  ].map((e) => e.outerHTML.slice(0, 100));
}"""


def assert_focus_shows(page: Page) -> None:
    style = "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth] }"
    kind, width = page.evaluate(style)
    assert kind != "none"
    assert width != "0px"


def test_login_by_keyboard_alone(page: Page, provider: ForgingProvider) -> None:
    """The provider's button is the first thing Tab comes to; the password form follows, and says what was wrong."""
    user = User(username="administrator@example.org", email="administrator@example.org", system_roles=["administrator"])
    user.set_password(PASSWORD)
    user.save()
    page.goto("/login/")
    expect(page.get_by_role("link", name="Log in with")).to_be_focused()
    assert_focus_shows(page)
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-mail or account name")).to_be_focused()
    assert_focus_shows(page)
    page.keyboard.type(user.username)
    page.keyboard.press("Tab")
    page.keyboard.type("a wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    screenshot(page, "login-wrong-password")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")


def test_page_without_a_provider_and_without_passwords(page: Page, settings: Any) -> None:
    settings.OIDC_ISSUER = ""
    page.goto("/login/")
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_text("Log in with")).to_have_count(0)
    screenshot(page, "login-password-only")
