"""Cuts: sessions that may do nothing any more."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import tables
from grants.admin.columns import LifecycleAdmin, code
from grants.models import Cut


@admin.register(Cut)
class CutAdmin(LifecycleAdmin):
    """To look at; a Deny is taken away by itself once nothing it means is alive."""

    list_display = ("which", "role_code", "state_badge", "expires_at", "created_at")
    list_display_links = ("which",)
    list_filter = ("state",)
    search_fields = ("role_arn", "user_ids", "reason", "id")
    search_help_text = "role ARN or session id"
    fields = (
        ("which", "state_badge"),
        "role_code",
        "session_ids",
        ("lifted_exact", "grant_link"),
        "reason",
        ("confirmed", "created"),
        "id",
    )

    @column(description="Sessions", ordering="sessions_before")
    def which(self, cut: Cut) -> str:
        """Say which sessions it means."""
        if cut.sessions_before:
            return f"all that began before {cut.sessions_before:%Y-%m-%d %H:%M:%S} UTC"
        return f"{len(cut.user_ids)} named"

    @column(description="Role", ordering="role_arn")
    def role_code(self, cut: Cut) -> SafeString:
        """Show the role."""
        return code(cut.role_arn)

    @column(description="Named sessions (aws:userid)")
    def session_ids(self, cut: Cut) -> SafeString:
        """Name the sessions as AWS does."""
        return code(", ".join(cut.user_ids))

    @column(description="In force until")
    def lifted_exact(self, cut: Cut) -> SafeString:
        """Tell when it is taken away."""
        return moment(cut.deleted_at or cut.expires_at)

    @column(description="Grant")
    def grant_link(self, cut: Cut) -> SafeString | str:
        """Link to the grant it was made for."""
        return tables.linked(cut.grant) if cut.grant else "-"

    def object_context(self, request: HttpRequest, row: Cut) -> dict[str, Any]:
        """Add what AWS was told."""
        return super().object_context(request, row) | {"tables": [tables.operations_of(row)]}
