"""Locations: the prefixes registered with S3 Access Grants."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.base import column
from grants.admin import tables
from grants.admin.adopt_actions import AdoptAll, AdoptRow
from grants.admin.columns import LifecycleAdmin, code
from grants.admin.cut_actions import CutLocation
from grants.admin.filters import DriftFilter
from grants.admin.location_actions import ChangeRole, RegisterLocation, RemoveLocation
from grants.models import Grant, Location


@admin.register(Location)
class LocationAdmin(LifecycleAdmin):
    """An S3 prefix with the IAM role that serves it."""

    list_display = ("scope_code", "state_badge", "grant_count", "role_code", "origin_badge", "drift_badge")
    list_filter = ("state", "origin", DriftFilter)
    search_fields = ("scope", "role_arn", "aws_id", "id")
    search_help_text = "s3:// prefix or role ARN"
    scope_field = "scope"
    ordering = ("scope", "-created_at")
    quick_filters = (
        ("state__exact=active", "Active"),
        ("state__exact=failed", "Failed"),
        ("drift=any", "Drifted"),
        ("origin__exact=foreign", "Foreign"),
    )
    list_actions = (RegisterLocation(), AdoptAll())
    row_actions = (AdoptRow("locations"), ChangeRole(), CutLocation(), RemoveLocation())
    fields = (
        ("state_badge", "origin_badge", "drift_badge"),
        "scope_code",
        "role_code",
        ("grant_count", "aws_id_code"),
        ("confirmed", "created"),
        ("version", "id"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the grants along, for the rows that are shown only."""
        there = Grant.objects.existing().filter(location=OuterRef("pk")).order_by().values("location")
        count = Subquery(there.annotate(count=Count("pk")).values("count"))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(existing_grants=Coalesce(count, 0))
        return rows

    @column(description="Scope", ordering="scope")
    def scope_code(self, location: Location) -> SafeString:
        """Show the scope as AWS does."""
        return code(location.scope)

    @column(description="Role", ordering="role_arn")
    def role_code(self, location: Location) -> SafeString:
        """Show the role."""
        return code(location.role_arn)

    @column(description="Grants", ordering="existing_grants")
    def grant_count(self, location: Any) -> SafeString:
        """Count its grants, and link to them."""
        url = f"{reverse('admin:grants_grant_changelist')}?location__id__exact={location.pk}"
        return format_html('<a class="link" href="{}">{}</a>', url, location.existing_grants)

    def object_context(self, request: HttpRequest, row: Location) -> dict[str, Any]:
        """Add what AWS was told."""
        return super().object_context(request, row) | {"tables": [tables.operations_of(row)]}
