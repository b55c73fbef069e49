"""Accounts."""

import threading
from typing import Any

import pytest
from django.db import connection

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError
from cellenium_admin.core.models import AuditEvent, User
from cellenium_admin.core.services import users

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")
PASSWORD = "correct horse battery"


def create(username: str = "ada@example.org", **fields: Any) -> User:
    return users.create_user(username=username, actor=ACTOR, **{"email": username, **fields})


def test_new_account_is_a_member_with_a_prefix_and_no_password() -> None:
    user = User.objects.get(pk=create().pk)
    assert (user.system_roles, user.is_active, user.kind) == ([], True, "user")
    assert user.upload_prefix == "input/ada@example.org/"
    assert not user.has_usable_password()


def test_creation_is_in_the_trail_without_the_password() -> None:
    user = create(roles=["curator"], password=PASSWORD)
    assert user.check_password(PASSWORD)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.actor_id) == ("user.created", str(user.pk), "test")
    assert event.after == {
        "username": "ada@example.org",
        "email": "ada@example.org",
        "kind": "user",
        "system_roles": ["curator"],
        "study_groups": [],
        "oidc_issuer": "",
        "oidc_subject": "",
        "upload_prefix": "input/ada@example.org/",
    }


def test_service_account_without_address_has_no_prefix() -> None:
    assert create("importer", email="", kind=User.Kind.SERVICE).upload_prefix is None
    assert create("exporter", email="", kind=User.Kind.SERVICE).upload_prefix is None


def test_name_is_taken_once() -> None:
    create()
    with pytest.raises(ConflictError, match="already") as caught:
        create(email="other@example.org")
    assert caught.value.code == "username_taken"


def test_address_in_other_letters_would_share_a_prefix() -> None:
    create()
    with pytest.raises(ConflictError, match="belongs to ada") as caught:
        create("ADA@example.org")
    assert caught.value.code == "prefix_taken"
    assert AuditEvent.objects.count() == 1


def test_two_at_once_make_one_account() -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def attempt() -> None:
        barrier.wait()
        try:
            create()
            outcomes.append("made")
        except ConflictError:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 3 + ["made"]
    assert (User.objects.count(), AuditEvent.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"username": ""}, "/username"),
        ({"username": "a b"}, "/username"),
        ({"username": "a\x00b"}, "/username"),
        ({"username": "a" * 151}, "/username"),
        ({"email": "not-an-address"}, "/email"),
        ({"roles": ["emperor"]}, "/roles"),
        ({"password": "short"}, "/password"),
        ({"password": "ada@example.org"[:5]}, "/password"),
    ],
)
def test_unusable_input_names_the_field(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        create(**{"username": "ada@example.org", "email": "ada@example.org", **fields})
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert not User.objects.exists()


def test_roles_are_replaced_and_recorded() -> None:
    user = create(roles=["curator"])
    users.set_roles(user=user, roles=["administrator"], actor=ACTOR, reason="new job")
    assert User.objects.get().system_roles == ["administrator"]
    event = AuditEvent.objects.get(action="user.roles_changed")
    assert (event.before, event.after) == ({"system_roles": ["curator"]}, {"system_roles": ["administrator"]})
    assert event.reason == "new job"


def test_same_roles_are_no_change() -> None:
    user = create(roles=["curator", "administrator"])
    users.set_roles(user=user, roles=["administrator", "curator"], actor=ACTOR)
    assert not AuditEvent.objects.filter(action="user.roles_changed").exists()


def test_closed_account_keeps_its_rows() -> None:
    user = create()
    users.deactivate(user=user, actor=ACTOR, reason="left")
    assert not User.objects.get().is_active
    event = AuditEvent.objects.get(action="user.deactivated")
    assert (event.before, event.after, event.reason) == ({"is_active": True}, {"is_active": False}, "left")
    with pytest.raises(ConflictError):
        users.deactivate(user=user, actor=ACTOR)


def test_state_and_event_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(users.audit, "record", fail)
    with pytest.raises(RuntimeError):
        create()
    assert not User.objects.exists()
