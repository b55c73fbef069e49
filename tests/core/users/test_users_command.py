"""`users` on the command line."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import AuditEvent, User

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("users", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_create_with_roles_and_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    printed = json.loads(run("create", "ada@example.org", "--role", "curator", "--password-stdin", "--json"))
    user = User.objects.get()
    assert user.check_password("correct horse battery")
    assert printed == {
        "id": str(user.pk),
        "username": "ada@example.org",
        "email": "ada@example.org",
        "kind": "user",
        "roles": ["curator"],
        "is_active": True,
        "upload_prefix": "input/ada@example.org/",
    }
    event = AuditEvent.objects.get()
    assert (event.actor_type, event.actor_id) == ("system", "command")
    assert len(event.request_id) == 36


def test_missing_password_makes_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(CommandError, match="no password"):
        run("create", "ada@example.org", "--password-stdin")
    assert not User.objects.exists()


def test_service_account_may_have_a_plain_name() -> None:
    run("create", "importer", "--service")
    user = User.objects.get()
    assert (user.kind, user.email, user.upload_prefix) == ("service", "", None)
    with pytest.raises(CommandError, match="--service"):
        run("create", "somebody")


def test_list_for_people_and_for_programs() -> None:
    assert json.loads(run("list", "--json")) == []
    run("create", "b@example.org")
    run("create", "a@example.org", "--role", "administrator")
    assert [user["username"] for user in json.loads(run("list", "--json"))] == ["a@example.org", "b@example.org"]
    first, second = run("list").splitlines()
    assert first.split() == ["a@example.org", "administrator", "user", "active", "input/a@example.org/"]
    assert second.split()[1] == "member"


def test_roles_and_deactivate() -> None:
    run("create", "a@example.org")
    run("roles", "a@example.org", "--role", "curator", "--reason", "asked by b")
    assert User.objects.get().system_roles == ["curator"]
    run("deactivate", "a@example.org", "--reason", "left")
    assert not User.objects.get().is_active
    assert AuditEvent.objects.get(action="user.deactivated").reason == "left"


@pytest.mark.parametrize("arguments", [["roles", "nobody"], ["deactivate", "nobody"]])
def test_unknown_account(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="no account 'nobody'"):
        run(*arguments)


def test_refusal_of_a_service_becomes_a_message(capsys: Any) -> None:
    run("create", "a@example.org")
    with pytest.raises(CommandError, match="already"):
        run("create", "a@example.org")
