"""`Idempotency-Key` and `If-Match` over HTTP, on a view that makes and changes real rows."""

import json
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.test import Client
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.serializers import StrictCharField, StrictSerializer
from cellenium_admin.core.api.views import ApiView
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import IdempotencyKey, Job, TokenScope, User
from tests.builders.people import caller, person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Body(StrictSerializer):
    """What the view takes."""

    name = StrictCharField()
    note = StrictCharField(required=False)


class Versioned:
    """A job, whose `done` counts its changes."""

    def __init__(self, job: Job) -> None:
        self.pk, self.version = job.pk, job.done


class ThingsView(ApiView):
    """Makes jobs; its class attributes let a test break it."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}
    carried_out: ClassVar[list[UUID]] = []
    fault: ClassVar[Exception | None] = None
    late_fault: ClassVar[Exception | None] = None

    def post(self, request: Request, **_: Any) -> Any:
        asked = self.read_body(Body)

        def carry_out(job: Job) -> None:
            self.carried_out.append(job.pk)
            if self.late_fault:
                raise self.late_fault

        creation = idempotency.Creation(
            make=lambda: self.make(asked["name"]),
            find=lambda key: Job.objects.get(pk=key),
            carry_out=carry_out,
            answer=lambda job: etags.tagged(
                Response({"id": str(job.pk), "é": 1.5}, status=201, headers={"Location": f"/{job.pk}"}), Versioned(job)
            ),
        )
        return idempotency.create(request, creation)

    def make(self, name: str) -> Job:
        job = Job.objects.create(name=name)
        if self.fault:
            raise self.fault
        return job


class OthersView(ThingsView):
    """The same on another route."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}


class SecretsView(ApiView):
    """Answers with a secret."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.COMPUTE}
    fault: ClassVar[Exception | None] = None

    def post(self, request: Request) -> Any:
        def work() -> Response:
            if self.fault:
                raise self.fault
            return Response({"secret": f"s3cret-{Job.objects.create(name='key').pk}"}, status=201)

        return idempotency.create_secret(request, work)


class ThingView(ApiView):
    """Changes one job."""

    permission_classes = [IsMember]
    required_scopes = {"PATCH": TokenScope.COMPUTE}

    def patch(self, request: Request, job_id: UUID) -> Response:
        job = Job.objects.get(pk=job_id)
        return Response({"expected": etags.expected_version(request, Versioned(job))})


api_patterns = (
    [
        path("things", ThingsView.as_view()),
        path("in/<str:place>/things", ThingsView.as_view()),
        path("others", OthersView.as_view()),
        path("secrets", SecretsView.as_view()),
        path("things/<uuid:job_id>", ThingView.as_view()),
    ],
    "api",
)
urlpatterns = [path("api/v1/", include(api_patterns))]


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThingsView, "carried_out", [])
    for view in (ThingsView, SecretsView):
        monkeypatch.setattr(view, "fault", None)
    monkeypatch.setattr(ThingsView, "late_fault", None)


def post(client: Any, key: str | None, body: Any = None, where: str = "things") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(f"/api/v1/{where}", body or {"name": "a"}, headers=headers)


def test_without_a_key_each_request_makes_something(api: APIClient) -> None:
    assert [post(api, None).status_code for _ in range(2)] == [201, 201]
    assert Job.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_repeated_request_is_answered_byte_for_byte(api: APIClient) -> None:
    first, second = post(api, "k1"), post(api, "k1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.json()["é"] == 1.5
    assert (first["Location"], first["ETag"]) == (second["Location"], second["ETag"])
    assert first["Content-Type"] == second["Content-Type"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert second["X-Request-ID"] != first["X-Request-ID"]
    assert Job.objects.count() == len(ThingsView.carried_out) == 1


def test_order_and_space_of_the_body_do_not_matter(api: APIClient) -> None:
    texts = ['{"name": "a", "note": "b"}', '{"note":"b",\n "name":"a"}', '{"note":"b","name":"\\u0061"}']
    headers = {"Idempotency-Key": "k"}
    found = [api.post("/api/v1/things", text, content_type="application/json", headers=headers) for text in texts]
    assert len({one.content for one in found}) == 1
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("where", "body"),
    [("things", {"name": "b"}), ("things", {"name": "a", "note": "x"}), ("in/x/things", {"name": "a"})],
)
def test_key_of_another_request(api: APIClient, where: str, body: Any) -> None:
    post(api, "k", where="in/y/things" if where != "things" else "things")
    refused = post(api, "k", body, where)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_key_is_of_one_route_and_one_user(api: APIClient) -> None:
    assert post(api, "k").content != post(api, "k", where="others").content
    other = post(caller(person("neighbour")), "k")
    assert "Idempotent-Replayed" not in other
    assert Job.objects.count() == 3


def test_quoted_and_bare_keys_are_the_same(api: APIClient) -> None:
    assert post(api, '"a-b c"').content == post(api, "a-b c").content
    assert post(api, '"a\\"b"').status_code == post(api, 'a"b').status_code == 201
    assert IdempotencyKey.objects.count() == 2


@pytest.mark.parametrize("key", ["", " ", '"', '""', '"a', "ä", "a\tb", "k" * 256, '"' + "k" * 256 + '"', '"a\\b"'])
def test_unusable_key(api: APIClient, key: str) -> None:
    refused = post(api, key)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_header")
    assert not Job.objects.exists()


def test_longest_key(api: APIClient) -> None:
    assert post(api, "~" * 255).status_code == post(api, '"' + "k" * 255 + '"').status_code == 201


def test_refused_request_frees_its_key(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThingsView, "fault", ConflictError("There is one already."))
    assert post(api, "k").status_code == 409
    assert post(api, "k", {"nam": "a"}).status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert not Job.objects.exists()
    monkeypatch.setattr(ThingsView, "fault", None)
    assert post(api, "k", {"name": "b"}).status_code == 201


@pytest.mark.parametrize("fault", [RuntimeError("boom"), ConflictError("AWS says no.")])
def test_what_was_made_before_a_fault_is_found_again(
    api: APIClient, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ThingsView, "late_fault", fault)
    assert post(api, "k").status_code in (500, 409)
    assert post(api, "k", {"name": "b"}).status_code == 422
    monkeypatch.setattr(ThingsView, "late_fault", None)
    answer = post(api, "k")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer
    assert [str(one.pk) for one in Job.objects.all()] == [answer.json()["id"]]
    assert ThingsView.carried_out == [UUID(answer.json()["id"])] * 2
    assert post(api, "k")["Idempotent-Replayed"] == "true"


def test_request_that_still_runs(api: APIClient, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second request comes while the first is carried out."""
    found: list[Any] = []
    client = caller(member)

    def meanwhile(self: ThingsView, name: str) -> Job:
        found.append(post(client, "k"))
        return Job.objects.create(name=name)

    monkeypatch.setattr(ThingsView, "make", meanwhile)
    assert post(api, "k").status_code == 201
    assert (found[0].status_code, json.loads(found[0].content)["code"]) == (409, "idempotency_key_in_use")
    assert 100 < int(found[0]["Retry-After"]) <= 121
    assert Job.objects.count() == 1


