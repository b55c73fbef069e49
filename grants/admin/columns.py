"""Columns that everything with a lifecycle shows, and the search all of grants shares."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cellenium_admin.core.admin.actions import ActionsAdmin
from cellenium_admin.core.admin.badges import moment
from cellenium_admin.core.admin.base import column
from grants.admin import badges
from grants.models import Origin, State


def code(text: str) -> SafeString:
    """Show an ARN or an address, which may break anywhere."""
    return format_html('<code class="long-text">{}</code>', text) if text else format_html("{}", "-")


class LifecycleAdmin(ActionsAdmin):
    """What stands for something in AWS: with state, origin and drift."""

    # The field an `s3://` search looks at from its beginning, as an index can.
    scope_field = ""

    @column(description="State", ordering="state")
    def state_badge(self, row: Any) -> SafeString:
        """Show where it stands."""
        return badges.state(row)

    @column(description="Origin", ordering="origin")
    def origin_badge(self, row: Any) -> SafeString:
        """Show whose work it is."""
        return badges.origin(row)

    @column(description="Drift", ordering="drift")
    def drift_badge(self, row: Any) -> SafeString:
        """Show what differs in AWS."""
        return badges.drift(row)

    @column(description="Confirmed by AWS")
    def confirmed(self, row: Any) -> SafeString:
        """Tell when AWS confirmed it last."""
        return moment(row.confirmed_at)

    @column(description="Id in AWS")
    def aws_id_code(self, row: Any) -> SafeString:
        """Show AWS's id of it."""
        return code(row.aws_id)

    @column(description="Created")
    def created(self, row: Any) -> SafeString:
        """Tell when it was wished for, or seen first."""
        return moment(row.created_at)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Take `s3://...` for the beginning of a scope; leave what is gone out of suggestions."""
        if request.path.endswith("/autocomplete/"):
            queryset = queryset.exclude(state=State.DELETED).exclude(origin=Origin.FOREIGN)
        term = search_term.strip()
        if self.scope_field and term.startswith("s3://"):
            return queryset.filter(Q(**{f"{self.scope_field}__startswith": term})), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found
