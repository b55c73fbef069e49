"""Issuances: credentials handed out, by id, never by secret."""

from django.contrib import admin
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges, tables
from grants.admin.columns import code
from grants.admin.cut_actions import CutIssuance
from grants.admin.filters import LiveFilter
from grants.models import Issuance


@admin.register(Issuance)
class IssuanceAdmin(ActionsAdmin):
    """To look at: one's own, all for administrators."""

    row_actions = (CutIssuance(),)
    quick_filters = (("live=yes", "May still be used"), ("live=cut", "Cut"))
    list_display = ("key_id", "user", "purpose_word", "scope_code", "state_badge", "expires_at", "cut_at", "created_at")
    list_display_links = ("key_id",)
    list_filter = (LiveFilter, "state", "purpose", "method", "permission")
    list_select_related = ("user",)
    search_fields = ("access_key_id", "scope", "user__email", "principal__arn", "aws_user_id", "id")
    search_help_text = "access key id, s3:// prefix, ARN or e-mail"
    date_hierarchy = "created_at"
    fields = (
        ("state_badge", "method"),
        ("user", "principal_link"),
        "scope_code",
        ("purpose_word", "permission_word"),
        ("duration_seconds", "capped_by"),
        ("expires_exact", "cut_exact"),
        ("access_key_id", "aws_user_id"),
        "role_arn",
        "grant_link",
        "error_code",
        ("created_at", "id"),
    )

    @column(description="Access key id", ordering="access_key_id")
    def key_id(self, row: Issuance) -> str:
        """Name the session by its key."""
        return row.access_key_id or "none known"

    @column(description="Scope", ordering="scope")
    def scope_code(self, row: Issuance) -> SafeString:
        """Show what it reaches."""
        return code(row.scope)

    @column(description="Purpose", ordering="purpose")
    def purpose_word(self, row: Issuance) -> str:
        """Say what they are for."""
        return row.get_purpose_display()

    @column(description="Permission", ordering="permission")
    def permission_word(self, row: Issuance) -> str:
        """Give AWS's word."""
        return row.permission

    @column(description="State", ordering="state")
    def state_badge(self, row: Issuance) -> SafeString:
        """Show how it ended."""
        return badges.state(row)

    @column(description="Usable until")
    def expires_exact(self, row: Issuance) -> SafeString:
        """Tell until when it can be used."""
        return moment(row.expires_at)

    @column(description="Cut")
    def cut_exact(self, row: Issuance) -> SafeString:
        """Tell when it was cut."""
        return moment(row.cut_at)

    @column(description="Principal")
    def principal_link(self, row: Issuance) -> SafeString | str:
        """Link to the principal."""
        return tables.linked(row.principal) if row.principal else "-"

    @column(description="Grant")
    def grant_link(self, row: Issuance) -> SafeString | str:
        """Link to the grant."""
        return tables.linked(row.grant) if row.grant else "-"
