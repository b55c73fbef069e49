"""`POST imports/validate`: the report of `validate_h5ad` for a file of the store, for whoever may read it."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.prefixes import prefix_for
from imports.models import ImportRun, Upload
from imports.services import checks
from imports.tasks import validate
from tests.builders.h5ad import remove, replace, study_file
from tests.builders.people import caller, person
from tests.builders.uploads import sent, upload

pytestmark = pytest.mark.django_db(transaction=True)
Ask = Callable[..., Any]
OTHER = "neighbour@example.org"


@pytest.fixture
def ask(uploader: User) -> Ask:
    """Ask as the uploader, or somebody else."""
    return lambda user=uploader, **body: caller(user).post("/api/v1/imports/validate", body)


@pytest.fixture
def other(root: Path) -> Path:
    """A file under somebody else's prefix."""
    return study_file(root / prefix_for(OTHER) / "theirs.h5ad")


def work(answer: Any) -> Job:
    """Do the job that was answered with, as a worker does."""
    assert answer.status_code == 202, answer.content
    validate(answer.json()["id"])
    return Job.objects.get(pk=answer.json()["id"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path,
        lambda path: remove(path, "uns/cellenium/title"),
        lambda path: replace(path, "uns/cellenium/taxonomy_id", 7227),
        lambda path: path.write_bytes(b"cell,gene\n"),
    ],
    ids=["good", "error", "warning", "no study"],
)
def test_the_report_is_that_of_the_command(spoil: Callable[[Path], object], folder: Path, ask: Ask) -> None:
    path = study_file(folder / "a.h5ad")
    spoil(path)
    job = work(ask(uri=path.as_uri()))
    told = StringIO()
    try:
        call_command("validate_h5ad", str(path), "--json", stdout=told, stderr=StringIO())
        refused = False
    except CommandError:
        refused = True
    assert job.report["findings"] == json.loads(told.getvalue())
    assert (job.state, job.report["would_be_imported"]) == (Job.State.SUCCEEDED, not refused)
    assert not ImportRun.objects.exists()


def test_the_answer_is_a_job_to_look_at(folder: Path, uploader: User, ask: Ask) -> None:
    path = study_file(folder / "a.h5ad")
    answer = ask(uri=path.as_uri())
    body = answer.json()
    assert (body["name"], body["state"], body["owner"]["id"]) == ("imports.validate", "queued", str(uploader.pk))
    assert answer["Location"] == f"/api/v1/jobs/{body['id']}"
    assert answer["Retry-After"] == "1"
    assert caller(uploader).get(answer["Location"]).status_code == 200
    event = AuditEvent.objects.get(action=Action.IMPORT_CHECKED)
    assert (event.actor_id, event.details["uri"]) == (str(uploader.pk), path.as_uri())


def test_an_upload_is_named_by_its_id(folder: Path, uploader: User, scan: Any, ask: Ask) -> None:
    study_file(folder / "a.h5ad")
    scan()
    job = work(ask(upload_id=str(Upload.objects.get().pk)))
    assert job.report["would_be_imported"] is True


def test_equal_checks_of_one_person_are_one_job(folder: Path, scan: Any, ask: Ask) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    first = ask(uri=path.as_uri()).json()["id"]
    assert ask(upload_id=str(Upload.objects.get().pk)).json()["id"] == first
    curator = person("curator", "curator")
    assert ask(curator, uri=path.as_uri()).json()["id"] != first
    study_file(path, cells=90)
    assert ask(uri=path.as_uri()).json()["id"] != first, "another revision is another question"
    validate(first)
    assert ask(uri=path.as_uri()).json()["id"] != first


def test_unknown_and_others_are_the_same(folder: Path, root: Path, other: Path, ask: Ask) -> None:
    study_file(folder / "a.h5ad")
    theirs = person("neighbour", upload_prefix=prefix_for(OTHER))
    named = f"{root.as_uri()}/{prefix_for('uploader@example.org')}"
    answers = [
        ask(uri=f"{named}missing.h5ad"),
        ask(uri=other.as_uri()),
        ask(uri=f"{named}../{prefix_for(OTHER).split('/')[1]}/theirs.h5ad"),
        ask(uri=f"{named}%2e%2e/{prefix_for(OTHER).split('/')[1]}/theirs.h5ad"),
        ask(uri=(root.parent / "outside.h5ad").as_uri()),
        ask(uri="file:///etc/passwd"),
        ask(uri="s3://another-bucket/a.h5ad"),
        ask(uri="a.h5ad"),
        ask(uri="file://[broken/a.h5ad"),
        ask(uri="https://example.org/a.h5ad"),
        ask(upload_id=str(upload(theirs, uri=other.as_uri()).pk)),
        ask(upload_id="2b1f1e6e-8a43-4a8e-9df1-6d6c1a3a0f52"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {(answer.json()["code"], answer.json()["detail"]) for answer in answers} == {("not_found", checks.UNKNOWN)}
    assert not Job.objects.exists()


@pytest.mark.parametrize("prefix", [None, ""])
def test_without_a_prefix_nothing_is_ones_own(prefix: str | None, other: Path, ask: Ask) -> None:
    assert ask(person("stranger", upload_prefix=prefix), uri=other.as_uri()).status_code == 404


@pytest.mark.parametrize("role", ["curator", "administrator"])
def test_curators_may_name_any_file(role: str, other: Path, ask: Ask) -> None:
    assert work(ask(person(role, role), uri=other.as_uri())).report["would_be_imported"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"uri": "file:///a", "upload_id": "2b1f1e6e-8a43-4a8e-9df1-6d6c1a3a0f52"}, "ambiguous"),
    ],
)
def test_it_is_named_once(body: dict[str, str], code: str, ask: Ask) -> None:
    answer = ask(**body)
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/upload_id", code), ("/uri", code)]


def test_what_has_not_arrived_is_a_conflict(uploader: User, ask: Ask) -> None:
    answer = ask(upload_id=str(sent(uploader).pk))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_there")


def test_a_store_that_is_away_is_unavailable(folder: Path, root: Path, ask: Ask) -> None:
    path = study_file(folder / "a.h5ad")
    root.rename(root.with_name("away"))
    assert ask(uri=path.as_uri()).status_code == 503


def test_nobody_fills_the_queue_with_checks(folder: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_AT_ONCE", 2)
    paths = [study_file(folder / f"{number}.h5ad") for number in range(3)]
    answers = [ask(uri=path.as_uri()) for path in paths]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2]["Retry-After"] == "30"
    work(answers[0])
    assert ask(uri=paths[2].as_uri()).status_code == 202


def test_a_file_replaced_while_it_waited_is_not_checked(folder: Path, ask: Ask) -> None:
    path = study_file(folder / "a.h5ad")
    answer = ask(uri=path.as_uri())
    study_file(path, cells=90)
    job = work(answer)
    assert (job.state, job.error_code) == (Job.State.FAILED, "file_changed")
