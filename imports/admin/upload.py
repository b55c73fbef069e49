"""Files on their way and files that have arrived."""

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import ReadOnlyInline, column
from imports.admin.upload_actions import Cancel, Release, Remove
from imports.models import ImportRun, Upload

STATE_COLOURS = {
    "starting": "info",
    "uploading": "info",
    "completing": "info",
    "received": "success",
    "held": "warning",
    "unrecognized": "default",
    "removing": "warning",
    "cancelled": "default",
    "expired": "default",
    "removed": "default",
}


class RunInline(ReadOnlyInline):
    """What became of the file."""

    model = ImportRun
    fields = ("state", "study", "created_at", "finished_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(Upload)
class UploadAdmin(ActionsAdmin):
    """All uploads for administrators; curators see their own."""

    row_actions = (Release(), Cancel(), Remove())
    quick_filters = (
        ("state__exact=uploading", "Being sent"),
        ("state__exact=held", "Held"),
        ("state__exact=unrecognized", "Left alone"),
    )
    list_display = ("name", "state_label", "owner", "size_label", "source", "found_at")
    list_display_links = ("name",)
    list_filter = ("state", "source")
    list_select_related = ("owner",)
    search_fields = ("filename", "uri", "owner__email", "id")
    search_help_text = "name, s3:// prefix or e-mail"
    date_hierarchy = "found_at"
    inlines = (RunInline,)
    fields = (
        ("state_label", "source"),
        ("owner", "filename"),
        "uri_code",
        ("size_label", "revision"),
        "note",
        ("modified_exact", "touched_exact"),
        ("found_at", "id"),
    )

    @column(description="File", ordering="uri")
    def name(self, row: Upload) -> str:
        """Give what it is called."""
        return row.filename or row.uri.rpartition("/")[2]

    @column(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, row: Upload) -> tuple[str, str]:
        """Show where it stands."""
        return row.state, row.get_state_display()

    @column(description="Size", ordering="size")
    def size_label(self, row: Upload) -> str:
        """Give the size for people."""
        return filesizeformat(row.size)

    @column(description="Where it lies")
    def uri_code(self, row: Upload) -> SafeString:
        """Show the address."""
        return format_html("<code>{}</code>", row.uri)

    @column(description="Written")
    def modified_exact(self, row: Upload) -> SafeString:
        """Tell when it came to lie there."""
        return moment(row.modified_at)

    @column(description="Last heard of")
    def touched_exact(self, row: Upload) -> SafeString:
        """Tell when it last moved."""
        return moment(row.touched_at)
