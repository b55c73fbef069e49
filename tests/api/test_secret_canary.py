"""A token's secret is told once and is nowhere afterwards."""

import io
import logging

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql
from rest_framework.test import APIClient

from cellenium_admin.core.models import ApiToken
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def places_with(connection: psycopg.Connection, text: str) -> list[str]:
    """Name the tables in which any column of any row holds the text, written out or as bytes."""
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    found = []
    for (table,) in tables:
        query = sql.SQL("SELECT count(*) FROM {} row WHERE row::text LIKE %s OR row::text LIKE %s")
        needles = [f"%{needle}%" for needle in (text, text.encode().hex())]
        if connection.execute(query.format(sql.Identifier(table)), needles).fetchone()[0]:
            found.append(table)
    return sorted(found)


def test_secret_is_in_no_row_log_or_response(
    superuser_connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person("ada")
    out, err = io.StringIO(), io.StringIO()
    create = ("tokens", "create", "ada@example.org", "--name", "canary", "--scope", "read")
    call_command(*create, stdout=out, stderr=err)
    plain_text = out.getvalue().strip()
    key, secret = plain_text.split("_", 2)[1:]
    seen = [err.getvalue()]
    client = APIClient(raise_request_exception=False)
    for header in (f"Bearer {plain_text}", f"Bearer {plain_text}x", f"Bearer x{plain_text}", f"Basic {plain_text}"):
        for path in ("me", "jobs", "audit-events", "nowhere", "jobs?token=1", f"jobs/{ApiToken.objects.get().pk}"):
            response = client.get(f"/api/v1/{path}", headers={"Authorization": header})
            seen.append(response.content.decode() + str(dict(response.items())))
    call_command("tokens", "list", "--json", stdout=out)
    call_command("tokens", "revoke", key, stdout=out, stderr=err)
    seen += [out.getvalue().replace(plain_text, "", 1), err.getvalue(), caplog.text]
    assert caplog.records
    assert not [text for text in seen if secret in text]
    assert places_with(superuser_connection, secret) == []
    assert places_with(superuser_connection, key) == ["core_apitoken", "core_auditevent"]


def test_the_search_finds_what_is_there(superuser_connection: psycopg.Connection) -> None:
    person("needle-in-a-haystack")
    ApiToken.objects.create(
        user=person("ada"),
        name="x",
        key="k",
        secret_sha256=b"needle-in-a-hay!" * 2,
        scopes=[],
        expires_at="2100-01-01T00:00:00Z",
    )
    assert places_with(superuser_connection, "needle-in-a-hay!") == ["core_apitoken"]
    assert places_with(superuser_connection, "needle-in-a-haystack") == ["core_user"]
