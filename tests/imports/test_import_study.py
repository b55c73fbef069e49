"""`import_study`: one import from its beginning to its end in this process, whatever workers do meanwhile."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action, AuditEvent, Job, User
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.services import job_broker, job_leases, jobs
from imports import tasks
from imports.management.progress import CopyProgress, bar, described, duration
from imports.models import ImportRun, Upload
from imports.services import direct
from studies.models import Study, StudyVersion
from tests.builders.h5ad import remove, replace, study_file
from tests.imports.conftest import Deliver
from tests.support.jobs import kinds

pytestmark = pytest.mark.django_db(transaction=True)
Newest = Callable[[], ImportRun]


class Terminal(io.StringIO):
    """Where a person looks."""

    def isatty(self) -> bool:
        return True


def run(*arguments: object, err: io.StringIO | None = None) -> Any:
    """Run the command for programs; gives what it printed, and its exit code under "code"."""
    out, code = io.StringIO(), 0
    try:
        call_command("import_study", *map(str, arguments), "--json", stdout=out, stderr=err or io.StringIO())
    except CommandError as error:
        code = error.returncode
    return {"code": code, **(json.loads(out.getvalue()) if out.getvalue() else {})}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A study that does not lie in the store."""
    return study_file(tmp_path / "my study.h5ad")


def test_a_path_outside_the_store_is_copied_in_and_imported(
    elsewhere: Path, root: Path, everything_on_disk: Any
) -> None:
    told = run(elsewhere)
    study, version = Study.objects.get(), StudyVersion.objects.get()
    assert (told["code"], told["study_id"], told["version_id"]) == (0, str(study.pk), str(version.pk))
    assert (told["cells"], told["genes"]) == (60, 30)
    assert [finding["code"] for finding in told["findings"]] == ["genes_not_matched"]
    (copy,) = root.rglob("*.h5ad")
    assert copy.read_bytes() == elsewhere.read_bytes()
    assert study.source_uri == copy.as_uri()
    assert re.fullmatch(r"input/imported/[0-9a-f]{64}/my_study\.h5ad", copy.relative_to(root).as_posix())
    assert everything_on_disk() == {"STORE_DIR": [str(version.pk)], "SCRATCH_DIR": []}
    job = Job.objects.get(name="imports.run_import")
    assert (job.state, job.attempts, kinds(job)[0]) == (Job.State.SUCCEEDED, 1, "queued")
    assert {event.actor_id for event in AuditEvent.objects.filter(action=Action.UPLOAD_FOUND)} == {"command"}


def test_the_same_file_again_is_the_same_version(elsewhere: Path, root: Path) -> None:
    first = run(elsewhere)
    assert run(elsewhere) == first
    assert run(next(root.rglob("*.h5ad"))) == first
    assert (StudyVersion.objects.count(), Upload.objects.count(), len(list(root.rglob("*.h5ad")))) == (1, 1, 1)


@pytest.mark.parametrize("by_path", [True, False])
def test_a_file_in_the_store_is_its_owners(by_path: bool, folder: Path, uploader: User) -> None:
    path = study_file(folder / "a.h5ad")
    assert run(path if by_path else path.as_uri())["code"] == 0
    assert Upload.objects.get().owner == uploader
    assert Study.objects.get().source_uri == path.as_uri()
    assert Study.objects.get().access.get().user == uploader


def test_no_worker_has_the_job_before_it_is_claimed_here(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def send(*, job_id: Any, name: str) -> bool:
        """Deliver at once, as a broker with an idle worker would."""
        if name == "imports.run_import":
            seen.append(job_leases.claim(job_id=job_id, worker="quick"))
        return True

    monkeypatch.setattr(job_broker, "send", send)
    assert run(elsewhere)["code"] == 0
    assert seen
    assert set(seen) == {None}


def test_a_refused_file_is_told_with_its_findings(elsewhere: Path) -> None:
    remove(elsewhere, "uns/cellenium/title")
    told = run(elsewhere)
    assert (told["code"], told["study_id"], told["cells"]) == (1, None, None)
    assert [(one["severity"], one["path"]) for one in told["findings"]] == [("error", "uns['cellenium']['title']")]
    assert not Study.objects.exists()
    assert run(elsewhere)["code"] == 1, "asked again it is tried again"
    assert [one.state for one in ImportRun.objects.all()] == ["rejected", "rejected"]


def test_findings_are_printed_as_validate_h5ad_prints_them(elsewhere: Path) -> None:
    replace(remove(elsewhere, "uns/cellenium/title"), "uns/cellenium/taxonomy_id", 7227)
    told, checked = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="was not imported: The file was refused") as raised:
        call_command("import_study", str(elsewhere), stdout=told, stderr=io.StringIO())
    assert raised.value.returncode == 1
    with pytest.raises(CommandError):
        call_command("validate_h5ad", str(elsewhere), stdout=checked, stderr=io.StringIO())
    assert told.getvalue() == checked.getvalue() != ""


