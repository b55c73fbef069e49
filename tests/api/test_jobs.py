"""GET /jobs, GET /jobs/{id}, POST /jobs/{id}/cancel."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.api import subjects
from cellenium_admin.core.models import AuditEvent, Job, JobEvent, User
from tests.builders.people import caller, person

URL = "/api/v1/jobs"


def job_of(owner: User | None, **fields: Any) -> Job:
    fields.setdefault("name", "imports.run_import")
    if fields.get("state") in ("succeeded", "failed", "cancelled"):
        fields.setdefault("finished_at", timezone.now())
    if fields.get("state") == "running":
        fields.setdefault("lease_until", timezone.now())
    return Job.objects.create(owner=owner, **fields)


def ids(response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    return {job["id"] for job in response.json()["results"]}


@pytest.fixture
def stranger(db: None) -> User:
    return person("stranger")


def test_own_jobs_and_no_others(api: APIClient, member: User, stranger: User, administrator: User) -> None:
    mine, theirs, systems = (job_of(owner) for owner in (member, stranger, None))
    assert ids(api.get(URL)) == {str(mine.pk)}
    assert ids(caller(administrator).get(URL)) == {str(job.pk) for job in (mine, theirs, systems)}
    for job in (theirs, systems):
        assert api.get(f"{URL}/{job.pk}").status_code == 404
        assert api.post(f"{URL}/{job.pk}/cancel").status_code == 404


def test_filters(api: APIClient, member: User) -> None:
    queued = job_of(member)
    failed = job_of(member, state="failed", name="studies.compute")
    assert ids(api.get(URL, {"state": "failed"})) == {str(failed.pk)}
    assert ids(api.get(URL, {"state": ["failed", "queued"]})) == {str(failed.pk), str(queued.pk)}
    assert ids(api.get(URL, {"name": "studies.compute"})) == {str(failed.pk)}
    assert ids(api.get(URL, {"name": "studies"})) == set()


def test_job_with_its_history(api: APIClient, member: User) -> None:
    job = job_of(
        member,
        state="failed",
        stage="validate",
        done=3,
        total=7,
        report={"cells": 700},
        error_code="bad_file",
        error_detail="No X.",
        subject_type="upload",
        subject_id="u1",
        attempts=2,
    )
    JobEvent.objects.create(job=job, kind="queued")
    JobEvent.objects.create(job=job, kind="failed", attempt=2, detail="bad_file")
    body = api.get(f"{URL}/{job.pk}").json()
    assert body["error"] == {"code": "bad_file", "detail": "No X."}
    assert body["subject"] == {"type": "upload", "id": "u1"}
    assert body["owner"] == {"id": str(member.pk), "label": "member@example.org"}
    assert (body["state"], body["stage"], body["done"], body["total"]) == ("failed", "validate", 3, 7)
    assert (body["report"], body["attempts"], body["result"]) == ({"cells": 700}, 2, None)
    assert [(event["kind"], event["attempt"], event["detail"]) for event in body["events"]] == [
        ("queued", 0, ""),
        ("failed", 2, "bad_file"),
    ]


def test_internals_of_the_lease_are_not_shown(api: APIClient, member: User) -> None:
    job = job_of(member, args={"run_id": "secret"}, worker="host-1", lease_token=5)
    text = api.get(f"{URL}/{job.pk}").content.decode() + api.get(URL).content.decode()
    assert "lease" not in text
    assert "secret" not in text
    assert "host-1" not in text


def test_unfinished_job_says_when_to_ask_again(api: APIClient, member: User) -> None:
    assert api.get(f"{URL}/{job_of(member).pk}")["Retry-After"] == "1"
    assert "Retry-After" not in api.get(f"{URL}/{job_of(member, state='succeeded').pk}")


@pytest.mark.parametrize("extra", [0, 10])
def test_cost_does_not_grow(administrator: User, member: User, extra: int, django_assert_num_queries: Any) -> None:
    client = caller(administrator)
    for _ in range(2 + extra):
        job_of(member)
    with django_assert_num_queries(2):
        assert len(client.get(URL).json()["results"]) == 2 + extra


@pytest.fixture
def shared_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "_subjects", {})
    seen_by = {"member@example.org"}
    subject = subjects.Subject(
        is_visible=lambda subject_id, user: user.username in seen_by and subject_id == "s1",
        result_url=lambda job: f"/api/v1/things/{job.subject_id}",
    )
    subjects.register("thing", subject)


def test_job_on_a_shared_subject_can_be_followed_and_not_stopped(
    shared_subject: None, api: APIClient, stranger: User
) -> None:
    job = job_of(stranger, subject_type="thing", subject_id="s1")
    assert api.get(f"{URL}/{job.pk}").json()["result"] is None
    assert ids(api.get(URL)) == set()
    Job.objects.update(state="succeeded", finished_at=timezone.now())
    assert api.get(f"{URL}/{job.pk}").json()["result"] == "/api/v1/things/s1"
    other = job_of(stranger, subject_type="thing", subject_id="s2")
    assert api.get(f"{URL}/{other.pk}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_stopping_the_job_of_somebody_else_is_refused_and_recorded(
    shared_subject: None, api: APIClient, member: User, stranger: User
) -> None:
    job = job_of(stranger, subject_type="thing", subject_id="s1")
    response = api.post(f"{URL}/{job.pk}/cancel")
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    job.refresh_from_db()
    assert job.cancel_requested_at is None
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor_id) == ("job.cancelled", "refused", str(member.pk))
    assert event.object_id == str(job.pk)


@pytest.mark.django_db(transaction=True)
def test_cancel_is_recorded_with_the_request(api: APIClient, member: User) -> None:
    job = job_of(member)
    response = api.post(f"{URL}/{job.pk}/cancel")
    assert response.status_code == 200
    assert response.json()["state"] == "cancelled"
    assert [event["kind"] for event in response.json()["events"]][-1] == "cancelled"
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.object_id) == ("job.cancelled", str(member.pk), str(job.pk))
    assert event.request_id == response["X-Request-ID"]


@pytest.mark.django_db(transaction=True)
def test_running_job_is_asked_to_stop(administrator: User, member: User) -> None:
    job = job_of(member, state="running")
    body = caller(administrator).post(f"{URL}/{job.pk}/cancel").json()
    assert body["state"] == "running"
    assert body["cancel_requested_at"]


def test_ended_job_cannot_be_cancelled(api: APIClient, member: User) -> None:
    response = api.post(f"{URL}/{job_of(member, state='succeeded').pk}/cancel")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_cancelling_needs_the_scope_to_compute(member: User) -> None:
    response = caller(member, ["read"]).post(f"{URL}/{job_of(member).pk}/cancel")
    assert (response.status_code, response.json()["code"]) == (403, "insufficient_scope")


def test_unknown_job(api: APIClient) -> None:
    assert api.get(f"{URL}/{uuid.uuid4()}").status_code == 404
    assert api.get(f"{URL}/not-a-uuid").status_code == 404


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"done": 30, "total": 90}, 20),
        ({"done": 90, "total": 90}, 0),
        ({"done": 0, "total": 90}, None),
        ({"done": 30, "total": 0}, None),
        ({"done": 100, "total": 90}, None),
        ({"done": 30, "total": 90, "stage_started_at": None}, None),
        ({"done": 30, "total": 90, "state": "queued"}, None),
    ],
)
def test_the_time_left_is_told_from_the_rate_of_the_stage(
    fields: dict[str, Any], left: int | None, api: APIClient, member: User
) -> None:
    begun = timezone.now() - timedelta(seconds=10)
    stage = {"state": "running", "stage": "convert", "unit": "cells", "stage_started_at": begun}
    job = job_of(member, **{**stage, **fields})
    body = api.get(f"{URL}/{job.pk}").json()
    assert body["unit"] == "cells"
    assert body["seconds_left"] == (left if left is None else pytest.approx(left, abs=1))


def test_a_stage_that_has_just_begun_promises_nothing(api: APIClient, member: User) -> None:
    job = job_of(member, state="running", done=80, total=90, stage_started_at=timezone.now())
    assert api.get(f"{URL}/{job.pk}").json()["seconds_left"] is None
