"""Who gets in with which token, and what a token may not do."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.models import ApiToken, User
from cellenium_admin.core.services import api_tokens
from tests.builders.people import caller, token_of

ME = "/api/v1/me"


def status_with(client: APIClient, header: str) -> int:
    return client.get(ME, headers={"Authorization": header}).status_code


@pytest.fixture
def token(member: User) -> str:
    return token_of(member)


def test_token_opens_the_door(anonymous: APIClient, token: str) -> None:
    assert status_with(anonymous, f"Bearer {token}") == 200
    assert status_with(anonymous, f"bearer  {token}") == 200


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token + "A",
        lambda token: token.replace("cea_", "ceb_"),
        lambda token: token.rpartition("_")[0] + "_",
        lambda token: "cea_" + "0" * 16 + "_" + token.split("_", 2)[2],
        lambda token: "cea",
        lambda token: "",
        lambda token: "cea_\x00_x",
        lambda token: "cea_ä_ö",
        lambda token: token + " " + token,
    ],
)
def test_any_other_token_does_not(anonymous: APIClient, token: str, forge: Any) -> None:
    response = anonymous.get(ME, headers={"Authorization": f"Bearer {forge(token)}"})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="cellenium-admin", error="invalid_token"'


def test_expired_and_revoked_tokens_are_refused_with_the_same_words(anonymous: APIClient, member: User) -> None:
    now = timezone.now()
    with time_machine.travel(now - timedelta(days=2)):
        expired = token_of(member, expires_at=now - timedelta(seconds=1))
    revoked = token_of(member, revoked_at=now)
    answers = [
        anonymous.get(ME, headers={"Authorization": f"Bearer {token}"}) for token in (expired, revoked, "cea_a_b")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_stored_hash_is_not_a_token(anonymous: APIClient, token: str) -> None:
    row = ApiToken.objects.get()
    assert bytes(row.secret_sha256) == hashlib.sha256(token.split("_", 2)[2].encode()).digest()
    assert status_with(anonymous, f"Bearer cea_{row.key}_{bytes(row.secret_sha256).hex()}") == 401


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    compared = []
    monkeypatch.setattr(api_tokens.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    assert api_tokens.find_usable(token) is not None
    assert api_tokens.find_usable("cea_unknown_secret") is None
    assert [len(a) == len(b) == 32 for a, b in compared] == [True, True]


def test_use_is_noted_at_most_once_a_minute(anonymous: APIClient, token: str, django_assert_num_queries: Any) -> None:
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        with django_assert_num_queries(2):
            assert api_tokens.find_usable(token)
        assert ApiToken.objects.get().last_used_at == start
        clock.shift(30)
        with django_assert_num_queries(1):
            assert api_tokens.find_usable(token)
        assert ApiToken.objects.get().last_used_at == start
        clock.shift(31)
        assert api_tokens.find_usable(token)
        assert ApiToken.objects.get().last_used_at == start + timedelta(seconds=61)


def test_a_slower_request_does_not_take_the_time_of_use_back(token: str) -> None:
    stale = ApiToken.objects.select_related("user").get()
    later = timezone.now() + timedelta(seconds=30)
    ApiToken.objects.update(last_used_at=later)
    api_tokens._note_use(stale)
    assert ApiToken.objects.get().last_used_at == later


def test_missing_scope_is_named(member: User) -> None:
    response = caller(member, ["compute"]).get(ME)
    assert response.status_code == 403
    assert response.json()["code"] == "insufficient_scope"
    assert response["WWW-Authenticate"].endswith('error="insufficient_scope", scope="read"')


def test_token_without_scopes_does_nothing(member: User) -> None:
    assert caller(member, []).get(ME).status_code == 403


def test_other_schemes_are_left_to_the_session(anonymous: APIClient, member: User) -> None:
    assert status_with(anonymous, "Basic YTpi") == 401
    anonymous.force_login(member)
    assert status_with(anonymous, "Basic YTpi") == 200


def test_bad_token_is_not_helped_by_a_session(anonymous: APIClient, member: User) -> None:
    anonymous.force_login(member)
    assert status_with(anonymous, "Bearer cea_a_b") == 401
