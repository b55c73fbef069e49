"""GET /audit-events."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from cellenium_admin.core.context import Actor, request_context
from cellenium_admin.core.models import Action, AuditEvent, Outcome, User
from cellenium_admin.core.services import audit
from tests.builders.people import caller

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/audit-events"


def record(action: Action, actor: Actor, obj: Any = None, request_id: str = "", **fields: Any) -> None:
    with request_context(request_id=request_id), transaction.atomic():
        audit.record(action=action, actor=actor, obj=obj, **fields)


@pytest.fixture
def trail(member: User, curator: User) -> list[AuditEvent]:
    record(Action.USER_CREATED, Actor.system("command"), member, after={"system_roles": []})
    record(Action.USER_ROLES_CHANGED, Actor.of(curator), member, request_id="r-1", reason="asked")
    record(Action.USER_LOGIN_FAILED, Actor.anonymous(), curator, outcome=Outcome.REFUSED)
    return list(AuditEvent.objects.order_by("-seq"))


@pytest.fixture
def reader(curator: User) -> APIClient:
    return caller(curator)


def seqs(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [event["seq"] for event in response.json()["results"]]


def test_event_is_shown_whole(reader: APIClient, trail: list[AuditEvent], curator: User, member: User) -> None:
    event = reader.get(URL).json()["results"][1]
    row = trail[1]
    assert event == {
        "seq": 2,
        "at": row.at.isoformat().replace("+00:00", "Z"),
        "action": "user.roles_changed",
        "outcome": "ok",
        "actor_type": "user",
        "actor_id": str(curator.pk),
        "actor_label": "curator@example.org",
        "on_behalf_of": "",
        "request_id": "r-1",
        "address": "",
        "object_type": "user",
        "object_id": str(member.pk),
        "object_label": "member@example.org",
        "before": {},
        "after": {},
        "details": {},
        "reason": "asked",
        "version": 1,
        "prev_hash": bytes(trail[2].hash).hex(),
        "hash": bytes(row.hash).hex(),
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [3, 2, 1]),
        ({"action": "user.created"}, [1]),
        ({"action": ["user.created", "user.login_failed"]}, [3, 1]),
        ({"outcome": "refused"}, [3]),
        ({"actor": "curator@example.org"}, [2]),
        ({"actor": "command"}, [1]),
        ({"actor": "CURATOR@example.org"}, []),
        ({"object_type": "user"}, [3, 2, 1]),
        ({"object_type": "study"}, []),
        ({"request_id": "r-1"}, [2]),
        ({"action": "user.created", "outcome": "refused"}, []),
    ],
)
def test_filters(reader: APIClient, trail: list[AuditEvent], query: dict[str, Any], expected: list[int]) -> None:
    assert seqs(reader.get(URL, query)) == expected


def test_filters_by_id_and_time(reader: APIClient, trail: list[AuditEvent], curator: User, member: User) -> None:
    assert seqs(reader.get(URL, {"actor": str(curator.pk)})) == [2]
    assert seqs(reader.get(URL, {"object_type": "user", "object_id": str(member.pk)})) == [2, 1]
    middle = trail[1].at.isoformat()
    assert seqs(reader.get(URL, {"at__gte": middle})) == [3, 2]
    assert seqs(reader.get(URL, {"at__lt": middle})) == [1]
    after = (trail[0].at + timedelta(seconds=1)).isoformat()
    assert seqs(reader.get(URL, {"at__gte": middle, "at__lt": after})) == [3, 2]


@pytest.mark.parametrize(
    "query",
    [
        {"action": "study.exploded"},
        {"outcome": "maybe"},
        {"at__gte": "yesterday"},
        {"at": "2026-01-01"},
        {"actor": "\x00"},
        {"order": "seq"},
    ],
)
def test_unusable_filter(reader: APIClient, query: dict[str, str]) -> None:
    response = reader.get(URL, query)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_query")


def test_pages(reader: APIClient, trail: list[AuditEvent]) -> None:
    first = reader.get(URL, {"limit": 2})
    assert seqs(first) == [3, 2]
    assert seqs(reader.get(first.json()["next"])) == [1]


def test_cost_does_not_grow(reader: APIClient, trail: list[AuditEvent], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        reader.get(URL)


def test_administrators_read_too(administrator: User, trail: list[AuditEvent]) -> None:
    assert caller(administrator).get(URL).status_code == 200


def test_member_is_refused_and_the_attempt_recorded(api: APIClient, member: User) -> None:
    response = api.get(URL)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor_id) == ("trail.read", "refused", str(member.pk))
    assert event.request_id == response["X-Request-ID"]


def test_nobody_writes_here(reader: APIClient, administrator: User) -> None:
    for client in (reader, caller(administrator)):
        for method in (client.post, client.put, client.patch, client.delete):
            assert method(URL).status_code == 405
