"""Jobs from the command line."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from cellenium_admin.core.exceptions import NotFoundError
from cellenium_admin.core.management.service_command import ACTOR, ServiceCommand
from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import jobs


class Command(ServiceCommand):
    """Lists jobs, shows one with its history, cancels one."""

    help = "List jobs, show one with its history, cancel one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare one parser for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="show jobs, newest first")
        listing.add_argument("--state", choices=Job.State.values, action="append", help="may be given several times")
        listing.add_argument("--limit", type=int, default=20)
        showing = verbs.add_parser("show", help="show one job with its history")
        cancelling = verbs.add_parser("cancel", help="cancel a waiting job, ask a running one to stop")
        for verb in (showing, cancelling):
            verb.add_argument("job", metavar="ID", type=UUID, help="as `jobs list` shows it")
        for verb in (listing, showing):
            verb.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        del args
        verbs: dict[str, Callable[..., None]] = {"list": self.show_all, "show": self.show, "cancel": self.cancel}
        verbs[options["verb"]](**options)

    def show_all(self, *, state: list[str] | None, limit: int, json: bool, **_: Any) -> None:
        """List jobs, newest first."""
        selected = Job.objects.filter(state__in=state) if state else Job.objects.all()
        found = list(selected.select_related("owner")[:limit])
        if json:
            self.print_json([_facts(job) for job in found])
            return
        for job in found:
            self.stdout.write(
                f"{job.pk}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.state:<9}  {job.name}  {_where(job)}"
            )

    def show(self, *, job: UUID, json: bool, **_: Any) -> None:
        """Show one job with its history."""
        found = _find(job)
        events = list(found.events.all())
        if json:
            self.print_json({**_facts(found), "events": [_event_facts(event) for event in events]})
            return
        for name, value in _facts(found).items():
            self.stdout.write(f"{name:<14} {value}")
        for event in events:
            at = f"{event.at:%Y-%m-%d %H:%M:%S.%f}"
            self.stdout.write(f"  {at}  {event.kind:<16}  attempt {event.attempt}  {event.detail}")

    def cancel(self, *, job: UUID, **_: Any) -> None:
        """Cancel a job."""
        cancelled = jobs.cancel(job=_find(job), actor=ACTOR)
        self.note("Cancelled." if cancelled.is_finished else "It is running and was asked to stop.")


def _find(job_id: UUID) -> Job:
    job = Job.objects.select_related("owner").filter(pk=job_id).first()
    if job is None:
        raise NotFoundError("There is no job with this id; `jobs list` shows them.")
    return job


def _where(job: Job) -> str:
    counts = f"{job.done} of {job.total}" if job.total else ""
    return "  ".join(part for part in (job.stage, counts, job.error_code) if part)


def _facts(job: Job) -> dict[str, object]:
    return {
        "id": job.pk,
        "name": job.name,
        "owner": job.owner.label if job.owner else None,
        "state": job.state,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "report": job.report,
        "error_code": job.error_code,
        "error_detail": job.error_detail,
        "attempts": job.attempts,
        "worker": job.worker,
        "heartbeat_at": job.heartbeat_at,
        "created_at": job.created_at,
        "sent_at": job.sent_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _event_facts(event: JobEvent) -> dict[str, object]:
    return {"at": event.at, "kind": event.kind, "attempt": event.attempt, "detail": event.detail}
