"""Files found and what became of them, and a way to import one again."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.base import AdministratorsOnly, ReadOnlyInline, column
from imports.admin.import_run_actions import Retry
from imports.models import Finding, ImportRun

STATE_COLOURS = {
    "received": "info",
    "validating": "warning",
    "converting": "warning",
    "writing": "warning",
    "published": "success",
    "rejected": "danger",
    "failed": "danger",
    "cancelled": "default",
    "superseded": "default",
}


class FindingInline(ReadOnlyInline):
    """What validation said, with the remedies."""

    model = Finding
    fields = ("severity", "code", "path", "found", "expected", "remedy")
    readonly_fields = fields


@admin.register(ImportRun)
class ImportRunAdmin(AdministratorsOnly, ActionsAdmin):
    """Every attempt to turn a file into a study version."""

    row_actions = (Retry(),)
    quick_filters = (
        ("state__exact=rejected", "Refused"),
        ("state__exact=failed", "Failed"),
        ("state__exact=published", "Published"),
    )
    list_display = ("file", "state_label", "owner", "created_at", "finished_at")
    list_filter = ("state",)
    list_select_related = ("upload", "upload__owner", "study", "job")
    search_fields = ("upload__uri", "id")
    inlines = (FindingInline,)
    fields = (
        "file",
        "state_label",
        "owner",
        ("size", "revision"),
        ("job_link", "study", "target"),
        ("created_at", "finished_at"),
        "id",
    )

    @column(description="File", ordering="upload__uri")
    def file(self, run: ImportRun) -> str:
        """Say where the file lies."""
        return run.upload.uri

    @column(description="State", label=STATE_COLOURS, ordering="state")
    def state_label(self, run: ImportRun) -> str:
        """Show the state as a coloured label."""
        return run.state

    @column(description="Owner")
    def owner(self, run: ImportRun) -> str:
        """Name whose prefix it lies under."""
        return str(run.upload.owner) if run.upload.owner else "nobody's prefix"

    @column(description="Size")
    def size(self, run: ImportRun) -> str:
        """Tell the size in megabytes."""
        return f"{run.upload.size / 1e6:,.1f} MB"

    @column(description="Revision")
    def revision(self, run: ImportRun) -> str:
        """Tell which revision of the file it was."""
        return run.upload.revision

    @column(description="Job")
    def job_link(self, run: ImportRun) -> SafeString:
        """Link to the job that does the work."""
        return format_html('<a href="{}">{}</a>', reverse("admin:core_job_change", args=[run.job_id]), run.job)
