"""What was signed of the trail, for those who answer for it; the files outside are what counts."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.base import ReadOnlyAdmin, column
from cellenium_admin.core.models import AuditCheckpoint


@admin.register(AuditCheckpoint)
class AuditCheckpointAdmin(ReadOnlyAdmin):
    """How far the trail was signed, when, with which key and where that is kept."""

    list_display = ("seq", "at", "key_id", "uri", "written_at")
    list_display_links = ("seq",)
    list_filter = ("key_id",)
    date_hierarchy = "at"
    ordering = ("-seq",)
    fields = (("seq", "at"), "key_id", "hash_hex", "uri", "written_at", "document")

    @column(description="Hash of the event")
    def hash_hex(self, checkpoint: AuditCheckpoint) -> SafeString:
        """Show what was signed."""
        return format_html("<code>{}</code>", bytes(checkpoint.hash).hex())
