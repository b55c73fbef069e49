"""A file imported again after an import that did not end well; refused where there is nothing to repeat."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.services import jobs
from imports.models import ImportRun
from imports.services import retries
from studies.models import Study
from tests.builders.h5ad import replace, study_file
from tests.builders.people import caller, person
from tests.imports.conftest import Deliver

pytestmark = pytest.mark.django_db(transaction=True)
Newest = Callable[[], ImportRun]
ACTOR = Actor.system("test")


@pytest.fixture
def broken(folder: Path, root: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> ImportRun:
    """An import that failed because the store stayed away."""
    study_file(folder / "a.h5ad")
    scan()
    root.rename(root.with_name("away"))
    for _ in range(3):
        deliver(newest_run())
    root.with_name("away").rename(root)
    run = newest_run()
    assert run.state == ImportRun.State.FAILED
    return run


def again(run: ImportRun, user: User, **body: Any) -> Any:
    return caller(user).post(f"/api/v1/imports/{run.pk}/retry", body)


def test_a_failed_import_is_repeated(broken: ImportRun, uploader: User, deliver: Deliver) -> None:
    answer = again(broken, uploader, reason="The disk is there again.")
    assert answer.status_code == 201, answer.content
    run = ImportRun.objects.select_related("job").get(pk=answer.json()["id"])
    assert (run.upload_id, run.state, run.job.owner) == (broken.upload_id, ImportRun.State.RECEIVED, uploader)
    assert answer["Location"] == f"/api/v1/imports/{run.pk}"
    shown = caller(uploader).get(answer["Location"]).json()
    assert (shown["state"], shown["upload"], shown["findings"]) == ("received", str(broken.upload_id), [])
    event = AuditEvent.objects.get(action=Action.IMPORT_RETRIED)
    assert (event.object_id, event.reason) == (str(run.pk), "The disk is there again.")
    assert event.details["earlier_run_id"] == str(broken.pk)
    assert deliver(run).state == Job.State.SUCCEEDED
    assert Study.objects.get().current_version_id == run.pk


def test_a_refused_import_is_repeated(
    folder: Path, uploader: User, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    replace(study_file(folder / "a.h5ad"), "uns/cellenium/title", "")
    scan()
    assert deliver(newest_run()).error_code == "file_rejected"
    answer = again(newest_run(), uploader)
    assert answer.status_code == 201
    assert deliver(newest_run()).error_code == "file_rejected"
    assert [run.state for run in ImportRun.objects.all()] == ["rejected", "rejected"]
    findings = caller(uploader).get(answer["Location"]).json()["findings"]
    assert findings[0]["path"] == "uns['cellenium']['title']"


def test_a_cancelled_import_is_repeated(
    folder: Path, uploader: User, scan: Any, newest_run: Newest, deliver: Deliver
) -> None:
    study_file(folder / "a.h5ad")
    scan()
    jobs.cancel(job=newest_run().job, actor=ACTOR)
    assert again(newest_run(), uploader).status_code == 201
    assert deliver(newest_run()).state == Job.State.SUCCEEDED


def test_a_request_sent_twice_makes_one_run(broken: ImportRun, uploader: User) -> None:
    client = caller(uploader)
    address = f"/api/v1/imports/{broken.pk}/retry"
    answers = [client.post(address, {}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert ImportRun.objects.count() == 2


def test_one_that_is_under_way_is_not_repeated(broken: ImportRun, uploader: User) -> None:
    assert again(broken, uploader).status_code == 201
    answer = again(broken, uploader)
    assert (answer.status_code, answer.json()["code"]) == (409, "being_imported")


def test_one_that_was_published_is_not_repeated(broken: ImportRun, uploader: User, deliver: Deliver) -> None:
    made = ImportRun.objects.get(pk=again(broken, uploader).json()["id"])
    deliver(made)
    for run in (broken, made):
        answer = again(run, uploader)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_imported")


def test_a_file_that_changed_is_not_repeated(broken: ImportRun, folder: Path, uploader: User) -> None:
    study_file(folder / "a.h5ad", cells=90)
    answer = again(broken, uploader)
    assert (answer.status_code, answer.json()["code"]) == (409, "file_changed")
    (folder / "a.h5ad").unlink()
    answer = again(broken, uploader)
    assert (answer.status_code, answer.json()["code"]) == (409, "file_gone")
    assert ImportRun.objects.count() == 1


def test_a_file_of_a_former_store_is_not_repeated(
    broken: ImportRun, uploader: User, settings: Any, tmp_path: Path
) -> None:
    settings.H5AD_STORE = str(tmp_path)
    answer = again(broken, uploader)
    assert (answer.status_code, answer.json()["code"]) == (409, "other_store")


def test_a_full_quota_stops_its_owner_and_no_administrator(broken: ImportRun, uploader: User, settings: Any) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    answer = again(broken, uploader)
    assert (answer.status_code, answer.json()["code"]) == (409, "quota_exceeded")
    assert again(broken, person("administrator", "administrator")).status_code == 201


def test_others_do_not_know_of_it(broken: ImportRun) -> None:
    for user in (person("neighbour"), person("curator", "curator")):
        assert again(broken, user).status_code == 404
        assert caller(user).get(f"/api/v1/imports/{broken.pk}").status_code == 404


def test_two_at_once_make_one_run(broken: ImportRun, monkeypatch: pytest.MonkeyPatch) -> None:
    look = retries.check_unchanged

    def overtaken(upload: Any) -> None:
        look(upload)
        monkeypatch.setattr(retries, "check_unchanged", look)
        retries.retry(run=broken, actor=ACTOR)

    monkeypatch.setattr(retries, "check_unchanged", overtaken)
    with pytest.raises(Exception, match="is being imported"):
        retries.retry(run=broken, actor=ACTOR)
    assert ImportRun.objects.count() == 2


def test_an_administrator_repeats_it_on_its_page(broken: ImportRun, client: Client) -> None:
    client.force_login(person("administrator", "administrator"))
    page = f"/admin/imports/importrun/{broken.pk}/retry/"
    assert "retry/" in client.get(f"/admin/imports/importrun/{broken.pk}/change/").content.decode()
    shown = client.get(page)
    assert "even beyond its owner" in shown.content.decode()
    seen = shown.context["seen"]
    answer = client.post(page, {"step": "confirm", "seen": seen, "reason": "The disk is there again."})
    run = ImportRun.objects.exclude(pk=broken.pk).get()
    assert answer["Location"] == f"/admin/imports/importrun/{run.pk}/change/"
    assert AuditEvent.objects.get(action=Action.IMPORT_RETRIED).actor_label == "administrator@example.org"
    assert client.get(page).status_code == 302, "it is under way"
