"""Every error under /api/ is a problem, whatever part of the server noticed it."""

import json
import uuid
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework.serializers import ListSerializer, ValidationError
from rest_framework.test import APIClient

from cellenium_admin.core import exceptions
from cellenium_admin.core.api import me, problems
from cellenium_admin.core.api.problems import field_errors, pointer, problem_of
from tests.builders.people import caller

NAMES = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert set(body) >= NAMES
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response["X-Request-ID"] == str(uuid.UUID(body["request_id"]))
    assert body["detail"]
    return body


def test_unknown_route(anonymous: APIClient) -> None:
    body = problem(anonymous.get("/api/v1/nowhere?a=b"), 404, "not_found")
    assert body["instance"] == "/api/v1/nowhere"
    problem(anonymous.get("/api/"), 404, "not_found")
    problem(anonymous.get("/api/v1/me/"), 404, "not_found")


def test_pages_outside_the_api_stay_html(client: Client, db: None) -> None:
    response = client.get("/nowhere")
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (404, "text/html")


def test_anonymous_caller_is_told_how_to_authenticate(anonymous: APIClient) -> None:
    response = anonymous.get("/api/v1/me")
    problem(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="cellenium-admin"'


def test_method_not_allowed(api: APIClient) -> None:
    response = api.delete("/api/v1/me")
    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET, HEAD"
    problem(api.options("/api/v1/me"), 405, "method_not_allowed")


def test_type_we_do_not_speak(api: APIClient) -> None:
    problem(api.get("/api/v1/me", headers={"Accept": "text/csv"}), 406, "not_acceptable")
    problem(api.get("/api/v1/docs", headers={"Accept": "image/png"}), 406, "not_acceptable")


CANCEL = f"/api/v1/jobs/{uuid.uuid4()}/cancel"


def test_body_of_another_type(api: APIClient) -> None:
    problem(api.post(CANCEL, "a=b", content_type="application/x-www-form-urlencoded"), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff{}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1, "a": 2}', b"[" * 100_000, b'{"a": 1}x']
)
def test_malformed_json(api: APIClient, body: bytes) -> None:
    problem(api.post(CANCEL, body, content_type="application/json"), 400, "parse_error")


def test_body_over_the_limit_is_not_read_whole(api: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    problem(api.post(CANCEL, b" " * 101, content_type="application/json"), 413, "payload_too_large")
    problem(api.post(CANCEL, b"{}" + b" " * 98, content_type="application/json"), 404, "not_found")


def test_unknown_field_is_named(api: APIClient) -> None:
    body = problem(api.post(CANCEL, {"force": True}), 422, "invalid")
    assert [(error["pointer"], error["code"]) for error in body["errors"]] == [("/force", "unknown_field")]


def test_unknown_and_repeated_query_parameters(api: APIClient) -> None:
    body = problem(api.get("/api/v1/jobs?stat=failed&name=a&name=b&state="), 400, "invalid_query")
    found = {(error["pointer"], error["code"]) for error in body["errors"]}
    assert found == {("?stat", "unknown_parameter"), ("?name", "repeated"), ("?state", "blank")}
    problem(api.get("/api/v1/me?verbose=1"), 400, "invalid_query")


def test_unusable_filter_value(api: APIClient) -> None:
    body = problem(api.get("/api/v1/jobs?state=asleep"), 400, "invalid_query")
    assert [error["pointer"] for error in body["errors"]] == ["?state"]
    problem(api.get("/api/v1/jobs?name=%00"), 400, "invalid_query")


def test_host_we_do_not_serve(anonymous: APIClient) -> None:
    problem(anonymous.get("/api/v1/me", headers={"Host": "evil.example"}), 400, "bad_request")


def test_fault_of_our_own_tells_nothing_about_it(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(me.MeView, "get", fail)
    response = api.get("/api/v1/me")
    problem(response, 500, "internal_error")
    assert b"secret detail" not in response.content


def test_database_that_does_not_answer(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("connection to server at 10.0.0.5 failed")

    monkeypatch.setattr(me.MeView, "get", fail)
    response = api.get("/api/v1/me")
    problem(response, 503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert b"10.0.0.5" not in response.content


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (exceptions.InvalidInputError("x"), 422),
        (exceptions.NotFoundError("x"), 404),
        (exceptions.ConflictError("x"), 409),
        (exceptions.UnavailableError("x"), 503),
        (exceptions.RefusedError("x", attempt=exceptions.RefusedAttempt("trail.read")), 403),
        (problems.InvalidQueryError("x"), 400),
        (problems.PayloadTooLargeError("x"), 413),
        (exceptions.ApplicationError("x"), 422),
    ],
)
def test_each_error_of_a_service_has_its_status(error: exceptions.ApplicationError, status: int) -> None:
    found = problem_of(error)
    assert found is not None
    assert (found.status, found.code, found.detail) == (status, error.code, "x")


def test_every_class_of_error_is_mapped() -> None:
    classes = {found for found in vars(exceptions).values() if isinstance(found, type)}
    errors = {found for found in classes if issubclass(found, exceptions.ApplicationError)}
    assert errors - {exceptions.ApplicationError} <= set(problems.STATUS_OF_ERROR)


def test_other_exceptions_are_nobodys_business() -> None:
    assert problem_of(KeyError("x")) is None


def test_pointers_are_escaped_and_nested() -> None:
    assert pointer("a/b", 0, "c~d") == "/a~1b/0/c~0d"
    error = ValidationError({"rows": {1: {"n/m": ["wrong"]}}, ListSerializer.__name__: ["x"]})
    assert [found.pointer for found in field_errors(error.get_full_details())] == ["/rows/1/n~1m", "/ListSerializer"]
    whole = ValidationError({"non_field_errors": ["wrong"]})
    assert [found.pointer for found in field_errors(whole.get_full_details())] == [""]


def test_head_needs_the_same_rights_as_get(anonymous: APIClient, api: APIClient) -> None:
    assert anonymous.head("/api/v1/me").status_code == 401
    assert api.head("/api/v1/me").status_code == 200


def test_session_needs_the_csrf_token(member: Any, db: None) -> None:
    client = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(member)
    assert client.get("/api/v1/me").status_code == 200
    problem(client.post(CANCEL, {}), 403, "permission_denied")
    client.cookies["cellenium_csrf"] = token = "a" * 32
    problem(client.post(CANCEL, {}, headers={"X-CSRFToken": token}), 404, "not_found")


def test_closed_account_is_nobody(member: Any, db: None) -> None:
    client = caller(member)
    member.is_active = False
    member.save()
    problem(client.get("/api/v1/me"), 401, "invalid_token")
