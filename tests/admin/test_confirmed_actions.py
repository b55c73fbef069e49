"""Rules every confirmed action keeps: a GET changes nothing, a POST needs role, CSRF token, reason and fresh eyes."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.confirm import ConfirmedAction
from cellenium_admin.core.models import AuditEvent, User
from grants.models import Grant, Operation
from tests.builders.access_pages import AccessPages, access_pages
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)
import_module("cellenium_admin.urls")
PAGES = [page for page in admin.site._registry.values() if isinstance(page, ActionsAdmin)]
ROW_ACTIONS = [(page, action) for page in PAGES for action in page.row_actions]
LIST_ACTIONS = [(page, action) for page in PAGES for action in page.list_actions]
WRITES = ("INSERT", "UPDATE", "DELETE")


def named(value: Any) -> str:
    return value.name if isinstance(value, ConfirmedAction) else value.opts.model_name


@pytest.fixture
def rows() -> AccessPages:
    return access_pages(person("uploader"))


@pytest.fixture
def curator() -> User:
    return person("curator", "curator")


@pytest.fixture
def administrator() -> User:
    return person("administrator", "administrator")


def browser(user: User | None, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf)
    if user is not None:
        client.force_login(user)
    return client


def row_of(page: ActionsAdmin, rows: AccessPages) -> Any:
    return next(row for row in vars(rows).values() if type(row) is page.model)


def urls(rows: AccessPages) -> Iterator[tuple[ConfirmedAction, str]]:
    for page, action in ROW_ACTIONS:
        yield action, page.address(action, row_of(page, rows).pk)
    for page, action in LIST_ACTIONS:
        yield action, page.address(action)


def test_there_are_actions_and_names_are_their_own() -> None:
    assert len(ROW_ACTIONS) > 15
    for page in PAGES:
        names = [action.name for action in (*page.row_actions, *page.list_actions)]
        assert len(names) == len(set(names)), page


@pytest.mark.parametrize(("page", "action"), ROW_ACTIONS + LIST_ACTIONS, ids=named)
def test_every_action_says_what_it_is(page: ActionsAdmin, action: ConfirmedAction) -> None:
    assert action.name
    assert action.title
    assert action.button
    assert (type(action).__doc__ or "").strip()
    assert type(action).preview is not ConfirmedAction.preview
    assert type(action).perform is not ConfirmedAction.perform


def test_a_get_never_writes(rows: AccessPages, administrator: User, curator: User) -> None:
    for user in (administrator, curator):
        client = browser(user)
        client.get("/admin/")
        for action, url in urls(rows):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                answer = client.get(url)
            assert answer.status_code in {200, 302, 403}, (url, answer.status_code)
            assert not wrote(queries), (action.name, url)


def wrote(queries: CaptureQueriesContext) -> list[str]:
    found = [query["sql"] for query in queries if query["sql"].startswith(WRITES)]
    return [sql for sql in found if "django_session" not in sql]


def test_nobody_without_the_role_gets_anywhere(rows: AccessPages) -> None:
    before = states()
    for user in (None, person("member")):
        client = browser(user)
        for _, url in urls(rows):
            assert client.get(url).status_code == 302
            answer = client.post(url, {"step": "confirm", "reason": "because"})
            assert answer.status_code == 302
            assert "/login/" in answer["Location"]
    assert states() == before


def test_administrators_only_means_that(rows: AccessPages, curator: User) -> None:
    client, before = browser(curator), states()
    guarded = [(action, url) for action, url in urls(rows) if action.administrators_only]
    assert guarded
    for _, url in guarded:
        # What a curator may not even see is not there for them: back to the overview, as for a row that is unknown.
        refused = 302 if "/imports/" in url else 403
        for answer in (client.get(url), client.post(url, {"step": "confirm", "reason": "because"})):
            assert (answer.status_code, answer.get("Location", "/admin/")) == (refused, "/admin/")
    assert states() == before


def test_a_post_without_csrf_token_is_refused(rows: AccessPages, administrator: User) -> None:
    client, before = browser(administrator, csrf=True), states()
    for _, url in urls(rows):
        assert client.post(url, {"step": "confirm", "reason": "because"}).status_code == 403
    assert states() == before


def test_a_post_without_reason_changes_nothing(rows: AccessPages, administrator: User) -> None:
    client, before = browser(administrator), states()
    for action, url in urls(rows):
        if "reason" not in action.form_class.base_fields:
            continue
        answer = client.post(url, {"step": "confirm", "seen": "0", "reason": "  "})
        assert answer.status_code in {200, 302, 403}, (url, answer.status_code)
        if answer.status_code == 200:
            assert b"This field is required" in answer.content, url
    assert states() == before


def test_a_post_of_something_unseen_changes_nothing(rows: AccessPages, administrator: User) -> None:
    """A forged form without the digest of what was shown, and one of a step there is not."""
    client, before = browser(administrator), states()
    for _, url in urls(rows):
        client.post(url, {"step": "confirm", "reason": "because"})
        assert client.post(url, {"step": "hurry", "reason": "because"}).status_code in {302, 400, 403}, url
    assert states() == before


def test_a_page_opened_before_a_change_is_shown_anew(rows: AccessPages, curator: User) -> None:
    client, url = browser(curator), f"/admin/grants/grant/{rows.grant.pk}/revoke/"
    page = client.get(url)
    seen = page.context["seen"]
    Grant.objects.filter(pk=rows.grant.pk).update(version=2)
    answer = client.post(url, {"step": "confirm", "seen": seen, "reason": "because"})
    assert answer.status_code == 200
    assert b"has changed since the page was opened" in answer.content
    assert Grant.objects.get(pk=rows.grant.pk).state == "active"
    assert answer.context["seen"] != seen


def test_rows_that_are_not_there_lead_to_the_overview(administrator: User) -> None:
    url = "/admin/grants/grant/00000000-0000-0000-0000-000000000000/revoke/"
    for answer in (browser(administrator).get(url), browser(administrator).post(url, {"step": "confirm"})):
        assert answer.status_code == 302
        assert answer["Location"] == "/admin/"


def test_buttons_are_those_that_fit(rows: AccessPages, curator: User, administrator: User) -> None:
    def titles(user: User, row: Any) -> list[str]:
        page = browser(user).get(f"/admin/grants/{row._meta.model_name}/{row.pk}/change/")
        return [button["action"].name for button in page.context["object_actions"]]

    assert titles(curator, rows.grant) == ["extend", "revoke"]
    assert titles(administrator, rows.grant) == ["extend", "revoke", "cut"]
    assert titles(curator, rows.adopted) == ["revoke", "review", "replace"]
    assert "revoke" not in titles(administrator, rows.foreign)
    assert titles(curator, rows.request) == ["approve", "reject"]
    assert titles(curator, rows.operation) == ["retry", "give-up"]
    assert "remove" in titles(curator, rows.location)
    assert {"new-key", "rotate-key", "link", "remove"} <= set(titles(curator, rows.principal))


def test_whoever_asks_cannot_approve(rows: AccessPages, curator: User) -> None:
    rows.request.requester = curator
    rows.request.save()
    client, page = browser(curator), f"/admin/grants/accessrequest/{rows.request.pk}/"
    buttons = client.get(f"{page}change/").context["object_actions"]
    assert [button["action"].name for button in buttons] == ["cancel"]
    form = {
        "principal": rows.principal.arn,
        "permission": "READ",
        "sub_prefix": rows.request.sub_prefix,
        "expires_at": f"{rows.request.wanted_until:%Y-%m-%dT%H:%M}",
        "reason": "I would like to",
    }
    shown = client.post(f"{page}approve/", {**form, "step": "preview"})
    answer = client.post(f"{page}approve/", {**form, "step": "confirm", "seen": shown.context["seen"]})
    assert answer.status_code == 200
    assert b"Nobody decides their own request" in answer.content
    rows.request.refresh_from_db()
    assert rows.request.state == "pending"
    assert AuditEvent.objects.filter(outcome="refused", action="access_request.approved").count() == 1


def states() -> tuple[object, ...]:
    grants = tuple(Grant.objects.order_by("pk").values_list("pk", "state", "version"))
    return grants, Operation.objects.count(), AuditEvent.objects.exclude(action__startswith="user.").count()
