"""API tokens."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, NotFoundError
from cellenium_admin.core.models import ApiToken, AuditEvent, User
from cellenium_admin.core.services import api_tokens
from tests.builders.people import person

pytestmark = pytest.mark.django_db(transaction=True)

ACTOR = Actor.system("test")


@pytest.fixture
def user() -> User:
    return person("ada")


def create(user: User, **fields: Any) -> tuple[ApiToken, str]:
    given = {"name": "notebook", "scopes": ["read"], "days": 30, **fields}
    return api_tokens.create_token(user=user, actor=ACTOR, **given)


def test_new_token_works_and_ends_when_it_should(user: User) -> None:
    before = timezone.now()
    token, plain_text = create(user, scopes=["read", "compute", "read"])
    assert re.fullmatch(r"cea_[0-9a-f]{16}_[\w-]{43}", plain_text)
    found = api_tokens.find_usable(plain_text)
    assert found is not None
    assert (found.pk, found.user.pk, found.scopes) == (token.pk, user.pk, ["compute", "read"])
    assert timedelta(days=30) <= found.expires_at - before < timedelta(days=30, minutes=1)


def test_secrets_do_not_repeat(user: User) -> None:
    assert len({create(user)[1] for _ in range(20)}) == 20


def test_trail_tells_of_the_token_and_not_its_secret(user: User) -> None:
    token, plain_text = create(user)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == ("api_token.created", str(token.pk))
    assert event.after["key"] == token.key
    assert event.after["user"] == str(user.pk)
    assert plain_text.rpartition("_")[2] not in str(vars(event))


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "n" * 101}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "everything"]}, "/scopes"),
        ({"days": 0}, "/days"),
        ({"days": 366}, "/days"),
    ],
)
def test_unusable_input_names_the_field(user: User, fields: dict[str, Any], pointer: str, settings: Any) -> None:
    settings.TOKEN_MAX_DAYS = 365
    with pytest.raises(InvalidInputError) as caught:
        create(user, **fields)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert not ApiToken.objects.exists()


def test_closed_account_gets_no_token(user: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(ConflictError):
        create(user)


def test_revoked_token_is_useless_and_stays_in_the_list(user: User) -> None:
    token, plain_text = create(user)
    api_tokens.revoke_token(key=token.key, actor=ACTOR, reason="lost")
    assert api_tokens.find_usable(plain_text) is None
    event = AuditEvent.objects.get(action="api_token.revoked")
    assert (event.object_id, event.reason, event.before["key"]) == (str(token.pk), "lost", token.key)
    with pytest.raises(ConflictError):
        api_tokens.revoke_token(key=token.key, actor=ACTOR)


def test_unknown_key_cannot_be_revoked() -> None:
    with pytest.raises(NotFoundError):
        api_tokens.revoke_token(key="0" * 16, actor=ACTOR)


def test_token_of_a_closed_account_is_useless(user: User) -> None:
    _, plain_text = create(user)
    User.objects.update(is_active=False)
    assert api_tokens.find_usable(plain_text) is None
