"""Principals and their keys against the local AWS: made, rotated, deleted; and where secrets go."""

import json
import logging
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from cellenium_admin.core.context import Actor
from grants.aws.gateway import Aws
from grants.models import AccessKey, Location, Principal
from grants.services import grants, keys, principals
from tests.builders.people import person
from tests.grants.services.conftest import Stack
from tests.support.pages import browser, carried_out, confirm, told

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")


def test_a_secret_is_in_one_response_and_nowhere_else(
    client: Client,
    principal: Principal,
    caplog: pytest.LogCaptureFixture,
    superuser_connection: psycopg.Connection,
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"/admin/grants/principal/{principal.pk}/new-key/"
    values = {"reason": "first key", "step": "confirm", "seen": client.get(url).context["seen"]}
    answer = client.post(url, values)
    key = AccessKey.objects.get()
    secret = answer.content.decode().split('id="key-secret">')[1].split("<")[0]
    assert len(secret) == 40
    assert "no-store" in answer["Cache-Control"].split(", ")
    assert key.access_key_id in answer.content.decode()
    again = client.post(url, values)
    assert AccessKey.objects.count() == 1
    assert "has changed since the page was opened" in again.content.decode()
    later = client.get(f"/admin/grants/principal/{principal.pk}/change/")
    for page in (again, later):
        assert secret not in page.content.decode()
    assert secret not in caplog.text
    assert secret not in json.dumps(dict(client.session.items()), default=str)
    assert secret not in str(client.cookies)
    assert tables_with(superuser_connection, secret) == []
    assert tables_with(superuser_connection, key.access_key_id) != []


def tables_with(superuser: psycopg.Connection, text: str) -> list[str]:
    """Name the tables in which some row holds this text."""
    query = 'SELECT count(*) FROM "{}" AS one WHERE position(%s in one::text) > 0'
    tables = connection.introspection.table_names()
    return [table for table in tables if one_of(superuser.execute(query.format(table), [text])) > 0]


def one_of(cursor: psycopg.Cursor[Any]) -> int:
    return int(cursor.fetchall()[0][0])


def test_a_user_is_made_with_a_key(client: Client, stack: Stack, gateway: Aws) -> None:
    name = stack.aws.name("uploader")
    url = "/admin/grants/principal/new/"
    shown = client.post(url, {"name": name, "with_key": "on", "reason": "new here", "step": "preview"})
    assert len(shown.context["preview"].calls) == 3
    values = {"name": name, "with_key": "on", "reason": "new here", "step": "confirm", "seen": shown.context["seen"]}
    answer = client.post(url, values)
    assert "This is the only time the secret is shown." in answer.content.decode()
    assert [key.id for key in gateway.iam.keys(name)] == [AccessKey.objects.get().access_key_id]


def test_a_user_is_made_without_a_key_and_one_is_rotated_later(client: Client, stack: Stack, gateway: Aws) -> None:
    name = stack.aws.name("uploader")
    answer = confirm(client, "/admin/grants/principal/new/", {"name": name, "reason": "new here"})
    assert "done in AWS" in told(answer)
    principal = Principal.objects.get()
    old, _ = keys.create(principal=principal, actor=SYSTEM, aws=gateway)
    url = f"/admin/grants/principal/{principal.pk}/rotate-key/"
    page = client.post(url, {"reason": "90 days", "step": "confirm", "seen": client.get(url).context["seen"]})
    assert "done in AWS" in page.content.decode()
    old.refresh_from_db()
    assert not old.is_enabled
    assert {key.id: key.status for key in gateway.iam.keys(name)}[old.access_key_id] == "Inactive"
    url = f"/admin/grants/principal/{principal.pk}/key-delete/"
    assert "done in AWS" in told(confirm(client, url, {"reason": "not used", "key": old.access_key_id}))
    assert old.access_key_id not in {key.id for key in gateway.iam.keys(name)}


def test_a_principal_is_deleted_in_the_order_that_was_shown(
    client: Client, location: Location, principal: Principal, gateway: Aws
) -> None:
    given, operation = grants.create(
        location=location, principal=principal, sub_prefix="data/*", permission="READ", actor=SYSTEM
    )
    carried_out(given, operation, gateway)
    key, _ = keys.create(principal=principal, actor=SYSTEM, aws=gateway)
    url = f"/admin/grants/principal/{principal.pk}/remove/"
    calls = [call.split()[1] for call in client.get(url).context["preview"].calls]
    assert calls[0] == "DeleteAccessGrant"
    assert calls[1:] == ["UpdateAccessKey", "DeleteAccessKey", "RemoveUserFromGroup", "DeleteUser"]
    assert "done in AWS" in told(confirm(client, url, {"reason": "left"}))
    assert gateway.iam.user(principal.name) is None
    assert gateway.access_grants.grant(given.aws_id) is None
    principal.refresh_from_db()
    key.refresh_from_db()
    assert (principal.state, key.state) == ("deleted", "deleted")


def test_what_changed_in_aws_meanwhile_is_shown_before_it_is_deleted(
    client: Client, principal: Principal, gateway: Aws
) -> None:
    url = f"/admin/grants/principal/{principal.pk}/remove/"
    seen = client.get(url).context["seen"]
    keys.create(principal=principal, actor=SYSTEM, aws=gateway)
    answer = client.post(url, {"reason": "left", "step": "confirm", "seen": seen})
    assert "has changed since the page was opened" in answer.content.decode()
    assert gateway.iam.user(principal.name) is not None


def test_the_trail_of_an_object_is_on_its_page(client: Client, principal: Principal, gateway: Aws) -> None:
    key, _ = keys.create(principal=principal, actor=SYSTEM, aws=gateway)
    page = client.get(f"/admin/grants/principal/{principal.pk}/change/")
    actions = [event.action for event in page.context["events"]]
    assert {"principal.created", "access_key.created"} <= set(actions)
    assert str(key.pk) in {event.object_id for event in page.context["events"]}
    trail = client.get(page.context["all_events_url"])
    assert {event.object_id for event in trail.context["cl"].result_list} == {str(principal.pk)}


def test_only_administrators_delete_what_was_adopted(client: Client, gateway: Aws, stack: Stack) -> None:
    arn = stack.aws.make_user()["Arn"]
    principal = principals.register(arn=arn, actor=SYSTEM, aws=gateway)
    url = f"/admin/grants/principal/{principal.pk}/remove/"
    shown = client.get(url)
    assert "delete_adopted" not in shown.context["form"].fields
    values = {"reason": "left", "delete_adopted": "on", "step": "confirm", "seen": shown.context["seen"]}
    client.post(url, values)
    principal.refresh_from_db()
    assert principal.state == "deleted"
    assert gateway.iam.user(principal.name) is not None
    again = principals.register(arn=arn, actor=SYSTEM, aws=gateway)
    administrator = browser(person("administrator", "administrator"))
    url = f"/admin/grants/principal/{again.pk}/remove/"
    answer = confirm(administrator, url, {"reason": "left", "delete_adopted": "on"})
    assert "done in AWS" in told(answer)
    assert gateway.iam.user(principal.name) is None
