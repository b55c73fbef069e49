"""Keys and addresses of the provider are kept, follow its rotations, and outlive its short absences."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from cellenium_admin.core.oidc import provider as providers
from cellenium_admin.core.oidc.errors import ProviderUnavailableError
from cellenium_admin.core.oidc.provider import Kept
from tests.support.forged_jws import rsa_key
from tests.support.forging_provider import Answer, ForgingProvider
from tests.support.visitors import bearer

pytestmark = pytest.mark.django_db(transaction=True)
DISCOVERY = "/.well-known/openid-configuration"
AWAY = Answer.of({}, 503)


def status(token: str) -> int:
    return int(bearer(token).status_code)


def test_rotation_is_followed_at_once(provider: ForgingProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key is asked for when it is first met; the old one is good for as long as it is published."""
    monkeypatch.setattr(providers, "EARLY_SECONDS", 0.0)
    assert status(provider.token()) == 200
    old, new = provider.key, rsa_key("next")
    provider.keys = [old.jwk, new.jwk]
    assert status(provider.token(key=new)) == 200
    assert status(provider.token(provider.claims(jti="2"), key=old)) == 200
    assert provider.asked("/jwks") == 2


def test_key_that_was_taken_back_is_good_for_as_long_as_keys_are_kept(provider: ForgingProvider, settings: Any) -> None:
    token = provider.token()
    assert status(token) == 200
    provider.keys = [rsa_key("next").jwk]
    assert status(token) == 200
    settings.OIDC_KEYS_SECONDS = 0
    assert status(token) == 401


def test_early_look_is_taken_at_most_so_often(provider: ForgingProvider) -> None:
    assert status(provider.token()) == 200
    new = rsa_key("next")
    provider.keys = [new.jwk]
    assert status(provider.token(key=new)) == 401
    assert provider.asked("/jwks") == 1


def test_keys_outlive_a_short_absence_and_no_long_one(provider: ForgingProvider, settings: Any) -> None:
    token = provider.token()
    assert status(token) == 200
    provider.answers["/jwks"] = AWAY
    kept = providers.configured()._keys
    kept._at -= 1.5 * settings.OIDC_KEYS_SECONDS
    assert status(token) == 200
    assert provider.asked("/jwks") == 2
    assert status(token) == 200
    assert provider.asked("/jwks") == 2, "it was asked again although it was away a moment ago"
    kept._at -= settings.OIDC_KEYS_SECONDS
    assert status(token) == 503


def test_addresses_that_are_known_are_told_without_asking(provider: ForgingProvider) -> None:
    configured = providers.configured()
    assert configured.known is None
    assert provider.asked(DISCOVERY) == 0
    assert status(provider.token()) == 200
    assert configured.known is not None
    assert configured.known.end_session_endpoint == f"{provider.issuer}/logout"
    assert provider.asked(DISCOVERY) == 1


def together(work: Callable[[], Any], times: int) -> list[Any]:
    def closing(_: int) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(closing, range(times)))


class Queue:
    """A lock that tells how many have come to it."""

    def __init__(self) -> None:
        self.arrived, self.lock = threading.Semaphore(0), threading.Lock()

    def __enter__(self) -> None:
        self.arrived.release()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_those_who_wait_for_one_that_does_not_answer_wait_once() -> None:
    """Each in turn would wait as long again: the last of many, for minutes."""
    queue, asked, waiting = Queue(), [], 4

    def fetch() -> str:
        asked.append(1)
        assert len(asked) > 1 or all(queue.arrived.acquire(timeout=20) for _ in range(waiting))
        raise ProviderUnavailableError("away")

    kept: Any = Kept(fetch)
    kept._lock = queue

    def get() -> str:
        try:
            return str(kept.get())
        except ProviderUnavailableError as error:
            return error.code

    assert together(get, waiting) == ["provider_unavailable"] * waiting
    assert len(asked) == 1
