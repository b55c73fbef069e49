"""Grants: the list people work with all day, and the page of each."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges, tables
from grants.admin.adopt_actions import AdoptAll, AdoptRow
from grants.admin.columns import LifecycleAdmin, code
from grants.admin.cut_actions import CutSessions
from grants.admin.filters import DriftFilter, DueFilter, LocationFilter
from grants.admin.grant_actions import (
    CreateGrant,
    ExtendGrant,
    ReplaceGrant,
    ReviewGrant,
    RevokeGrant,
    sessions_tables,
)
from grants.models import Grant, Origin, Principal


@admin.register(Grant)
class GrantAdmin(LifecycleAdmin):
    """Who may read or write which prefix, until when."""

    list_display = (
        "scope_code",
        "permission_word",
        "for_whom",
        "state_badge",
        "expiry_badge",
        "origin_badge",
        "drift_badge",
    )
    list_display_links = ("scope_code",)
    list_filter = ("state", "origin", DriftFilter, "permission", DueFilter, LocationFilter)
    list_select_related = ("location", "principal", "principal__user")
    search_fields = ("scope", "principal__arn", "principal__name", "principal__user__email", "aws_id", "arn", "id")
    search_help_text = "s3:// prefix, ARN or e-mail"
    scope_field = "scope"
    ordering = ("-created_at", "-id")
    quick_filters = (
        ("due=week", "Expiring in 7 days"),
        ("due=late", "Late"),
        ("state__exact=failed", "Failed"),
        ("drift=any", "Drifted"),
        ("due=review", "To review"),
        ("origin__exact=foreign", "Foreign"),
    )
    list_actions = (CreateGrant(), AdoptAll())
    row_actions = (AdoptRow("grants"), ExtendGrant(), RevokeGrant(), CutSessions(), ReviewGrant(), ReplaceGrant())
    fields = (
        ("state_badge", "origin_badge", "drift_badge"),
        ("permission_word", "expiry_exact"),
        "scope_code",
        ("location_link", "sub_prefix_code"),
        ("principal_link", "person"),
        ("reason", "created_by"),
        ("request_link", "replaces_link"),
        ("aws_id_code", "confirmed"),
        ("created", "id"),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find an ARN or an e-mail address among the principals first: there are fewer of them."""
        term = search_term.strip()
        if term.startswith("arn:") and ":iam:" in term:
            return queryset.filter(principal__in=Principal.objects.filter(arn__startswith=term)), False
        if "@" in term and not term.startswith("s3://"):
            named = Q(user__email__icontains=term) | Q(name__icontains=term)
            return queryset.filter(principal__in=Principal.objects.filter(named)), False
        return super().get_search_results(request, queryset, search_term)

    @column(description="Scope", ordering="scope")
    def scope_code(self, grant: Grant) -> SafeString:
        """Show the scope as AWS does."""
        return code(grant.scope)

    @column(description="Permission", ordering="permission")
    def permission_word(self, row: Grant) -> str:
        """Give AWS's word."""
        return row.permission

    @column(description="Principal", ordering="principal__name")
    def for_whom(self, grant: Grant) -> str:
        """Name the principal, and the person behind it."""
        who = grant.principal
        return f"{who.name} ({who.user.label})" if who.user else who.name

    @column(description="Expires", ordering="expires_at")
    def expiry_badge(self, grant: Grant) -> SafeString:
        """Show how long it lives yet."""
        return badges.expiry(grant)

    @column(description="Expires")
    def expiry_exact(self, grant: Grant) -> SafeString:
        """Tell the exact end, or the review of an adopted one."""
        return moment(grant.review_at if grant.origin == Origin.ADOPTED else grant.expires_at)

    @column(description="Sub-prefix")
    def sub_prefix_code(self, grant: Grant) -> SafeString:
        """Show what follows the location's prefix."""
        return code(grant.sub_prefix)

    @column(description="Location")
    def location_link(self, grant: Grant) -> SafeString:
        """Link to the location."""
        return tables.linked(grant.location)

    @column(description="Principal")
    def principal_link(self, grant: Grant) -> SafeString:
        """Link to the principal."""
        return tables.linked(grant.principal)

    @column(description="Person")
    def person(self, grant: Grant) -> str:
        """Name the person behind the principal."""
        return grant.principal.user.label if grant.principal.user else "-"

    @column(description="Asked for in")
    def request_link(self, grant: Grant) -> SafeString | str:
        """Link to the request it answers."""
        return tables.linked(grant.request) if grant.request else "-"

    @column(description="Replaces")
    def replaces_link(self, grant: Grant) -> SafeString | str:
        """Link to the adopted grant it replaced."""
        return tables.linked(grant.replaces) if grant.replaces else "-"

    def object_context(self, request: HttpRequest, row: Grant) -> dict[str, Any]:
        """Add the sessions that are out, and what AWS was told."""
        notices = []
        if row.origin == Origin.FOREIGN:
            notices.append(
                "This grant was not made here: it is only reported. Adopt it to review, replace or revoke it."
            )
        found = [*sessions_tables(row), tables.operations_of(row)]
        return super().object_context(request, row) | {"tables": found, "notices": notices}
