"""Bases of every admin page: rights by role, rows by `visible_to`, changes through services only.

The theme (django-unfold) is imported here and in `forms`, nowhere else.
"""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as ThemedModelAdmin
from unfold.admin import TabularInline as ThemedTabularInline
from unfold.decorators import display

__all__ = [
    "AdministratorsOnly",
    "BaseAdmin",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "column",
    "definition_list",
    "progress_bar",
]

column = display


class BaseAdmin(ThemedModelAdmin):
    """Curators look, administrators change; nobody deletes in bulk."""

    actions: ClassVar[tuple[str, ...]] = ()
    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Show what the person may see, by the same rule as the API."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.visible_to(request.user) if hasattr(rows, "visible_to") else rows

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let curators find the page."""
        return _is_curator(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let curators look."""
        return _is_curator(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let administrators add."""
        return _is_administrator(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let administrators change."""
        return _is_administrator(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let nobody delete: services take things away, with a reason and an event."""
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave Django's bulk deletion out."""
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


class ReadOnlyAdmin(BaseAdmin):
    """A page nobody can change anything on, administrators included."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse additions to everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse changes to everybody."""
        return False


class ReadOnlyInline(ThemedTabularInline):
    """Rows that belong to the shown object, to look at."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let whoever sees the object see its rows."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse additions to everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse changes to everybody."""
        return False


def progress_bar(*, done: int, total: int) -> SafeString:
    """Draw how far some work is; the numbers stand beside it for those who cannot see the bar."""
    if not total:
        return format_html("{}", "-")
    return format_html(
        '<progress max="{total}" value="{done}" aria-label="progress"></progress> {done} of {total}',
        done=done,
        total=total,
    )


def definition_list(values: dict[str, Any]) -> SafeString:
    """Show a small JSON object as names and values."""
    if not values:
        return format_html("{}", "-")
    rows = format_html_join("", "<dt><code>{}</code></dt><dd>{}</dd>", values.items())
    return format_html('<dl class="definition-list">{}</dl>', rows)


class AdministratorsOnly(ReadOnlyAdmin):
    """A page that curators have no use for."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Let administrators find the page."""
        return _is_administrator(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let administrators look."""
        return _is_administrator(request)


def _is_curator(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_curator)


def _is_administrator(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_administrator)