def test_people_are_told_the_study(elsewhere: Path) -> None:
    out = io.StringIO()
    call_command("import_study", str(elsewhere), stdout=out, stderr=io.StringIO())
    version = StudyVersion.objects.get()
    assert out.getvalue().endswith(f"Study {version.study_id}, version 1 ({version.pk}): 60 cells, 30 genes.\n")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("/nowhere/a.h5ad", "is not a file"),
        ("/etc/hostname", "ends neither"),
        ("s3://another/a.h5ad", "does not lie in the h5ad store"),
        ("file:///nowhere/a.h5ad", "does not lie in the h5ad store"),
    ],
)
def test_what_cannot_be_imported_is_no_refused_file(where: str, words: str, root: Path) -> None:
    with pytest.raises(CommandError, match=words) as raised:
        call_command("import_study", where)
    assert raised.value.returncode == 2


def test_nothing_is_there(root: Path) -> None:
    with pytest.raises(CommandError, match="There is no file") as raised:
        call_command("import_study", f"{root.as_uri()}/input/a.h5ad")
    assert raised.value.returncode == 2


def test_a_store_that_is_away(elsewhere: Path, root: Path) -> None:
    root.rmdir()
    assert run(elsewhere) == {"code": 2}


def test_for_a_study_that_is_there(elsewhere: Path, folder: Path, uploader: User, scan: Any) -> None:
    first = run(study_file(folder / "a.h5ad", cells=90))
    told = run(elsewhere, "--study", first["study_id"])
    study = Study.objects.get()
    assert (told["code"], told["study_id"], told["cells"]) == (0, first["study_id"], 60)
    assert (study.current_version.number, study.access.get().user) == (2, uploader)  # type: ignore[union-attr]
    assert "/imported/" in study.source_uri
    event = AuditEvent.objects.get(action=Action.STUDY_SOURCE_CHANGED)
    assert (event.before, event.after) == (
        {"source_uri": (folder / "a.h5ad").as_uri()},
        {"source_uri": study.source_uri},
    )
    assert run(elsewhere, "--study", first["study_id"]) == told, "asked again there is nothing to do"


def test_a_file_of_another_study_is_refused(elsewhere: Path, folder: Path) -> None:
    first, other = run(study_file(folder / "a.h5ad")), run(elsewhere)
    assert run(elsewhere, "--study", first["study_id"]) == {"code": 2}
    assert {str(version.study_id) for version in StudyVersion.objects.all()} == {first["study_id"], other["study_id"]}
    assert not AuditEvent.objects.filter(action=Action.STUDY_SOURCE_CHANGED).exists()


