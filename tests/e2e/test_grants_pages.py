"""Grants at work in Chromium, against the local AWS: with the keyboard, at two widths, in both colour schemes."""

import secrets
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import AuditEvent, User
from grants.aws.gateway import Aws
from grants.models import AccessKey, AccessRequest, Cut, Grant, Issuance, Location, Principal
from grants.services import grants, locations, operations, principals, requests
from tests.builders import access_pages
from tests.builders.people import person
from tests.e2e.conftest import PASSWORD, screenshot
from tests.grants.services.conftest import Stack, stack
from tests.sandbox.conftest import put_right
from tests.support.gateway import aws_environment, gateway
from tests.support.sandbox import aws, sandbox

__all__ = ["aws", "aws_environment", "gateway", "put_right", "sandbox", "stack"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SYSTEM = Actor.system("test")


@pytest.fixture(autouse=True)
def a_deployment_of_its_own(settings: pytest.FixtureRequest) -> None:
    """What earlier tests left in this AWS is somebody else's, and listings show things at once."""
    settings.DEPLOYMENT = f"test-{secrets.token_hex(4)}"
    settings.PROPAGATION_SECONDS = 0
    settings.OPERATION_RETRY_SECONDS = 0.0


@pytest.fixture
def administrator() -> User:
    user = person("administrator", "administrator")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def uploader() -> User:
    return person("uploader")


@pytest.fixture
def location(stack: Stack, gateway: Aws) -> Location:
    made, operation = locations.register(scope=stack.scope, role_arn=stack.role_arn, actor=SYSTEM)
    operations.execute(operation_id=operation.pk, aws=gateway)
    made.refresh_from_db()
    assert made.state == "active"
    return made


@pytest.fixture
def principal(location: Location, gateway: Aws, stack: Stack, uploader: User) -> Principal:
    name = stack.aws.name("uploader")
    made, operation = principals.create_user(name=name, user=uploader, actor=SYSTEM)
    operations.execute(operation_id=operation.pk, aws=gateway)
    made.refresh_from_db()
    assert made.state == "active"
    return made


@pytest.fixture
def given(location: Location, principal: Principal, gateway: Aws) -> Grant:
    return give(location, principal, gateway, "study-1/*")


@pytest.fixture
def page(page: Page, administrator: User) -> Page:
    log_in(page)
    return page


def give(location: Location, principal: Principal, gateway: Aws, sub_prefix: str, permission: str = "READ") -> Grant:
    made, operation = grants.create(
        location=location, principal=principal, sub_prefix=sub_prefix, permission=permission, actor=SYSTEM
    )
    operations.execute(operation_id=operation.pk, aws=gateway)
    made.refresh_from_db()
    assert made.state == "active"
    return made


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("E-mail or account name").fill("administrator@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Access: work to do")).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this label or text is focused, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if name in focused(page):
            return
    raise AssertionError(f"Tab never comes to {name!r}")


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "() => { const e = document.activeElement;"
            " return [...(e.labels || [])].map(l => l.textContent).join(' ') + ' ' + (e.textContent || '') }"
        )
    )


def focus_is_visible(page: Page) -> bool:
    style = "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth] }"
    kind, width = page.evaluate(style)
    return kind != "none" and width != "0px"


NAMELESS = """() => {
  const shown = (e) => e.checkVisibility();
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const name = (e) => (e.ariaLabel || e.title || e.textContent || "").trim();
  return [
    ...all("#content input:not([type=hidden]), #content select, #content textarea")
      .filter((e) => !e.labels?.length && !e.ariaLabel && !e.placeholder),
    ...all("#content table").filter((e) => !e.caption),
    ...all("#content th:not([scope])").filter((e) => e.closest("thead")),
    ...all("#content a:not([href])"),
    ...all("#content button, #content a").filter((e) => !name(e)),
    ...all("[tabindex]").filter((e) => e.tabIndex > 0),
    ...all("#content :is(div, span)[onclick], #content [role=button]:not(button)"),
  ].map((e) => e.outerHTML.slice(0, 200));
}"""


