"""How a task is declared: the one way for jobs, the one way for periodic work, and the kernel's own periodic tasks."""

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Concatenate, TypeAlias
from uuid import UUID

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.sessions.backends.db import SessionStore

from cellenium_admin.core.context import Actor, request_context
from cellenium_admin.core.exceptions import (
    ApplicationError,
    JobCancelledError,
    JobPostponedError,
    LeaseLostError,
    RefusedError,
)
from cellenium_admin.core.heartbeat import Heartbeat
from cellenium_admin.core.models import Job, User
from cellenium_admin.core.running_job import RunningJob, renew_connection
from cellenium_admin.core.services import audit, audit_checkpoints, idempotency, job_leases, job_sweep

logger = logging.getLogger(__name__)

_specs: dict[str, "JobSpec"] = {}

JobTask: TypeAlias = "Task[..., None]"
Work = Callable[Concatenate[RunningJob, ...], None]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What a job's task was declared with."""

    work: Work
    soft: int
    hard: int
    stages: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)


def job_task(
    *, name: str, soft: int, hard: int, stages: Sequence[str] = (), units: Mapping[str, str] | None = None
) -> Callable[[Work], JobTask]:
    """Declare the task behind the jobs of a name: `def work(job: RunningJob, **args)`, called with the job's args.

    After `soft` seconds the work is interrupted and the job fails with `time_limit`; after `hard` its process is
    killed. An ApplicationError fails the job with its code and sentence. Whatever else it raises is tried again
    until the job's `max_attempts`, so the work must be repeatable. It returns nothing; see RunningJob.report.
    `units` says of stages what their progress counts.
    """
    _check_limits(name, soft, hard)

    def declare(work: Work) -> JobTask:
        spec = JobSpec(work=work, soft=soft, hard=hard, stages=tuple(stages), units=dict(units or {}))
        _specs[name] = spec

        @_task(name, soft, hard, acks_late=True, reject_on_worker_lost=True)
        def deliver(job_id: str) -> None:
            run_job(UUID(job_id), spec)

        return deliver

    return declare


def periodic_task(*, name: str, soft: int, hard: int) -> Callable[[Callable[[], None]], JobTask]:
    """Declare a task that beat starts: it may be skipped, or run twice at the same time."""
    _check_limits(name, soft, hard)
    return _task(name, soft, hard)


def run_job(job_id: UUID, spec: JobSpec) -> None:
    """Work on a job, if this delivery may, and write down how it ended."""
    job = job_leases.claim(job_id=job_id, worker=f"{socket.gethostname()}/{os.getpid()}")
    if job is None:
        logger.info("Job %s is not waiting for anybody; this delivery is dropped.", job_id)
        return
    _run(job, spec)


def run_here(job: Job) -> None:
    """Do the work of a job this process has just claimed, as a worker would; for commands.

    Its task is found by name in the tasks of the app the name begins with, as workers find it.
    """
    import_module(f"{job.name.partition('.')[0]}.tasks")
    _run(job, _specs[job.name])


def _run(job: Job, spec: JobSpec) -> None:
    running = RunningJob(job, stages=spec.stages, units=spec.units)
    with request_context(request_id=job.request_id):
        try:
            _work(running, spec, job.args)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the job's row must tell of it
            _settle(running, spec, error)


def _work(running: RunningJob, spec: JobSpec, args: dict[str, Any]) -> None:
    overdue = (spec.soft + spec.hard) / 2
    with Heartbeat(running, deadline_seconds=overdue, deadline_detail=_too_long(spec)):
        spec.work(running, **args)
    if not running.ended:
        running.finish()


def _settle(running: RunningJob, spec: JobSpec, error: Exception) -> None:
    renew_connection()
    try:
        _write_end(running, spec, error)
    except LeaseLostError:
        logger.warning("Job %s ended here (%r) after its lease was lost; nothing is written.", running.id, error)


def _write_end(running: RunningJob, spec: JobSpec, error: Exception) -> None:
    match error:
        case LeaseLostError():
            raise error
        case JobCancelledError():
            job_leases.stop(running.lease)
        case JobPostponedError():
            job_leases.postpone(running.lease, reason=str(error))
        case SoftTimeLimitExceeded():
            job_leases.fail(running.lease, code="time_limit", detail=_too_long(spec))
        case ApplicationError():
            job_leases.fail(running.lease, code=error.code, detail=error.detail)
            if isinstance(error, RefusedError):
                audit.record_refusal(error, actor=_actor(running))
        case _:
            logger.error("Job %s (%s) broke at attempt %d.", running.id, running.name, running.attempt, exc_info=error)
            job_leases.retry(running.lease, reason=type(error).__name__)


def _actor(running: RunningJob) -> Actor:
    owner = User.objects.filter(pk=running.owner_id).first() if running.owner_id else None
    return Actor.of(owner) if owner else Actor.system(running.name)


def _too_long(spec: JobSpec) -> str:
    return f"It ran for more than {spec.soft} seconds, the longest this work may take, and was stopped."


def _task(name: str, soft: int, hard: int, **options: Any) -> Callable[[Callable[..., None]], JobTask]:
    return shared_task(name=name, soft_time_limit=soft, time_limit=hard, ignore_result=True, max_retries=0, **options)


def _check_limits(name: str, soft: int, hard: int) -> None:
    if not 0 < soft < hard:
        raise ValueError(f"{name}: the hard time limit ({hard} s) must be above the soft one ({soft} s).")


@periodic_task(name="core.sweep_jobs", soft=120, hard=180)
def sweep_jobs() -> None:
    """Take back what dead workers held, send again what the broker lost; several at once do no harm."""
    for job_id in job_sweep.silent_jobs():
        try:
            job_leases.take_back(job_id=job_id)
        except Exception:
            logger.exception("Job %s cannot be taken back; the others can.", job_id)
    job_sweep.resend_lost()


@periodic_task(name="core.sweep_idempotency_keys", soft=120, hard=180)
def sweep_idempotency_keys() -> None:
    """Forget the Idempotency-Keys that are past their time; several at once do no harm."""
    idempotency.sweep()


@periodic_task(name="core.sweep_sessions", soft=120, hard=180)
def sweep_sessions() -> None:
    """Forget browser sessions that have ended, of strangers too, who get one when they begin a login."""
    SessionStore.clear_expired()


@periodic_task(name="core.sign_checkpoint", soft=1800, hard=1860)
def sign_checkpoint() -> None:
    """Sign how far the trail has come; what keeps it from that fails the task, so that the log tells."""
    audit_checkpoints.sign(actor=Actor.system("core.sign_checkpoint"))
