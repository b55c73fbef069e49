"""Request ids, addresses and headers."""

import uuid

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from cellenium_admin.core.context import current
from cellenium_admin.core.middleware import RequestContextMiddleware, client_address, content_security_policy

PEER = "10.0.0.1"


def address(forwarded: str | None, hops: int) -> str:
    meta = {"REMOTE_ADDR": PEER} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})
    return client_address(meta, hops=hops)


@pytest.mark.parametrize(
    ("forwarded", "hops", "expected"),
    [
        (None, 0, PEER),
        ("198.51.100.7", 0, PEER),
        (None, 1, PEER),
        ("198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", 1, "198.51.100.7"),
        ("6.6.6.6, 7.7.7.7, 198.51.100.7, 10.0.0.9", 2, "198.51.100.7"),
        ("198.51.100.7", 2, PEER),
        ("198.51.100.7, nonsense", 1, PEER),
        ("198.51.100.7,", 1, PEER),
        ("198.51.100.7:4711", 1, "198.51.100.7"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("fe80::1%eth0", 1, "fe80::1"),
    ],
)
def test_address_is_what_the_outermost_own_proxy_saw(forwarded: str | None, hops: int, expected: str) -> None:
    assert address(forwarded, hops) == expected


@given(forged=st.text(alphabet="0123456789.:,abcdef []%\x00", max_size=60), hops=st.integers(1, 3))
def test_nothing_the_client_sends_moves_the_trusted_entry(forged: str, hops: int) -> None:
    own = ", ".join(["198.51.100.7", "10.0.0.8", "10.0.0.9"][:hops])
    assert address(f"{forged}, {own}", hops) == "198.51.100.7"


def test_address_is_empty_behind_a_unix_socket() -> None:
    assert client_address({"REMOTE_ADDR": ""}, hops=0) == ""


def test_each_request_has_an_id_of_our_own_in_context_log_and_response(settings: object) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append((current().request_id, current().address, structlog.contextvars.get_contextvars()["request_id"]))
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-ID": "forged"}, REMOTE_ADDR=PEER)
    response = RequestContextMiddleware(view)(request)
    request_id = response["X-Request-ID"]
    assert str(uuid.UUID(request_id)) == request_id != "forged"
    assert seen == [(request_id, PEER, request_id)]
    assert current().request_id == ""
    assert RequestContextMiddleware(view)(request)["X-Request-ID"] != request_id


@pytest.mark.parametrize("path", ["/api/v1/studies", "/", "/nowhere", "/api/v1/me"])
def test_only_pages_that_run_scripts_may_load_any(path: str) -> None:
    assert content_security_policy(path).startswith("default-src 'none'; frame-ancestors 'none'")


def test_docs_run_no_inline_script() -> None:
    scripts = next(part for part in content_security_policy("/api/v1/docs").split(";") if "script-src" in part)
    assert scripts.split() == ["script-src", "'self'"]


@pytest.mark.django_db
def test_headers_of_the_whole_site(client: Client) -> None:
    for path in ("/api/v1/me", "/api/v1/nowhere", "/admin/login/", "/health/live", "/nowhere"):
        response = client.get(path)
        assert response["X-Request-ID"], path
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"], path
        assert response["X-Content-Type-Options"] == "nosniff", path
        assert response["Referrer-Policy"] == "same-origin", path
    assert client.get("/api/v1/me")["Cache-Control"] == "no-store"