def test_a_grant_is_given_with_the_keyboard_alone(page: Page, location: Location, principal: Principal) -> None:
    page.goto("/admin/grants/grant/")
    tab_to(page, "New grant")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Location")).to_be_focused()
    page.keyboard.type(location.scope[:-3])
    expect(page.locator(f'datalist option[value="{location.scope}"]')).to_have_count(1)
    page.keyboard.type(location.scope[-3:])
    tab_to(page, "Principal")
    page.keyboard.type(principal.arn)
    tab_to(page, "READ: list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    tab_to(page, "Sub-prefix")
    page.keyboard.type("data*")
    tab_to(page, "Reason")
    page.keyboard.type("the study of this autumn")
    page.keyboard.press("Enter")
    expect(page.get_by_text("put a / before the *")).to_be_visible()
    expect(page.get_by_label("Sub-prefix")).to_be_focused()
    screenshot(page, "grant-form-refused")
    page.keyboard.press("Control+a")
    page.keyboard.type("data/*")
    page.keyboard.press("Enter")
    expect(page.get_by_text("s3control CreateAccessGrant")).to_be_visible()
    assert Grant.objects.count() == 0
    screenshot(page, "grant-confirmation")
    tab_to(page, "Create the grant")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("done in AWS")).to_be_visible()
    grant = Grant.objects.get()
    assert (grant.state, grant.scope) == ("active", f"{location.scope}data/*")
    assert AuditEvent.objects.get(action="grant.created").reason == "the study of this autumn"
    screenshot(page, "grant")


def test_a_request_is_approved_for_less_than_was_asked(
    page: Page, location: Location, principal: Principal, uploader: User
) -> None:
    requests.ask(
        requester=uploader,
        path=f"{location.scope}shared/*",
        permission="READWRITE",
        wanted_until=timezone.now() + timedelta(days=60),
        justification="We compare our cells with yours.",
        principal=principal,
    )
    page.goto("/admin/")
    screenshot(page, "index-with-request")
    page.get_by_role("link", name="READWRITE on").click()
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("READ: list and get objects").check()
    page.get_by_label("Sub-prefix").fill("elsewhere/*")
    page.get_by_label("Reason").fill("reading is enough")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Less than was asked for")).to_be_visible()
    page.get_by_role("button", name="Approve, and give the grant").click()
    expect(page.get_by_text("is more than was asked for")).to_be_visible()
    page.get_by_label("Sub-prefix").fill("shared/part/*")
    page.get_by_role("button", name="Show what would happen").click()
    screenshot(page, "request-confirmation")
    page.get_by_role("button", name="Approve, and give the grant").click()
    expect(page.get_by_role("status").get_by_text("done in AWS")).to_be_visible()
    grant = Grant.objects.get()
    assert (grant.state, grant.permission, grant.sub_prefix) == ("active", "READ", "shared/part/*")
    assert AccessRequest.objects.get().state == "approved"


def test_a_grant_is_revoked_and_its_sessions_are_cut(page: Page, given: Grant, gateway: Aws, uploader: User) -> None:
    session = access_pages.issuance(given, uploader)
    page.goto(f"/admin/grants/grant/{given.pk}/change/")
    page.get_by_role("link", name="Revoke").click()
    expect(page.get_by_text("1 recorded session stays alive in AWS until")).to_be_visible()
    expect(page.get_by_role("cell", name=session.access_key_id)).to_be_visible()
    page.get_by_label("Cut now the recorded sessions of this grant (1)").check()
    page.get_by_label("Reason").fill("left the project")
    screenshot(page, "revoke")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"s3control DeleteAccessGrant AccessGrantId={given.aws_id}")).to_be_visible()
    expect(page.get_by_text("iam PutRolePolicy")).to_be_visible()
    screenshot(page, "revoke-confirmation")
    page.get_by_role("button", name="Revoke the grant").click()
    expect(page.get_by_role("status").get_by_text("done in AWS")).to_have_count(2)
    assert Grant.objects.get().state == "deleted"
    assert gateway.access_grants.grant(given.aws_id) is None
    assert Cut.objects.get().user_ids == [session.aws_user_id]
    assert Issuance.objects.get().cut_at
    document = gateway.iam.role_policy(given.location.role_arn.rpartition("/")[2], "cellenium-admin-cut")
    assert session.aws_user_id in str(document)
    screenshot(page, "grant-revoked")