def test_a_file_that_became_another_studys_meanwhile_is_refused(
    elsewhere: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(study_file(folder / "a.h5ad"))
    publish = tasks.Attempt._publish

    def overtaken(self: tasks.Attempt, *arguments: Any) -> None:
        Study.objects.create(name="Another", source_uri=self.run.upload.uri)
        publish(self, *arguments)

    monkeypatch.setattr(tasks.Attempt, "_publish", overtaken)
    assert run(elsewhere, "--study", first["study_id"])["code"] == 2
    assert ImportRun.objects.latest("created_at").job.error_code == "other_study"
    assert StudyVersion.objects.count() == 1


def test_an_unknown_study(elsewhere: Path) -> None:
    assert run(elsewhere, "--study", "2b1f1e6e-8a43-4a8e-9df1-6d6c1a3a0f52") == {"code": 2}
    assert not Upload.objects.exists()


def test_what_the_scan_has_queued_is_done_here(folder: Path, scan: Any, newest_run: Newest) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    queued = newest_run()
    assert run(path)["version_id"] == str(queued.pk)
    assert ImportRun.objects.count() == 1


def test_what_the_scan_has_queued_gets_its_study(folder: Path, scan: Any) -> None:
    first = run(study_file(folder / "a.h5ad"))
    path = study_file(folder / "b.h5ad", cells=90)
    scan()
    assert run(path, "--study", first["study_id"])["study_id"] == first["study_id"]
    assert Study.objects.count() == 1


def test_what_a_worker_has_gets_no_study_any_more(folder: Path, scan: Any, newest_run: Newest) -> None:
    first = run(study_file(folder / "a.h5ad"))
    path = study_file(folder / "b.h5ad", cells=90)
    scan()
    assert job_leases.claim(job_id=newest_run().job_id, worker="quick") is not None
    with pytest.raises(CommandError, match="as a study of its own") as raised:
        call_command("import_study", str(path), "--study", first["study_id"])
    assert raised.value.returncode == 2


def test_what_was_imported_for_one_study_is_not_another_ones_too(elsewhere: Path, folder: Path) -> None:
    one, other = (run(study_file(folder / name)) for name in ("a.h5ad", "b.h5ad"))
    assert run(elsewhere, "--study", one["study_id"])["code"] == 0
    moved = study_file(folder / "c.h5ad", cells=90)
    assert run(moved, "--study", one["study_id"])["code"] == 0
    with pytest.raises(CommandError, match="was imported as study"):
        call_command("import_study", str(elsewhere), "--study", other["study_id"])
    assert StudyVersion.objects.filter(study=other["study_id"]).count() == 1


def test_what_a_worker_has_is_followed(folder: Path, scan: Any, newest_run: Newest, deliver: Deliver) -> None:
    path = study_file(folder / "a.h5ad")
    scan()
    queued, told = newest_run(), []
    publish = tasks.Attempt._publish

    def looked_at(self: tasks.Attempt, *arguments: Any) -> None:
        told.append(
            direct.begin(file=direct.stored_file(str(path), on_bytes=print), target=None, actor=Actor.system("test"))
        )
        publish(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks.Attempt, "_publish", looked_at)
        assert deliver(queued).state == Job.State.SUCCEEDED
    assert told == [(queued, None)]
    assert run(path)["version_id"] == str(queued.pk)


def test_a_retry_that_waits_is_begun_at_once(
    folder: Path, root: Path, scan: Any, newest_run: Newest, deliver: Deliver, settings: Any
) -> None:
    settings.RETRY_SECONDS = 600
    path = study_file(folder / "a.h5ad")
    scan()
    root.rename(root.with_name("away"))
    assert deliver(newest_run()).state == Job.State.QUEUED
    root.with_name("away").rename(root)
    assert run(path)["code"] == 0
    assert Job.objects.get(name="imports.run_import").attempts == 2


def test_a_file_beyond_the_quota_is_let_in(folder: Path, scan: Any, settings: Any) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    path = study_file(folder / "a.h5ad")
    scan()
    assert Upload.objects.get().state == Upload.State.HELD
    assert run(path)["code"] == 0
    assert AuditEvent.objects.get(action=Action.UPLOAD_RELEASED).actor_id == "command"


def test_an_interrupted_copy_leaves_nothing(elsewhere: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, done: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CopyProgress, "__call__", interrupted)
    assert run(elsewhere) == {"code": 2}
    assert [path for path in root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("stage", ["download", "convert"])
def test_an_interrupted_import_is_cancelled(
    stage: str, elsewhere: Path, everything_on_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = RunningJob.stage

    def interrupted(self: RunningJob, name: str, total: int = 0) -> None:
        begin(self, name, total)
        if name == stage:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunningJob, "stage", interrupted)
    assert run(elsewhere)["code"] == 2
    assert ImportRun.objects.get().state == ImportRun.State.CANCELLED
    assert everything_on_disk() == {"STORE_DIR": [], "SCRATCH_DIR": []}
    monkeypatch.undo()


def test_a_cancelled_one_is_not_done(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = RunningJob.stage

    def cancelling(self: RunningJob, name: str, total: int = 0) -> None:
        begin(self, name, total)
        if name == "convert":
            jobs.cancel(job=Job.objects.get(pk=self.id), actor=Actor.system("test"))

    monkeypatch.setattr(RunningJob, "stage", cancelling)
    assert run(elsewhere)["code"] == 2
    assert ImportRun.objects.get().state == ImportRun.State.CANCELLED


def test_a_terminal_sees_a_bar_and_a_log_sees_lines(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(state=Job.State.RUNNING, stage="convert", done=30, total=60, unit="cells")
    monkeypatch.setattr("imports.management.progress.LOOK_SECONDS", 0.001)
    log = io.StringIO()
    assert run(elsewhere, err=log)["code"] == 0
    assert "\x1b" not in log.getvalue()
    assert "\r" not in log.getvalue()
    terminal = Terminal()
    remove(elsewhere, "uns/cellenium/title")
    assert run(elsewhere, err=terminal)["code"] == 1
    assert "\r\x1b[K[" in terminal.getvalue()
    assert "copying" in log.getvalue()
    assert "copying" in terminal.getvalue()
    assert (bar(job.done, job.total), described(job)) == (f"[{'#' * 15}{'.' * 15}]", "convert: 30 of 60 cells")
    assert [duration(seconds) for seconds in (5, 65, 7384)] == ["5 s", "1 min 5 s", "2 h 3 min"]
