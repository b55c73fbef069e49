"""The trail, which nobody can change here, administrators included."""

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.base import ReadOnlyAdmin, column
from cellenium_admin.core.models import AuditEvent

OUTCOME_COLOURS = {"ok": "success", "refused": "danger", "failed": "warning"}


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what, when, from where and with which outcome."""

    list_display = ("seq", "at", "actor", "action_name", "target", "outcome_label", "request_link")
    list_display_links = ("seq",)
    list_filter = ("action", "outcome", "actor_type", "object_type")
    search_fields = ("actor_label", "object_id", "object_label", "request_id")
    search_help_text = "actor, object or request id"
    date_hierarchy = "at"
    ordering = ("-seq",)
    fields = (
        ("seq", "at"),
        ("action_name", "outcome_label"),
        ("actor", "on_behalf_of"),
        ("target", "object_id"),
        "changes",
        "reason",
        ("request_link", "address"),
        "prev_hash_hex",
        "hash_hex",
    )

    @column(description="Actor", ordering="actor_label")
    def actor(self, event: AuditEvent) -> str:
        """Name who acted and what they are."""
        return f"{event.actor_label} ({event.actor_type})"

    @column(description="Action", ordering="action")
    def action_name(self, event: AuditEvent) -> str:
        """Name the action as the API and the command line do."""
        return event.action

    @column(description="Object", ordering="object_type")
    def target(self, event: AuditEvent) -> str:
        """Name what was acted on, as it was called then."""
        return f"{event.object_type}: {event.object_label}" if event.object_type else "-"

    @column(description="Outcome", label=OUTCOME_COLOURS, ordering="outcome")
    def outcome_label(self, event: AuditEvent) -> str:
        """Show the outcome as a coloured label."""
        return event.outcome

    @column(description="Request")
    def request_link(self, event: AuditEvent) -> SafeString | str:
        """Link to all events of the same request."""
        if not event.request_id:
            return "-"
        url = f"{reverse('admin:core_auditevent_changelist')}?q={event.request_id}"
        return format_html('<a href="{}" title="all events of this request"><code>{}</code></a>', url, event.request_id)

    @column(description="What changed")
    def changes(self, event: AuditEvent) -> SafeString:
        """Show before, after and details as they were recorded."""
        parts = {"before": event.before, "after": event.after, "details": event.details}
        shown = {name: value for name, value in parts.items() if value}
        return format_html("<pre>{}</pre>", json.dumps(shown, indent=2, ensure_ascii=False) if shown else "-")

    @column(description="Hash of the event before")
    def prev_hash_hex(self, event: AuditEvent) -> SafeString:
        """Show the link to the event before."""
        return format_html("<code>{}</code>", bytes(event.prev_hash).hex())

    @column(description="Hash")
    def hash_hex(self, event: AuditEvent) -> SafeString:
        """Show this event's place in the chain."""
        return format_html("<code>{}</code>", bytes(event.hash).hex())
