"""Pages."""

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from cellenium_admin.core.api.pagination import Cursor
from cellenium_admin.core.api.problems import InvalidQueryError
from cellenium_admin.core.models import Job, User

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def jobs(member: User) -> list[str]:
    """Nine jobs, three at each of three moments: ties must not be lost or shown twice."""
    made = Job.objects.bulk_create(Job(name=f"job-{number}", owner=member) for number in range(9))
    for number, job in enumerate(made):
        Job.objects.filter(pk=job.pk).update(created_at=START + timedelta(seconds=number // 3))
    return [str(pk) for pk in Job.objects.order_by("-created_at", "-id").values_list("id", flat=True)]


def walk(api: APIClient, url: str | None, link: str) -> list[list[str]]:
    pages = []
    while url:
        body = api.get(url).json()
        pages.append([job["id"] for job in body["results"]])
        url = body[link]
    return pages


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 10])
def test_walk_forth_and_back(api: APIClient, jobs: list[str], limit: int) -> None:
    forth = walk(api, f"/api/v1/jobs?limit={limit}", "next")
    assert [job for page in forth for job in page] == jobs
    assert all(len(page) == limit for page in forth[:-1])
    body = api.get(f"/api/v1/jobs?limit={limit}").json()
    while body["next"]:
        body = api.get(body["next"]).json()
    back = [[job["id"] for job in body["results"]], *walk(api, body["previous"], "previous")]
    assert [job for page in reversed(back) for job in page] == jobs


def test_first_page_has_no_previous_and_last_no_next(api: APIClient, jobs: list[str]) -> None:
    first = api.get("/api/v1/jobs?limit=5").json()
    last = api.get(first["next"]).json()
    assert (first["previous"], last["next"]) == (None, None)
    again = api.get(last["previous"]).json()
    assert (again["results"], again["previous"]) == (first["results"], None)
    assert again["next"]


def test_rows_added_meanwhile_do_not_shift_pages(api: APIClient, jobs: list[str], member: User) -> None:
    first = api.get("/api/v1/jobs?limit=3").json()
    Job.objects.create(name="new", owner=member)
    assert [job["id"] for job in api.get(first["next"]).json()["results"]] == jobs[3:6]


def test_page_beyond_the_end_leads_back(api: APIClient, jobs: list[str]) -> None:
    first = api.get("/api/v1/jobs?limit=3").json()
    Job.objects.exclude(pk__in=jobs[:3]).delete()
    empty = api.get(first["next"]).json()
    assert (empty["results"], empty["next"]) == ([], None)
    assert empty["previous"]
    assert api.get(empty["previous"]).status_code == 200


def test_links_keep_the_filter(api: APIClient, jobs: list[str]) -> None:
    first = api.get("/api/v1/jobs?state=queued&limit=2").json()
    assert "state=queued" in first["next"]
    assert "limit=2" in first["next"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "ten", "", "9" * 5000, "²"])
def test_unusable_limit(api: APIClient, limit: str) -> None:
    response = api.get("/api/v1/jobs", {"limit": limit})
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "?limit"


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


UUID = "1b671a64-40d5-491e-99b0-da01ff1f3341"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!",
        "ä",
        "\x00",
        "=" * 9,
        "9" * 5000,
        encoded([]),
        encoded({}),
        encoded(1),
        encoded([False]),
        encoded([False, "2026-01-01T00:00:00Z"]),
        encoded([False, "2026-01-01T00:00:00Z", "no-uuid"]),
        encoded([False, "2026-01-01T00:00:00", UUID]),
        encoded([False, "2026-01-01", UUID]),
        encoded([False, "2026-99-99T00:00:00Z", UUID]),
        encoded([False, None, UUID]),
        encoded([False, 5, UUID]),
        encoded([False, ["2026-01-01T00:00:00Z"], UUID]),
        encoded([False, "2026-01-01T00:00:00Z", UUID, 1]),
    ],
)
def test_unusable_cursor(api: APIClient, cursor: str) -> None:
    response = api.get("/api/v1/jobs", {"cursor": cursor})
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["pointer"] == "?cursor"


@given(st.booleans(), st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_cursor_survives_the_way(backward: bool, at: datetime, key: Any) -> None:
    cursor = Cursor(backward=backward, place=(at, key))
    assert Cursor.decode(cursor.encode(), model=Job, names=["created_at", "id"]) == cursor


@given(st.text(max_size=200))
def test_any_text_is_a_cursor_or_an_error(text: str) -> None:
    with contextlib.suppress(InvalidQueryError):
        assert Cursor.decode(text, model=Job, names=["created_at", "id"]).place


def test_cost_does_not_grow_with_rows(api: APIClient, jobs: list[str], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        api.get("/api/v1/jobs?limit=2")
    with django_assert_num_queries(2):
        api.get("/api/v1/jobs?limit=9")