def test_secret_is_delivered_once(api: APIClient) -> None:
    first = post(api, "k", where="secrets")
    assert "s3cret" in first.json()["secret"]
    second = post(api, "k", where="secrets")
    assert (second.status_code, second.json()["code"]) == (409, "secret_delivered")
    assert "rotate" in second.json()["detail"]
    assert "s3cret" not in str(IdempotencyKey.objects.values().get())
    assert Job.objects.count() == 1


def test_refused_secret_frees_its_key(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecretsView, "fault", ConflictError("Two keys already."))
    assert post(api, "k", where="secrets").status_code == 409
    monkeypatch.setattr(SecretsView, "fault", None)
    assert post(api, "k", where="secrets").status_code == 201


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ("*", 428, "precondition_required"),
        ("", 428, "precondition_required"),
        ("{pk}-3", 400, "invalid_header"),
        ('"{pk}-3', 400, "invalid_header"),
        ('"{pk}-3",', 400, "invalid_header"),
        ('"{pk}-3" "x"', 400, "invalid_header"),
        ('"{pk}-2"', 412, "stale_version"),
        ('"{pk}-33"', 412, "stale_version"),
        ('W/"{pk}-3"', 412, "stale_version"),
        ('"", "x,y"', 412, "stale_version"),
        ('"x,{pk}-3"', 412, "stale_version"),
        ('"{pk}-3"', 200, None),
        ('"{pk}-2", "{pk}-3"', 200, None),
        (' W/"a" ,"{pk}-3" ', 200, None),
    ],
)
def test_if_match(api: APIClient, header: str | None, status: int, code: str | None) -> None:
    job = Job.objects.create(name="a", done=3)
    headers = {} if header is None else {"If-Match": header.replace("{pk}", str(job.pk))}
    answer = api.patch(f"/api/v1/things/{job.pk}", {}, headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.content
    if status == 200:
        assert answer.json() == {"expected": 3}


def test_browser_session_needs_its_csrf_token_with_a_key_too(member: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member)
    answer = browser.post("/api/v1/things", {"name": "a"}, "application/json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 403
    assert not IdempotencyKey.objects.exists()
