"""Access requests: what people wait for."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import badge, in_words, moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges, tables
from grants.admin.columns import code
from grants.admin.filters import LocationFilter
from grants.admin.request_actions import ApproveRequest, CancelRequest, RejectRequest
from grants.models import AccessRequest


@admin.register(AccessRequest)
class AccessRequestAdmin(ActionsAdmin):
    """Asked by members, decided by curators, never by oneself."""

    list_display = ("scope_code", "permission_word", "requester", "state_badge", "lapses", "created_at")
    list_display_links = ("scope_code",)
    list_filter = ("state", "permission", LocationFilter)
    list_select_related = ("requester", "location", "principal")
    search_fields = ("scope", "requester__email", "requester__username", "principal__arn", "justification", "id")
    search_help_text = "s3:// prefix, ARN or e-mail"
    ordering = ("-created_at", "-id")
    quick_filters = (("state__exact=pending", "Waiting"), ("state__exact=approved", "Approved"))
    row_actions = (ApproveRequest(), RejectRequest(), CancelRequest())
    fields = (
        ("state_badge", "lapses"),
        "requester",
        ("permission_word", "wanted_exact"),
        "scope_code",
        ("location_link", "sub_prefix"),
        "principal_link",
        "justification",
        ("decided_by", "decided_exact"),
        "decision_reason",
        "grant_link",
        ("created_at", "id"),
    )

    @column(description="Asked for", ordering="scope")
    def scope_code(self, row: AccessRequest) -> SafeString:
        """Show the scope as AWS would."""
        return code(row.scope)

    @column(description="Permission", ordering="permission")
    def permission_word(self, row: AccessRequest) -> str:
        """Give AWS's word."""
        return row.permission

    @column(description="State", ordering="state")
    def state_badge(self, row: AccessRequest) -> SafeString:
        """Show where it stands."""
        return badges.state(row)

    @column(description="Lapses", ordering="lapses_at")
    def lapses(self, row: AccessRequest) -> SafeString | str:
        """Tell until when somebody has to decide."""
        if row.state != AccessRequest.State.PENDING:
            return "-"
        return badge(in_words(row.lapses_at), title=f"{row.lapses_at:%Y-%m-%d %H:%M} UTC")

    @column(description="Wanted until")
    def wanted_exact(self, row: AccessRequest) -> SafeString:
        """Tell until when access is wanted."""
        return moment(row.wanted_until)

    @column(description="Decided at")
    def decided_exact(self, row: AccessRequest) -> SafeString:
        """Tell when it was decided."""
        return moment(row.decided_at)

    @column(description="Location")
    def location_link(self, row: AccessRequest) -> SafeString:
        """Link to the location."""
        return tables.linked(row.location)

    @column(description="Principal")
    def principal_link(self, row: AccessRequest) -> SafeString | str:
        """Link to the principal it is for."""
        return tables.linked(row.principal) if row.principal else "to be chosen"

    @column(description="Grant")
    def grant_link(self, row: AccessRequest) -> SafeString | str:
        """Link to the grant it became."""
        grant: Any = getattr(row, "grant", None)
        return tables.linked(grant) if grant else "-"