def test_a_key_is_shown_once_and_gone_on_reload(page: Page, principal: Principal) -> None:
    page.goto(f"/admin/grants/principal/{principal.pk}/change/")
    page.get_by_role("link", name="New access key").click()
    expect(page.get_by_text(f"iam CreateAccessKey UserName={principal.name}")).to_be_visible()
    page.get_by_label("Reason").fill("first key")
    with page.expect_response(lambda answer: answer.request.method == "POST") as made:
        page.keyboard.press("Enter")
    assert "no-store" in made.value.headers["cache-control"]
    secret = page.locator("#key-secret").inner_text()
    assert len(secret) == 40
    assert page.evaluate(NAMELESS) == []
    screenshot(page, "key-display")
    page.get_by_role("button", name="Copy secret access key").click()
    expect(page.get_by_role("status").filter(has_text="Secret access key")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as credentials file").click()
    assert saved.value.path().read_text() == (
        f"[{principal.name}]\naws_access_key_id = {AccessKey.objects.get().access_key_id}\n"
        f"aws_secret_access_key = {secret}\n"
    )
    page.reload()
    expect(page.get_by_text("Access keys: ids only")).to_be_visible()
    assert secret not in page.content()
    screenshot(page, "principal")
    page.go_back()
    assert secret not in page.content()
    assert AccessKey.objects.count() == 1


def test_a_form_sent_twice_makes_one_key(page: Page, principal: Principal) -> None:
    """Without our script the browser would send the form again on reload: the server notices."""
    page.route("**/cellenium/admin.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"/admin/grants/principal/{principal.pk}/new-key/")
    page.get_by_label("Reason").fill("first key")
    page.get_by_role("button", name="Create the key").click()
    secret = page.locator("#key-secret").inner_text()
    page.reload()
    expect(page.get_by_text("has changed since the page was opened")).to_be_visible()
    assert secret not in page.content()
    assert AccessKey.objects.count() == 1


def test_reconcile_is_planned_and_applied(page: Page, given: Grant, gateway: Aws) -> None:
    gateway.access_grants.delete_grant(given.aws_id)
    page.goto("/admin/grants/reconcilerun/")
    page.get_by_role("link", name="Plan again").click()
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("Grants that AWS has lost 1")).to_be_visible()
    assert page.evaluate(NAMELESS) == []
    screenshot(page, "reconcile")
    page.get_by_role("link", name="Apply the plan").click()
    expect(page.get_by_text("The plan's hash is")).to_be_visible()
    screenshot(page, "reconcile-confirmation")
    page.get_by_role("button", name="Apply exactly this plan").click()
    expect(page.get_by_role("status").get_by_text("1 operation done in AWS")).to_be_visible()
    given.refresh_from_db()
    assert given.state == "active"
    assert gateway.access_grants.grant(given.aws_id) is not None
    screenshot(page, "reconcile-applied")


@pytest.mark.parametrize(("name", "width"), [("wide", 1400), ("narrow", 1000)])
def test_lists_and_overview_fit_by_day_and_by_night(
    page: Page, given: Grant, uploader: User, name: str, width: int
) -> None:
    rows = access_pages.access_pages(uploader)
    soon = timezone.now() + timedelta(days=3)
    Grant.objects.filter(pk=rows.grant.pk).update(expires_at=soon, drift="missing")
    page.set_viewport_size({"width": width, "height": 900})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for shown, address in (
            ("index", "/admin/"),
            ("grant-list", "/admin/grants/grant/"),
            ("replace", f"/admin/grants/grant/{rows.adopted.pk}/replace/"),
            ("grant-drifted", f"/admin/grants/grant/{rows.grant.pk}/change/"),
        ):
            page.goto(address)
            expect(page.locator("h1")).to_be_visible()
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (shown, width)
            assert page.evaluate(NAMELESS) == [], shown
            screenshot(page, f"{shown}-{name}-{scheme}")
        page.goto("/admin/grants/grant/")
        expect(page.get_by_text("in 3 days")).to_be_visible()
        expect(page.get_by_role("table", name="Select grant to view")).to_be_visible()


def test_filters_and_quick_filters_work_with_the_keyboard(page: Page, given: Grant) -> None:
    page.goto("/admin/grants/grant/")
    tab_to(page, "Filters")
    page.keyboard.press("Enter")
    expect(page.get_by_label("By location")).to_be_visible()
    screenshot(page, "filters")
    tab_to(page, "By location")
    page.keyboard.type("s3://elsewhere/")
    page.keyboard.press("Enter")
    expect(page.get_by_text(given.scope)).to_have_count(0)
    page.goto("/admin/grants/grant/")
    tab_to(page, "Failed")
    page.keyboard.press("Enter")
    expect(page.get_by_text(given.scope)).to_have_count(0)
    expect(page.get_by_role("link", name="Failed")).to_have_attribute("aria-current", "true")
