"""A provider that is slow, endless, elsewhere or confused costs little time, little memory, and says so clearly."""

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from cellenium_admin.core.models import User
from tests.support.forging_provider import Answer, ForgingProvider, dripping, endless, redirect
from tests.support.visitors import Visitor, bearer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
DISCOVERY = "/.well-known/openid-configuration"
ENDPOINTS = [DISCOVERY, "/jwks", "/token", "/userinfo"]
at_each_endpoint = pytest.mark.parametrize("path", ENDPOINTS)


@pytest.fixture
def short_patience(settings: Any) -> None:
    settings.OIDC_TIMEOUT_SECONDS = 1


def come(provider: ForgingProvider) -> tuple[Any, Visitor]:
    """Go as far as one gets; gives the last answer."""
    visitor = Visitor(provider)
    answer = visitor.client.get("/oidc/authenticate/")
    if answer.status_code == 302:
        answer = visitor.come_back(provider.approve(visitor.set_out()))
    if answer.status_code == 302:
        answer = visitor.client.get(answer["Location"])
    return answer, visitor


def assert_turned_away(provider: ForgingProvider) -> None:
    """The person reads why on a page of ours, the API's caller in the answer; nobody is logged in or made."""
    answer, visitor = come(provider)
    assert answer.status_code in {401, 403, 503}
    assert b"Traceback" not in answer.content
    assert b"login provider" in answer.content.lower()
    assert not visitor.is_in
    assert not User.objects.exists()


def assert_recovers(provider: ForgingProvider) -> None:
    provider.answers.clear()
    assert Visitor(provider).log_in().was_let_in()


@pytest.mark.usefixtures("short_patience")
@at_each_endpoint
def test_dripping_body(provider: ForgingProvider, path: str) -> None:
    """A byte now and then keeps every single read within its time."""
    provider.answers[path] = dripping()
    start = time.monotonic()
    assert_turned_away(provider)
    assert time.monotonic() - start < 8
    assert_recovers(provider)


@pytest.mark.usefixtures("short_patience")
def test_dripping_headers(provider: ForgingProvider) -> None:
    with DrippingServer() as address:
        provider.answers[DISCOVERY] = Answer.of({**provider.metadata, "jwks_uri": address})
        start = time.monotonic()
        assert_turned_away(provider)
        assert time.monotonic() - start < 8


@at_each_endpoint
def test_endless_body(provider: ForgingProvider, path: str) -> None:
    provider.answers[path] = endless()
    tracemalloc.start()
    try:
        assert_turned_away(provider)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024**2
    finally:
        tracemalloc.stop()
    assert_recovers(provider)


@at_each_endpoint
def test_bomb(provider: ForgingProvider, path: str) -> None:
    """A hundred million brackets in a hundred thousand bytes."""
    bomb = bombs()
    provider.answers[path] = Answer(bomb, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        assert_turned_away(provider)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024**2
    finally:
        tracemalloc.stop()


def bombs() -> bytes:
    return gzip.compress(b"[" * 20_000_000)


@pytest.mark.parametrize(("path", "status"), [*((path, 302) for path in ENDPOINTS), ("/token", 307), ("/token", 303)])
def test_redirect_is_not_followed(provider: ForgingProvider, forging_server: Any, path: str, status: int) -> None:
    """Neither the client's secret nor the code nor an access token goes where the provider does not live."""
    elsewhere = forging_server.provider()
    provider.answers[path] = redirect(f"{elsewhere.issuer}{path}", status)
    assert_turned_away(provider)
    assert elsewhere.requests == []
    assert_recovers(provider)


@at_each_endpoint
@pytest.mark.parametrize("status", [404, 503])
def test_error_of_the_provider(provider: ForgingProvider, path: str, status: int) -> None:
    provider.answers[path] = Answer(b"<html>no</html>", status)
    assert_turned_away(provider)
    assert_recovers(provider)


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://accounts.example.org"},
        {"issuer": None},
        {"issuer": 7},
        {"token_endpoint": None},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": "http://169.254.169.254/latest/meta-data/"},
        {"token_endpoint": "gopher://127.0.0.1/"},
        {"token_endpoint": ["x"]},
        {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://[::1"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "//example.org"},
    ],
    ids=str,
)
def test_discovery_that_cannot_be_used(provider: ForgingProvider, change: dict[str, Any]) -> None:
    changed = {**provider.metadata, **change}
    provider.answers[DISCOVERY] = Answer.of({name: value for name, value in changed.items() if value is not None})
    assert_turned_away(provider)
    assert_recovers(provider)


