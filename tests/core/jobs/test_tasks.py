from pathlib import Path
from uuid import uuid4

import pytest
from celery import current_app
from django.db import transaction

from cellenium_admin.celery import app
from cellenium_admin.core import context
from cellenium_admin.core.context import request_context
from cellenium_admin.core.exceptions import LeaseLostError
from cellenium_admin.core.models import Action, AuditEvent, Job, Outcome
from cellenium_admin.core.running_job import RunningJob
from cellenium_admin.core.tasks import JobSpec, job_task, periodic_task, run_job
from tests.support import tasks
from tests.support.jobs import expire, fresh, kinds, make_due, make_user, queued

pytestmark = pytest.mark.django_db(transaction=True)


def spec(work: object) -> JobSpec:
    return JobSpec(work=work, soft=30, hard=60, stages=())  # type: ignore[arg-type]


def test_success(tmp_path: Path) -> None:
    job = queued(path=str(tmp_path / "out"))
    tasks.write(str(job.pk))
    job = fresh(job)
    assert (job.state, job.report, job.stage) == (Job.State.SUCCEEDED, {"steps": 0}, "writing")
    assert (tmp_path / "out").read_text() == "begin 1\nend 1\n"
    assert kinds(job) == ["queued", "sent", "claimed", "succeeded"]


def test_duplicate_deliveries_do_nothing(tmp_path: Path) -> None:
    job = queued(path=str(tmp_path / "out"))
    for _ in range(3):
        tasks.write(str(job.pk))
    tasks.write(str(uuid4()))
    assert (tmp_path / "out").read_text() == "begin 1\nend 1\n"


def test_application_error_fails_at_once() -> None:
    job = queued("tests.reject")
    tasks.reject(str(job.pk))
    job = fresh(job)
    assert (job.state, job.error_code, job.error_detail) == (Job.State.FAILED, "no_genes", "The file has no genes.")
    assert job.attempts == 1


def test_refusal_goes_into_the_trail() -> None:
    user = make_user()
    job = queued("tests.refuse", owner=user)
    with request_context(request_id=str(uuid4())) as request:
        Job.objects.filter(pk=job.pk).update(request_id=request.request_id)
    tasks.refuse(str(job.pk))
    assert (fresh(job).state, fresh(job).error_code) == (Job.State.FAILED, "forbidden")
    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.actor_id) == (Action.JOB_CANCELLED, Outcome.REFUSED, str(user.pk))
    assert event.request_id == request.request_id


def test_what_breaks_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = queued("tests.crash", path=str(tmp_path / "out"), attempts=2)
    for _ in range(3):
        tasks.crash(str(job.pk))
        make_due(job)
    assert fresh(job).state == Job.State.SUCCEEDED
    assert (tmp_path / "out").read_text() == "begin 1\nbegin 2\nbegin 3\n"
    assert kinds(job).count("retried") == 2
    assert "secret internals" in caplog.text
    assert str(job.pk) in caplog.text


def test_what_breaks_each_time_fails_without_internals(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job = queued("tests.crash", path=str(tmp_path / "out"), attempts=99)
    for _ in range(4):
        tasks.crash(str(job.pk))
        make_due(job)
    job = fresh(job)
    assert (job.state, job.error_code, job.attempts) == (Job.State.FAILED, "internal_error", 3)
    assert "secret" not in job.error_detail
    assert not any("secret" in event.detail for event in job.events.all())


def test_wrong_arguments_end_as_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    job = queued("tests.write", max_attempts=1, nonsense=1)
    tasks.write(str(job.pk))
    assert fresh(job).error_code == "internal_error"


def test_late_work_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    def replaced_meanwhile(job: RunningJob, path: str) -> None:
        expire(row)
        tasks.write(str(row.pk))

    row = queued("tests.write", path="/dev/null")
    run_job(row.pk, spec(replaced_meanwhile))
    assert (fresh(row).state, fresh(row).attempts) == (Job.State.SUCCEEDED, 2)
    assert fresh(row).report == {"steps": 0}
    assert "nothing is written" in caplog.text


@pytest.mark.parametrize("error", [LeaseLostError("gone"), ZeroDivisionError("x")])
def test_late_failure_is_not_written(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def replaced_meanwhile(job: RunningJob, path: str) -> None:
        expire(row)
        tasks.write(str(row.pk))
        raise error

    row = queued("tests.write", path="/dev/null")
    run_job(row.pk, spec(replaced_meanwhile))
    assert fresh(row).state == Job.State.SUCCEEDED


def test_publication_may_finish_the_job_itself() -> None:
    def publish(job: RunningJob) -> None:
        job.report({"by": "itself"})
        with transaction.atomic():
            job.finish()

    row = queued()
    run_job(row.pk, spec(publish))
    assert (fresh(row).state, fresh(row).report) == (Job.State.SUCCEEDED, {"by": "itself"})
    assert kinds(row).count("succeeded") == 1


def test_work_is_done_under_the_request_that_asked_for_it() -> None:
    seen: list[str] = []
    with request_context(request_id="r-1"):
        row = queued()
    run_job(row.pk, spec(lambda job: seen.append(context.current().request_id)))
    assert seen == ["r-1"]


class TestDeclaration:
    def test_both_limits_are_needed(self) -> None:
        for declare in (job_task, periodic_task):
            with pytest.raises(TypeError):
                declare(name="tests.x", soft=1)  # type: ignore[call-arg]
            with pytest.raises(ValueError, match="hard time limit"):
                declare(name="tests.x", soft=10, hard=10)

    def test_options_of_job_tasks(self) -> None:
        task = tasks.write
        assert (task.acks_late, task.reject_on_worker_lost, task.ignore_result) == (True, True, True)
        assert (task.soft_time_limit, task.time_limit, task.max_retries) == (30, 60, 0)

    def test_every_task_of_ours_has_both_limits(self) -> None:
        app.loader.import_default_modules()
        ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
        assert "core.sweep_jobs" in ours
        assert all(task.soft_time_limit < task.time_limit for task in ours.values())

    def test_visibility_is_longer_than_the_longest_limit(self) -> None:
        visibility = app.conf.broker_transport_options["visibility_timeout"]
        assert all(task.time_limit < visibility for task in app.tasks.values() if task.time_limit)

    def test_what_beat_sends_exists(self) -> None:
        app.loader.import_default_modules()
        assert "core.sweep_jobs" in {entry["task"] for entry in app.conf.beat_schedule.values()}

    def test_application_is_the_current_one(self) -> None:
        assert current_app.main == "cellenium_admin"
