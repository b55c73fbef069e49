"""Differential expression and correlation through the API, the worker played by the test."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from cellenium_admin.core.models import AuditEvent, Job, User
from cellenium_admin.core.services import jobs
from cellenium_admin.core.services.job_ends import end
from studies.api import analyses
from studies.models import Analysis, AnnotationValue, StudyAccess
from tests.builders.people import caller, person
from tests.builders.stores import PublishedStudy, published_study
from tests.support.answers import COLUMNS, ROWS, end_job, keep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(member: User) -> PublishedStudy:
    return published_study(owner=member)


@pytest.fixture
def url(made: PublishedStudy) -> str:
    return f"/api/v1/studies/{made.study.pk}"


@pytest.fixture
def question(made: PublishedStudy) -> dict[str, Any]:
    value = AnnotationValue.objects.filter(group__version=made.version).first()
    return {"group1": {"value_ids": [value.pk]}, "n_genes": 1}


def test_question_is_taken_and_its_job_named(api: APIClient, url: str, question: dict[str, Any], made: Any) -> None:
    response = api.post(f"{url}/de", question)
    job = Job.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"/api/v1/jobs/{job.pk}"
    assert response["Retry-After"] == "1"
    assert "Preference-Applied" not in response
    body = response.json()
    assert body.pop("created_at")
    assert body == {
        "analysis_id": str(Analysis.objects.get().pk),
        "study_id": str(made.study.pk),
        "version_id": str(made.version.pk),
        "kind": "differential_expression",
        "job_id": str(job.pk),
        "state": "queued",
        "layer": "X",
        "modality": "rna",
        "method": "wilcoxon",
        "tie_correct": True,
        "cells1": None,
        "cells2": None,
        "results": None,
        "values": None,
    }
    followed = api.get(response["Location"]).json()
    assert (followed["state"], followed["result"]) == ("queued", None)


def test_answer_is_there_for_whoever_asks_again(api: APIClient, url: str, question: dict[str, Any]) -> None:
    first = api.post(f"{url}/de", question)
    end_job("succeeded", columns=COLUMNS)
    again = api.post(f"{url}/de", {**question, "group2": "rest", "method": "wilcoxon"})
    assert again.status_code == 200
    assert again.json()["results"] == ROWS
    assert (again.json()["cells1"], again.json()["cells2"]) == (20, 40)
    assert again.json()["state"] == "succeeded"
    assert again.json()["job_id"] == first.json()["job_id"]
    result = api.get(first["Location"]).json()["result"]
    assert api.get(f"{result}?n_genes=1").json() == again.json()
    assert len(api.get(result).json()["results"]) == 30
    assert Job.objects.count() == 1


def test_correlations(api: APIClient, url: str) -> None:
    rows = [{"feature_id": "ENSG00000000002", "symbol": "GENE2", "r": 0.25}]
    r = np.full(30, 0.01)
    r[1], r[2] = 1, 0.25
    asked = {"feature": "GENE1", "limit": 10, "min_abs_r": 0.1}
    assert api.post(f"{url}/correlations", asked).status_code == 202
    keep({"r": r}, {"cells": 60})
    end_job("succeeded")
    response = api.post(f"{url}/correlations", {**asked, "method": "pearson", "feature": "ENSG00000000001"})
    assert response.status_code == 200
    assert (response.json()["kind"], response.json()["results"]) == ("correlation", rows)
    assert response.json()["cells"] == 60


@pytest.fixture
def worker() -> Iterator[Callable[..., None]]:
    """End the job from another thread as soon as somebody waits for it."""
    threads: list[threading.Thread] = []

    def start(monkeypatch: pytest.MonkeyPatch, *arguments: Any, **fields: Any) -> None:
        def work() -> None:
            end_job(*arguments, **fields)
            connection.close()

        def wait_for(job_id: uuid.UUID, *, seconds: float) -> Job:
            threads.append(threading.Thread(target=work))
            threads[-1].start()
            threads[-1].join()
            return Job.objects.get(pk=job_id)

        monkeypatch.setattr(jobs, "wait_for", wait_for)

    yield start
    assert threads


def test_waiting_for_the_answer(
    api: APIClient, url: str, question: dict[str, Any], worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker(monkeypatch, "succeeded", columns=COLUMNS)
    response = api.post(f"{url}/de", question, headers={"Prefer": "wait=9"})
    assert (response.status_code, response.json()["results"]) == (200, ROWS)
    assert response["Preference-Applied"] == "wait=9"
    assert response["Cache-Control"] == "no-store"
    assert "Prefer" in response["Vary"]


@pytest.mark.parametrize(
    ("state", "code", "status"),
    [
        ("failed", "internal_error", 500),
        ("failed", "worker_lost", 500),
        ("failed", "time_limit", 500),
        ("failed", "store_damaged", 503),
        ("failed", "empty_group", 422),
        ("cancelled", "", 409),
    ],
)
def test_waiting_for_a_failure(
    api: APIClient,
    url: str,
    question: dict[str, Any],
    worker: Any,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    code: str,
    status: int,
) -> None:
    worker(monkeypatch, state, code, error_detail="It broke.")
    response = api.post(f"{url}/de", question, headers={"Prefer": "wait=9"})
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code or "cancelled")
    assert body["job_id"] == str(Job.objects.get().pk)


def test_no_answer_in_time(api: APIClient, url: str, question: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    response = api.post(f"{url}/de", question, headers={"Prefer": "wait=1"})
    assert (response.status_code, response["Preference-Applied"]) == (202, "wait=1")
    monkeypatch.setattr(analyses.jobs, "wait_for", lambda job_id, seconds: None)
    full = api.post(f"{url}/de", question, headers={"Prefer": "wait=9"})
    assert full.status_code == 202
    assert "Preference-Applied" not in full


def test_end_of_the_job_ends_the_waiting(api: APIClient, url: str, question: dict[str, Any]) -> None:
    def work() -> None:
        while not Analysis.objects.exists():
            time.sleep(0.05)
        time.sleep(0.5)  # by now the request listens
        with transaction.atomic():
            keep(COLUMNS)
            end(Job.objects.select_for_update().get(), state=Job.State.SUCCEEDED)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    started = time.monotonic()
    response = api.post(f"{url}/de", question, headers={"Prefer": "wait=20"})
    assert (response.status_code, response.json()["results"]) == (200, ROWS)
    assert time.monotonic() - started < 10
    worker.join()


def test_failed_question_can_be_asked_again(api: APIClient, url: str, question: dict[str, Any]) -> None:
    first = api.post(f"{url}/de", question).json()
    end_job("failed", "internal_error")
    assert api.get(f"/api/v1/analyses/{first['analysis_id']}").json()["state"] == "failed"
    again = api.post(f"{url}/de", question)
    assert again.status_code == 202
    assert again.json()["job_id"] != first["job_id"]


def test_second_asker_follows_the_same_job(
    api: APIClient, url: str, question: dict[str, Any], made: PublishedStudy
) -> None:
    analyst = person("analyst")
    StudyAccess.objects.create(study=made.study, user=analyst, role="analyst")
    first = api.post(f"{url}/de", question).json()
    second = caller(analyst).post(f"{url}/de", question)
    assert second.json()["job_id"] == first["job_id"]
    assert caller(analyst).get(second["Location"]).status_code == 200
    assert caller(person("stranger")).get(second["Location"]).status_code == 404


def test_analysis_is_seen_by_those_who_see_the_study(api: APIClient, url: str, question: dict[str, Any]) -> None:
    address = f"/api/v1/analyses/{api.post(f'{url}/de', question).json()['analysis_id']}"
    assert api.get(address).json()["results"] is None
    assert caller(person("stranger")).get(address).status_code == 404
    assert api.get(f"/api/v1/analyses/{uuid.uuid4()}").status_code == 404


def test_viewer_is_refused_and_the_attempt_recorded(made: PublishedStudy, url: str, question: dict[str, Any]) -> None:
    viewer = person("viewer")
    StudyAccess.objects.create(study=made.study, user=viewer, role="viewer")
    for part, body in (("de", question), ("correlations", {"feature": "GENE1"})):
        response = caller(viewer).post(f"{url}/{part}", body)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        event = AuditEvent.objects.first()
        assert (event.action, event.outcome, event.actor_id) == ("analysis.requested", "refused", str(viewer.pk))
        assert event.object_id == str(made.study.pk)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/group1"]),
        ([], [""]),
        ("text", [""]),
        ({"group1": {}}, ["/group1"]),
        ({"group1": []}, ["/group1"]),
        ({"group1": None}, ["/group1"]),
        ({"annotation": "none"}, ["/annotation"]),
        ({"annotation": "cell_type", "group1": {"cell_ids": [1]}}, ["/group1"]),
        ({"group1": {"cell_ids": [1]}, "group2": {"cell_ids": ["2"]}}, ["/group2/cell_ids"]),
        ({"group1": {"cell_ids": [1]}, "group2": {"cell_ids": [1, 2]}}, ["/group2"]),
        ({"group1": {"cell_ids": [1]}, "within": {"cell_ids": [2]}}, ["/group1"]),
        ({"group1": {"cell_ids": [1]}, "preset": "seurat"}, ["/preset"]),
        ({"group1": {"cell_ids": [1]}, "direction": "left"}, ["/direction"]),
        ({"group1": {"value_ids": []}}, ["/group1/value_ids"]),
        ({"group1": {"value_ids": [1], "cell_ids": [1]}}, ["/group1"]),
        ({"group1": {"cell_ids": [60]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": [-1]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": [10**30]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": ["1"]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": [True]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": [1.0]}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": 1}}, ["/group1/cell_ids"]),
        ({"group1": {"cell_ids": list(range(60))}}, ["/group1/cell_ids"]),
        ({"group1": {"value_ids": [10**30]}}, ["/group1/value_ids"]),
        ({"group1": {"cells": [1]}}, ["/group1/cells"]),
        ({"group1": {"cell_ids": [1]}, "group2": "other"}, ["/group2"]),
        ({"group1": {"cell_ids": [1]}, "method": "t-test"}, ["/group1"]),
        ({"group1": {"cell_ids": [1]}, "method": "logreg"}, ["/method"]),
        ({"group1": {"cell_ids": [1]}, "tie_correct": "yes"}, ["/tie_correct"]),
        ({"group1": {"cell_ids": [1]}, "n_genes": 0}, ["/n_genes"]),
        ({"group1": {"cell_ids": [1]}, "n_genes": "10"}, ["/n_genes"]),
        ({"group1": {"cell_ids": [1]}, "n_genes": 1.5}, ["/n_genes"]),
        ({"group1": {"cell_ids": [1]}, "ngenes": 5, "layr": "X"}, ["/layr", "/ngenes"]),
    ],
)
def test_unusable_question_names_the_field(api: APIClient, url: str, body: Any, pointers: list[str]) -> None:
    response = api.post(f"{url}/de", body)
    assert response.status_code == 422, response.content
    assert [error["pointer"] for error in response.json()["errors"]] == pointers
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/feature"),
        ({"feature": 5}, "/feature"),
        ({"feature": ""}, "/feature"),
        ({"feature": "a\x00b"}, "/feature"),
        ({"feature": "NOSUCH"}, "/feature"),
        ({"feature": "GENE1", "limit": 0}, "/limit"),
        ({"feature": "GENE1", "min_abs_r": 1.1}, "/min_abs_r"),
        ({"feature": "GENE1", "min_abs_r": "0.5"}, "/min_abs_r"),
        ({"feature": "GENE1", "method": "kendall"}, "/method"),
        ({"feature": "GENE1", "sign": "minus"}, "/sign"),
        ({"feature": "GENE1", "layer": "counts"}, "/layer"),
    ],
)
def test_unusable_correlation_names_the_field(api: APIClient, url: str, body: Any, pointer: str) -> None:
    response = api.post(f"{url}/correlations", body)
    assert response.status_code == 422, response.content
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_infinite_number_is_not_taken(api: APIClient, url: str) -> None:
    body = b'{"feature": "GENE1", "min_abs_r": 1e999}'
    assert api.post(f"{url}/correlations", body, content_type="application/json").status_code == 422


def test_half_a_surrogate_pair_is_not_taken(api: APIClient, url: str) -> None:
    body = b'{"feature": "\\ud800"}'
    assert api.post(f"{url}/correlations", body, content_type="application/json").status_code == 422


def test_large_group_is_checked_quickly(api: APIClient, url: str) -> None:
    body = {"group1": {"cell_ids": list(range(1_000_000))}}
    started = timezone.now()
    assert api.post(f"{url}/de", body).status_code == 422
    assert (timezone.now() - started).total_seconds() < 8


def test_asking_needs_the_scope_to_compute(member: User, url: str, question: dict[str, Any]) -> None:
    reader = caller(member, ["read"])
    assert reader.post(f"{url}/de", question).json()["code"] == "insufficient_scope"
    assert reader.post(f"{url}/correlations", {"feature": "GENE1"}).json()["code"] == "insufficient_scope"
