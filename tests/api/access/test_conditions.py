"""`If-Match` on every change and `Idempotency-Key` on every creation of access, and what refusals leave behind."""

import json
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.api import etags
from cellenium_admin.core.models import AuditEvent, IdempotencyKey, User
from cellenium_admin.core.services import idempotency
from grants.api import outside
from grants.models import AccessRequest, Grant, Location, Operation, Principal
from tests.api.access.conftest import Client
from tests.builders.access import access_world, body_of
from tests.builders.people import caller, person

CHANGES = [
    "PATCH locations/{location_id}",
    "POST locations/{location_id}/remove",
    "PATCH principals/{principal_id}",
    "POST principals/{principal_id}/remove",
    "PATCH access-keys/{key_id}",
    "POST access-keys/{key_id}/remove",
    "POST grants/{grant_id}/extend",
    "POST grants/{grant_id}/adopt",
    "POST grants/{grant_id}/review",
    "POST grants/{grant_id}/replace",
    "POST grants/{grant_id}/revoke",
    "POST grants/{grant_id}/cut",
    "POST access-requests/{access_request_id}/approve",
    "POST access-requests/{access_request_id}/reject",
    "POST access-requests/{access_request_id}/cancel",
    "POST operations/{operation_id}/retry",
    "POST operations/{operation_id}/give-up",
]
CREATIONS = {"POST locations": Location, "POST principals": Principal, "POST grants": Grant}


def state_of(ids: dict[str, Any]) -> list[Any]:
    """Everything that a change could have changed."""
    models = (Location, Principal, Grant, AccessRequest, Operation)
    return [list(model.objects.order_by("pk").values()) for model in models]


def send(client: APIClient, operation: str, ids: dict[str, Any], **headers: str) -> Any:
    method, _, route = operation.partition(" ")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    address = f"/api/v1/{route.format(**ids)}"
    return getattr(client, method.lower())(address, body_of(operation, ids), headers=named)


@pytest.fixture
def owner(db: None) -> User:
    return person("uploader")


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [(None, 428, "precondition_required"), ("*", 428, "precondition_required"), ('"x-1"', 412, "stale_version")],
)
def test_nobody_changes_what_they_have_not_seen(
    administrator: User, owner: User, operation: str, tag: str | None, status: int, code: str
) -> None:
    ids = access_world(administrator if operation.endswith("cancel") else owner)
    before = state_of(ids)
    answer = send(caller(administrator), operation, ids, **({} if tag is None else {"If_Match": tag}))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert state_of(ids) == before


