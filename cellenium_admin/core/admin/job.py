"""Jobs: what runs, how far it is, what went wrong, and a way to stop it."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.base import ReadOnlyAdmin, ReadOnlyInline, column, definition_list, progress_bar
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Job, JobEvent
from cellenium_admin.core.services import jobs

STATE_COLOURS = {
    "queued": "info",
    "running": "warning",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "default",
}


class JobEventInline(ReadOnlyInline):
    """The history of the job."""

    model = JobEvent
    fields = ("at", "kind", "attempt", "detail")
    readonly_fields = fields
    verbose_name_plural = "history"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work, one's own; administrators see all."""

    list_display = ("name", "state_label", "stage", "progress", "owner", "created_at", "finished_at")
    list_filter = ("state", "name")
    list_select_related = ("owner",)
    search_fields = ("id", "name", "subject_id")
    date_hierarchy = "created_at"
    inlines = (JobEventInline,)
    actions = ("cancel",)
    fields = (
        ("name", "state_label"),
        ("stage", "progress"),
        ("error_code", "error_detail"),
        "report_list",
        ("owner", "worker"),
        ("attempts", "max_attempts"),
        ("created_at", "started_at", "finished_at"),
        ("heartbeat_at", "lease_until"),
        "id",
        "request_id",
    )

    @column(description="State", label=STATE_COLOURS, ordering="state")
    def state_label(self, job: Job) -> str:
        """Show the state as a coloured label."""
        return job.state

    @column(description="Progress")
    def progress(self, job: Job) -> SafeString:
        """Draw how far it is, with what is counted and the time left where one can tell."""
        left = "" if job.seconds_left is None else f", {timedelta(seconds=job.seconds_left)} left"
        return format_html("{} {}{}", progress_bar(done=job.done, total=job.total), job.unit, left)

    @column(description="Report")
    def report_list(self, job: Job) -> SafeString:
        """Show what the job reported."""
        return definition_list(job.report)

    @admin.action(description="Cancel the selected jobs", permissions=["view"])
    def cancel(self, request: HttpRequest, selected: QuerySet[Job]) -> None:
        """Ask the selected jobs to stop; what has ended is told and left alone."""
        for job in selected:
            try:
                jobs.cancel(job=job, actor=Actor.of(request.user))  # type: ignore[arg-type]
            except ConflictError as error:
                self.message_user(request, f"{job.name}: {error.detail}", messages.WARNING)
            else:
                self.message_user(request, f"{job.name}: asked to stop.", messages.SUCCESS)