@pytest.mark.parametrize(
    "keys",
    [None, {}, [], [7], ["x"], [None], [{}], [{"kty": "RSA"}], [{"kid": "signing", "kty": "RSA", "n": 7, "e": []}]],
    ids=str,
)
def test_keys_that_cannot_be_used(provider: ForgingProvider, keys: Any) -> None:
    provider.answers["/jwks"] = Answer.of({"keys": keys})
    answer, visitor = come(provider)
    assert answer.status_code in {401, 403, 503}
    assert not visitor.is_in


def test_one_bad_key_does_not_spoil_the_others(provider: ForgingProvider) -> None:
    provider.keys = [{}, {"kty": "RSA", "kid": "signing", "n": "!", "e": "AQAB"}, {"kty": 7}, provider.key.jwk]
    assert Visitor(provider).log_in().was_let_in()


def test_provider_is_away(provider: ForgingProvider, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    answer = Client().get("/oidc/authenticate/")
    assert answer.status_code == 503
    assert b"login provider" in answer.content.lower()
    assert Client().get("/login/").status_code == 200
    assert bearer(provider.token()).status_code in {401, 503}


def test_nobody_logs_in_by_a_provider_while_there_is_none(provider: ForgingProvider, settings: Any) -> None:
    visitor = Visitor(provider)
    brought = provider.approve(visitor.set_out())
    settings.OIDC_ISSUER = ""
    assert visitor.client.get("/oidc/authenticate/").status_code in {404, 503}
    assert visitor.client.get("/oidc/callback/", brought).status_code in {302, 403, 404, 503}
    assert not visitor.is_in
    assert bearer(provider.token()).status_code == 401
    assert bearer(provider.token(provider.claims(iss="", aud=""))).status_code == 401
    assert not User.objects.exists()


def test_keys_and_addresses_are_asked_for_once(provider: ForgingProvider) -> None:
    for _ in range(3):
        assert Visitor(provider).log_in().is_in
        assert bearer(provider.token()).status_code == 200
    assert (provider.asked(DISCOVERY), provider.asked("/jwks")) == (1, 1)


def test_unknown_keys_do_not_make_us_flood_the_provider(provider: ForgingProvider) -> None:
    for number in range(20):
        assert bearer(provider.token(kid=f"forged-{number}")).status_code == 401
    assert provider.asked("/jwks") <= 2
    assert bearer(provider.token()).status_code == 200


@pytest.mark.usefixtures("short_patience")
def test_others_are_served_while_one_waits(provider: ForgingProvider) -> None:
    """Nothing of a slow provider holds a lock that those with a session or a token of ours need."""
    provider.answers[DISCOVERY] = dripping()
    thread = threading.Thread(target=come_and_close, args=[provider])
    thread.start()
    start = time.monotonic()
    assert Client().get("/login/").status_code == 200
    assert time.monotonic() - start < 5
    thread.join(20)
    assert not thread.is_alive()


def come_and_close(provider: ForgingProvider) -> None:
    """Come in a thread of one's own, whose connections to the database nobody else would close."""
    come(provider)
    connections.close_all()


class DrippingServer:
    """A server that never finishes its status line; gives an address there."""

    def __enter__(self) -> str:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}/jwks"

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=[connection], daemon=True).start()

    def _drip(self, connection: Any) -> None:
        with connection, suppress(OSError):
            for piece in self._pieces():
                connection.sendall(piece)
                time.sleep(0.1)

    def _pieces(self) -> Iterator[bytes]:
        for one in b"HTTP/1.1 200 OK\r\n":
            yield bytes([one])
        while not self.ended.is_set():
            yield b"X-Padding: x\r\n"

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.listening.close()