# A cut changes nothing of the grant, whose tag only says what the caller saw.
@pytest.mark.parametrize("operation", [one for one in CHANGES if not one.endswith("cut")])
def test_a_change_in_between_is_noticed_in_the_transaction(
    administrator: User, owner: User, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes the row after it was compared with the header, before the service locks it."""
    ids = access_world(administrator if operation.endswith("cancel") else owner)
    compare = etags.expected_version
    before: list[Any] = []

    def compare_and_be_late(request: Any, row: Any) -> Any:
        found = compare(request, row)
        for model in (Location, Principal, Grant, AccessRequest):
            model.objects.update(version=77)
        Principal.objects.get(pk=ids["principal_id"]).keys.update(version=77)
        Operation.objects.update(attempts=77)
        before.extend(state_of(ids))
        return found

    monkeypatch.setattr(etags, "expected_version", compare_and_be_late)
    name = operation.partition("{")[2].partition("}")[0]
    answer = send(caller(administrator), operation, ids, If_Match=ids["tags"][name])
    assert (answer.status_code, answer.json()["code"]) == (412, "stale_version"), answer.content
    if not operation.endswith("replace"):  # which compares in the transaction already, so both are undone
        assert state_of(ids) == before


@pytest.mark.parametrize("operation", CREATIONS)
def test_a_creation_is_carried_out_once(administrator: User, owner: User, operation: str) -> None:
    ids, client = access_world(owner), caller(administrator)
    count = CREATIONS[operation].objects.count()
    first = send(client, operation, ids, Idempotency_Key="k1")
    again = send(client, operation, ids, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert first.content == again.content
    assert (first["ETag"], first["Location"]) == (again["ETag"], again["Location"])
    assert client.get(first["Location"])["ETag"] == first["ETag"]
    assert CREATIONS[operation].objects.count() == count + 1
    without = send(client, operation, ids)
    assert (without.status_code, without.json()["detail"][:6]) == (409, "There ")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", CREATIONS)
def test_a_process_killed_after_the_commit_has_made_what_the_next_request_finds(
    administrator: User, owner: User, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, client, model = access_world(owner), caller(administrator), CREATIONS[operation]
    count = model.objects.count()
    with monkeypatch.context() as killed:
        killed.setattr(outside, "carry_out_about", _die)
        killed.setattr(idempotency, "release", lambda claim: None)  # nobody was left to do it
        assert send(client, operation, ids, Idempotency_Key="k1").status_code == 500
    waiting = send(client, operation, ids, Idempotency_Key="k1")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_key_in_use")
    IdempotencyKey.objects.update(lease_until=timezone.now())
    found = send(client, operation, ids, Idempotency_Key="k1")
    assert found.status_code == 201, found.content
    assert model.objects.count() == count + 1
    assert found.json()["id"] == str(model.objects.latest("created_at").pk)
    assert "Idempotent-Replayed" not in found
    assert send(client, operation, ids, Idempotency_Key="k1")["Idempotent-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_a_refused_creation_leaves_nothing(administrator: User, owner: User) -> None:
    ids, client = access_world(owner), caller(administrator)
    body = body_of("POST grants", ids) | {"sub_prefix": "data*"}
    count = Grant.objects.count()
    refused = client.post("/api/v1/grants", body, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/sub_prefix")
    assert not IdempotencyKey.objects.exists()
    assert Grant.objects.count() == count
    mended = client.post("/api/v1/grants", body | {"sub_prefix": "data/*"}, headers={"Idempotency-Key": "k"})
    assert mended.status_code == 201


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"location_id": 5}, "/location_id"),
        ({"location_id": "1b671a64-40d5-491e-99b0-da01ff1f3341"}, "/location_id"),
        ({"principal_id": None}, "/principal_id"),
        ({"permission": "read"}, "/permission"),
        ({"is_object": "yes"}, "/is_object"),
        ({"sub_prefix": " data/*"}, None),
        ({"sub_prefix": "a/../*"}, "/sub_prefix"),
        ({"sub_prefix": "a\x00/*"}, "/sub_prefix"),
        ({"sub_prefix": "\ud800/*"}, "/sub_prefix"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-12-31T00:00:00"}, "/expires_at"),
        ({"expires_at": "2026-12-31"}, "/expires_at"),
        ({"expires_at": 1798675200}, "/expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "/expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "/expires_at"),
        ({"reason": "x" * 1001}, "/reason"),
        ({"expire_at": "2026-12-31T00:00:00Z"}, "/expire_at"),
    ],
)
def test_mistakes_are_named(administrator: User, owner: User, change: dict[str, Any], pointer: str | None) -> None:
    ids, client = access_world(owner), caller(administrator)
    text = json.dumps(body_of("POST grants", ids) | change)
    answer = client.post("/api/v1/grants", text, content_type="application/json")
    if pointer is None:
        assert answer.json()["sub_prefix"] == change["sub_prefix"]
        return
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.django_db(transaction=True)
def test_who_tries_without_the_role_is_in_the_trail(membership: Client, owner: User) -> None:
    ids = access_world(owner)
    send(membership.http, "POST grants/{grant_id}/revoke", ids, If_Match=ids["tags"]["grant_id"])
    send(membership.http, "POST principals/{principal_id}/keys", ids)
    send(membership.http, "POST locations", ids)
    found = (
        AuditEvent.objects.filter(outcome="refused").order_by("seq").values_list("action", "object_id", "actor_label")
    )
    assert list(found) == [
        ("grant.revoked", str(ids["grant_id"]), "member@example.org"),
        ("access_key.created", str(ids["principal_id"]), "member@example.org"),
        ("location.registered", "", "member@example.org"),
    ]


@pytest.mark.django_db(transaction=True)
def test_aws_away_is_no_error_of_a_change_but_of_a_key(curation: Client, owner: User) -> None:
    ids = access_world(owner)
    made = send(curation.http, "POST grants", ids)
    assert (made.status_code, made.json()["state"]) == (201, "pending_create")
    assert Operation.objects.filter(subject_id=made.json()["id"], state="pending").count() == 1
    refused = send(curation.http, "POST principals/{principal_id}/keys", ids, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"]) == (503, "aws_unavailable")
    assert "Retry-After" in refused
    assert not IdempotencyKey.objects.exists()


def _die(row: Any) -> None:
    raise RuntimeError("killed")
