"""Names hold tasks and callers together, so every name that is used must belong to a task, and every limit must fit."""

import ast
from collections.abc import Iterator

import pytest
from celery import Celery, Task
from django.conf import settings

from cellenium_admin.celery import app as application
from studies.models import Analysis
from tests.tools.conventions import Source, sources

OURS = ("core.", "imports.", "studies.", "grants.")


@pytest.fixture(scope="module")
def tasks() -> dict[str, "Task[..., None]"]:
    application.loader.import_default_modules()
    application.finalize()
    return {name: task for name, task in application.tasks.items() if name.startswith(OURS)}


def constants(source: Source) -> dict[str, str]:
    """Module-level names of texts."""
    return {
        target.id: node.value.value
        for node in source.tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def enqueued(source: Source) -> Iterator[tuple[str, str]]:
    """Where `enqueue` and `on_job_end` are called, and with which task's names; one we cannot tell is empty."""
    names = {name: text for other in sources() if other.in_product for name, text in constants(other).items()}
    names |= constants(source)
    for call, name in source.calls():
        if name not in {"enqueue", "on_job_end"} or not call.args:
            continue
        place, argument = f"{source.path}:{call.lineno}", call.args[0]
        if isinstance(argument, ast.Constant):
            yield place, str(argument.value)
        elif ast.unparse(argument) == "f'studies.{kind}'":
            yield from ((place, f"studies.{kind}") for kind in Analysis.Kind)
        else:
            yield place, names.get(argument.attr if isinstance(argument, ast.Attribute) else ast.unparse(argument), "")


def test_every_beat_entry_is_a_task(tasks: dict[str, "Task[..., None]"]) -> None:
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= tasks.keys()


def test_what_beat_starts_expires_before_it_is_started_again() -> None:
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert 0 < entry["options"]["expires"] <= entry["schedule"]


def test_every_enqueued_name_is_a_task(tasks: dict[str, "Task[..., None]"]) -> None:
    uses = [use for source in sources() if source.in_product for use in enqueued(source)]
    assert {name for _, name in uses} == {
        "imports.run_import",
        "imports.validate",
        "studies.analysis_part",
        "studies.correlation",
        "studies.differential_expression",
        "studies.pseudobulk",
    }
    assert [(place, name) for place, name in uses if name not in tasks] == []


def test_a_name_without_a_task_is_found(tasks: dict[str, "Task[..., None]"]) -> None:
    uses = list(enqueued(Source("studies/services/x.py", 'NAME = "studies.x"\njobs.enqueue(NAME)\nenqueue(other)\n')))
    assert uses == [("studies/services/x.py:2", "studies.x"), ("studies/services/x.py:3", "")]
    assert not {name for _, name in uses} & tasks.keys()


def test_every_task_has_both_limits(tasks: dict[str, "Task[..., None]"]) -> None:
    assert tasks
    for task in tasks.values():
        assert 0 < task.soft_time_limit < task.time_limit, task.name


def test_broker_waits_longer_than_any_task_may_run(tasks: dict[str, "Task[..., None]"]) -> None:
    redelivered = {task.name: task.time_limit for task in tasks.values() if task.acks_late}
    assert "imports.run_import" in redelivered
    assert max(redelivered.values()) < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_every_task_has_a_queue_the_workers_listen_to(tasks: dict[str, "Task[..., None]"]) -> None:
    queues = {queue.name for queue in settings.CELERY_TASK_QUEUES}
    assert {queue_of(application, name) for name in tasks} <= queues == {"default", "imports", "compute"}
    assert queue_of(application, "imports.run_import") == "imports"
    assert queue_of(application, "studies.correlation") == "compute"
    assert queue_of(application, "core.sweep_jobs") == "default"


def queue_of(app: Celery, name: str) -> str:
    return str(app.amqp.router.route({}, name)["queue"].name)
