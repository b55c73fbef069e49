"""Issuances: credentials handed out, by id, never by secret."""

from django.contrib import admin
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges, tables
from grants.admin.columns import code
from grants.models import Issuance


@admin.register(Issuance)
class IssuanceAdmin(ActionsAdmin):
    """To look at: one's own, all for administrators."""

    list_display = ("key_id", "user", "scope_code", "permission_word", "state_badge", "expires_at", "created_at")
    list_display_links = ("key_id",)
    list_filter = ("state", "method", "permission")
    list_select_related = ("user",)
    search_fields = ("access_key_id", "scope", "user__email", "principal__arn", "aws_user_id", "id")
    search_help_text = "access key id, s3:// prefix, ARN or e-mail"
    date_hierarchy = "created_at"
    fields = (
        ("state_badge", "method"),
        ("user", "principal_link"),
        "scope_code",
        ("permission_word", "duration_seconds"),
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
