"""Filters of the lists of grants."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from grants.admin.badges import SOON
from grants.models import AccessKey, Issuance, State
from grants.services import schedule


class DueFilter(SimpleListFilter):
    """Grants that need a look because of their dates."""

    title = "date"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Name what can be chosen."""
        return [("week", "expiring in 7 days"), ("late", "late: past expiry, still in AWS"), ("review", "to review")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by date; what is gone is not due."""
        return queryset.filter(due(str(self.value()))) if self.value() else queryset


def due(which: str) -> Q:
    """Give the condition of a choice of DueFilter."""
    now = timezone.now()
    there = ~Q(state=State.DELETED)
    if which == "week":
        return there & Q(expires_at__gt=now, expires_at__lte=now + SOON)
    if which == "late":
        return Q(pk__in=schedule.late(now).values("pk"))
    return there & Q(origin="adopted", review_at__lte=now + timedelta(days=30))


class LiveFilter(SimpleListFilter):
    """Credentials by whether somebody may still use them."""

    title = "use"
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Name what can be chosen."""
        return [("yes", "may still be used"), ("no", "over, cut or never given"), ("cut", "cut")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by what counts as live everywhere else."""
        if self.value() == "cut":
            return queryset.filter(cut_at__isnull=False)
        if self.value() not in {"yes", "no"}:
            return queryset
        live = Issuance.objects.live(timezone.now()).filter(cut_at__isnull=True).values("pk")
        return queryset.filter(pk__in=live) if self.value() == "yes" else queryset.exclude(pk__in=live)


class DriftFilter(SimpleListFilter):
    """Rows of which the last reconcile found something different in AWS."""

    title = "drift"
    parameter_name = "drift"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Name what can be chosen."""
        kinds = [choice for choice in model_admin.model._meta.get_field("drift").choices or [] if choice[0]]  # noqa: SLF001
        return [("any", "Anything"), *((str(value), str(label)) for value, label in kinds)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select what differs, or what differs in one way."""
        if not self.value():
            return queryset
        return queryset.exclude(drift="") if self.value() == "any" else queryset.filter(drift=self.value())


class OldKeysFilter(SimpleListFilter):
    """Principals with access keys that should be rotated."""

    title = "access keys"
    parameter_name = "keys"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Name what can be chosen."""
        return [("old", f"older than {settings.KEY_MAX_AGE_DAYS} days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the age of their keys."""
        if self.value() != "old":
            return queryset
        return queryset.filter(pk__in=old_keys().values("principal"))


def old_keys() -> QuerySet[AccessKey]:
    """Select the keys that should be rotated."""
    oldest = timezone.now() - timedelta(days=settings.KEY_MAX_AGE_DAYS)
    return AccessKey.objects.active().filter(Q(created_at__lte=oldest) | Q(drift="key_old"), is_enabled=True)


class LocationFilter(SimpleListFilter):
    """Rows of locations whose scope begins with what is typed; there may be too many locations for a list."""

    title = "location"
    parameter_name = "location_scope"
    template = "admin/cellenium/text_filter.html"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Offer one entry, so that Django shows the filter; the template makes a field of it."""
        return [(str(self.value() or ""), "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Give the field's value and the other filters, which the form has to keep."""
        kept = [(name, value) for name, values in changelist.filter_params.items() for value in values]
        yield {
            "value": self.value() or "",
            "parameter": self.parameter_name,
            "kept": [pair for pair in kept if pair[0] != self.parameter_name],
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the beginning of the location's scope."""
        return queryset.filter(location__scope__startswith=self.value()) if self.value() else queryset
