import io
import json
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from cellenium_admin.core.models import Action, AuditEvent, Job
from cellenium_admin.core.services import job_leases
from tests.support.jobs import claimed, fresh, make_user, queued


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("jobs", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_list(db: None) -> None:
    job = queued(owner=make_user())
    running, lease = claimed()
    job_leases.write(lease, stage="writing", done=3, total=10)
    text = run("list")
    assert str(job.pk) in text
    assert "writing  3 of 10" in text
    only = json.loads(run("list", "--state", "running", "--json"))
    assert [entry["id"] for entry in only] == [str(running.pk)]
    assert len(run("list", "--limit", "1").splitlines()) == 1


def test_show_with_history(db: None) -> None:
    job, lease = claimed(queued(owner=make_user()))
    job_leases.fail(lease, code="no_genes", detail="The file has no genes.")
    text = run("show", str(job.pk))
    assert "The file has no genes." in text
    assert "ada@example.org" in text
    facts = json.loads(run("show", str(job.pk), "--json"))
    assert [event["kind"] for event in facts["events"]] == ["queued", "claimed", "failed"]


@pytest.mark.django_db(transaction=True)
def test_cancel() -> None:
    job = queued()
    assert "Cancelled." in run("cancel", str(job.pk))
    assert fresh(job).state == Job.State.CANCELLED
    assert AuditEvent.objects.get().action == Action.JOB_CANCELLED
    with pytest.raises(CommandError, match="ended already"):
        run("cancel", str(job.pk))
    running, _ = claimed()
    assert "asked to stop" in run("cancel", str(running.pk))


def test_unknown_job(db: None) -> None:
    with pytest.raises(CommandError, match="no job with this id"):
        run("show", str(uuid4()))
