"""Logins with a password, in the trail."""

import pytest
from django.contrib.auth import user_logged_out
from django.test import Client

from cellenium_admin.core.models import AuditEvent, User
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"


@pytest.fixture
def curator() -> User:
    user = person("curator", "curator")
    user.set_password(PASSWORD)
    user.save()
    return user


def log_in(client: Client, username: str, password: str) -> int:
    return client.post("/login/", {"username": username, "password": password}).status_code


def test_login_and_logout(client: Client, curator: User) -> None:
    assert log_in(client, curator.username, PASSWORD) == 302
    client.post("/logout/")
    login, logout = AuditEvent.objects.order_by("seq")
    assert (login.action, logout.action) == ("user.logged_in", "user.logged_out")
    for event in (login, logout):
        assert (event.actor_id, event.object_id, event.outcome) == (str(curator.pk), str(curator.pk), "ok")
        assert event.address == "127.0.0.1"
        assert len(event.request_id) == 36


def test_wrong_password_names_the_account_and_not_the_password(client: Client, curator: User) -> None:
    assert log_in(client, curator.username, "a wrong password") == 200
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor_type) == ("user.login_failed", "refused", "anonymous")
    assert (event.object_id, event.object_label) == (str(curator.pk), curator.label)
    assert event.details == {"method": "password", "code": "wrong_password"}
    assert "wrong password" not in str(vars(event))


@pytest.mark.parametrize("username", ["my-secret-password", "n" * 200])
def test_unknown_name_is_not_kept(client: Client, username: str, db: None) -> None:
    assert log_in(client, username, PASSWORD) == 200
    event = AuditEvent.objects.get()
    assert (event.object_id, event.object_label) == ("", "unknown account")
    assert event.details == {"method": "password", "code": "unknown_account"}
    assert username not in str(vars(event))


def test_end_of_a_session_without_user_is_no_event() -> None:
    user_logged_out.send(sender=None, request=None, user=None)
    assert not AuditEvent.objects.exists()
