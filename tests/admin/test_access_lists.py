"""The lists of grants: what they show, how they are searched and filtered, and that no list asks once for each row."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cellenium_admin.core.models import User
from grants.models import Grant
from tests.builders import grants
from tests.builders.access_pages import access_pages, issuance, operation
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ("accessrequest", "cut", "grant", "issuance", "location", "operation", "principal", "reconcilerun")


@pytest.fixture
def client() -> Client:
    browser = Client()
    browser.force_login(person("administrator", "administrator"))
    return browser


def listed(client: Client, model: str, **query: str) -> list[Any]:
    page = client.get(f"/admin/grants/{model}/", query)
    assert page.status_code == 200, (model, query, page.status_code)
    return list(page.context["cl"].result_list)


def many(count: int, user: User) -> None:
    for _ in range(count):
        given = grants.grant(principal=grants.principal(user=user))
        grants.access_request(requester=user, principal=given.principal)
        issuance(given, user)
        operation(given)


def test_the_number_of_queries_does_not_grow_with_the_rows(client: Client) -> None:
    user = person("uploader")
    access_pages(user)
    counts: list[dict[str, int]] = []
    for more in (4, 95):
        many(more, user)
        counts.append({model: queries(client, f"/admin/grants/{model}/") for model in LISTS})
        counts[-1]["overview"] = queries(client, "/admin/")
    assert counts[0] == counts[1]
    assert max(counts[1].values()) < 25


def queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_pages_of_a_row_do_not_ask_once_for_each_belonging(client: Client) -> None:
    user = person("uploader")
    rows = access_pages(user)
    page = f"/admin/grants/principal/{rows.principal.pk}/change/"
    few = queries(client, page)
    for _ in range(10):
        grants.grant(principal=rows.principal, location=rows.location)
        grants.access_key(principal=rows.principal)
    assert queries(client, page) == few


def test_search_by_arn_email_and_prefix(client: Client) -> None:
    rows = access_pages(person("uploader"))
    other = grants.grant()
    for term in (
        rows.principal.arn,
        "uploader@example.org",
        rows.grant.scope,
        rows.grant.scope[:-2],
        rows.grant.aws_id,
    ):
        found = listed(client, "grant", q=term)
        assert rows.grant in found, term
        assert other not in found, term
    assert listed(client, "location", q=rows.location.scope) == [rows.location]
    assert listed(client, "principal", q=rows.key.access_key_id) == [rows.principal]
    assert listed(client, "accessrequest", q="uploader@example.org") == [rows.request]
    assert listed(client, "grant", q="s3://nowhere/") == []


def test_a_search_takes_percent_and_underscore_as_they_are(client: Client) -> None:
    location = grants.location("s3://search-here/")
    found = grants.grant(location=location, sub_prefix="a_b%/*")
    grants.grant(location=location, sub_prefix="axbyz/*")
    assert listed(client, "grant", q="s3://search-here/a_b%") == [found]


def test_filters_find_what_needs_a_look(client: Client) -> None:
    now = timezone.now()
    soon = grants.grant(expires_at=now + timedelta(days=3))
    late = grants.grant(expires_at=now - timedelta(days=1))
    gone = grants.grant(expires_at=now - timedelta(days=1), state="deleted")
    review = grants.grant(origin="adopted", review_at=now - timedelta(days=1))
    failed = grants.grant(state="failed")
    drifted = grants.grant(drift="missing")
    foreign = grants.grant(origin="foreign")
    assert listed(client, "grant", due="week") == [soon]
    assert listed(client, "grant", due="late") == [late]
    assert listed(client, "grant", due="review") == [review]
    assert listed(client, "grant", state__exact="failed") == [failed]
    assert listed(client, "grant", state__exact="deleted") == [gone]
    assert listed(client, "grant", drift="any") == [drifted]
    assert listed(client, "grant", drift="missing") == [drifted]
    assert listed(client, "grant", drift="changed") == []
    assert listed(client, "grant", origin__exact="foreign") == [foreign]
    assert listed(client, "grant", permission__exact="WRITE") == []
    assert listed(client, "grant", location_scope=soon.location.scope[:-1], due="week") == [soon]


def test_principals_with_old_keys_are_found(client: Client, settings: Any) -> None:
    old = grants.access_key()
    grants.access_key()
    off = grants.access_key(is_enabled=False)
    long_ago = timezone.now() - timedelta(days=settings.KEY_MAX_AGE_DAYS + 1)
    type(old).objects.filter(pk__in=[old.pk, off.pk]).update(created_at=long_ago)
    assert listed(client, "principal", keys="old") == [old.principal]


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        (timedelta(days=3, hours=1), "in 3 days"),
        (timedelta(hours=5, minutes=1), "in 5 hours"),
        (timedelta(seconds=20), "in less than a minute"),
        (timedelta(hours=-2, minutes=-1), "over 2 hours ago"),
    ],
)
def test_expiry_is_told_in_words(client: Client, ends: timedelta, words: str) -> None:
    grants.grant(expires_at=timezone.now() + ends)
    assert words in client.get("/admin/grants/grant/").content.decode()


def test_quick_filters_lead_to_lists_that_work(client: Client) -> None:
    access_pages(person("uploader"))
    for model in LISTS:
        for chip in client.get(f"/admin/grants/{model}/").context["quick_filters"]:
            page = client.get(f"/admin/grants/{model}/{chip['url']}")
            assert page.status_code == 200, chip
            assert 'aria-current="true"' in page.content.decode(), chip


def test_links_between_pages_lead_to_lists_that_work(client: Client) -> None:
    rows = access_pages(person("uploader"))
    grants.grant()
    of_location = listed(client, "grant", location__id__exact=str(rows.location.pk))
    of_principal = listed(client, "grant", principal__id__exact=str(rows.principal.pk))
    assert set(of_location) == set(of_principal) == {rows.grant, rows.adopted, rows.foreign}
    page = client.get(f"/admin/grants/grant/{rows.grant.pk}/change/")
    trail = client.get(page.context["all_events_url"])
    assert trail.status_code == 200
    assert "object_id" in trail.request["QUERY_STRING"]


def test_what_people_wrote_is_shown_as_text(client: Client) -> None:
    script = "<script>alert(1)</script>"
    location = grants.location()
    given = grants.grant(location=location, sub_prefix=f"{script}/*", reason=script)
    asked = grants.access_request(requester=person("uploader"), location=location, justification=script)
    failed = operation(given, error_detail=script, subject_label=script, args={"a": script})
    pages = ["/admin/", *(f"/admin/grants/{model}/" for model in LISTS)]
    pages += [
        f"/admin/grants/{row._meta.model_name}/{row.pk}/change/"
        for row in (given, asked, failed, given.principal, location)
    ]
    pages += [f"/admin/grants/grant/{given.pk}/revoke/", f"/admin/grants/operation/{failed.pk}/retry/"]
    for url in pages:
        page = client.get(url)
        assert page.status_code == 200
        assert script not in page.content.decode(), url


def test_suggestions_leave_out_what_cannot_be_granted_on(client: Client) -> None:
    there = grants.location("s3://suggested/one/")
    grants.location("s3://suggested/two/", state="deleted")
    grants.location("s3://suggested/three/", origin="foreign")
    address = "/admin/autocomplete/?app_label=grants&model_name=grant&field_name=location&term=s3://suggested"
    assert [row["text"] for row in client.get(address).json()["results"]] == [there.scope]


def test_the_overview_counts_work(client: Client) -> None:
    user = person("uploader")
    rows = access_pages(user)
    Grant.objects.filter(pk=rows.grant.pk).update(expires_at=timezone.now() - timedelta(days=1))
    grants.grant(expires_at=timezone.now() + timedelta(days=2))
    page = client.get("/admin/")
    counted = {card["title"]: (card["number"], card["tone"]) for card in page.context["work"]}
    assert counted["Access requests"] == (1, "due")
    assert counted["Failed operations"] == (1, "urgent")
    assert counted["Late expiries"] == (1, "urgent")
    assert counted["Expiring grants"] == (1, "due")
    assert counted["Drift"] == (0, "clear")
    assert counted["Adopted grants"] == (1, "due")
    for card in page.context["work"]:
        assert client.get(card["url"]).status_code == 200, card
    assert rows.request in page.context["waiting_requests"]
