"""Which locations, principals, grants, requests and operations a list shows."""

from typing import Any

from django.db.models import Q
from django_filters import rest_framework as filters

from grants.models import AccessRequest, Drift, Grant, Location, Operation, Origin, Permission, Principal, State

Rows = Any


class LifecycleFilter(filters.FilterSet):
    """By state, origin and what the last reconcile found; `q` is part of a name."""

    state = filters.MultipleChoiceFilter(choices=State.choices, distinct=False)
    origin = filters.MultipleChoiceFilter(choices=Origin.choices, distinct=False)
    drift = filters.MultipleChoiceFilter(choices=[choice for choice in Drift.choices if choice[0]], distinct=False)
    q = filters.CharFilter(method="search", help_text="Part of an ARN, a name, an e-mail or a prefix.")

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by the names people know."""
        raise NotImplementedError


class LocationFilter(LifecycleFilter):
    """Which locations."""

    class Meta:
        model = Location
        fields: list[str] = []

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by scope, role or id in AWS."""
        return rows.filter(Q(scope__icontains=text) | Q(role_arn__icontains=text) | Q(aws_id=text))


class PrincipalFilter(LifecycleFilter):
    """Which principals."""

    kind = filters.ChoiceFilter(choices=Principal.Kind.choices)
    user = filters.UUIDFilter(field_name="user_id", help_text="The person behind it.")

    class Meta:
        model = Principal
        fields: list[str] = []

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by name, ARN, or the person behind it."""
        return rows.filter(_who(text, ""))


class GrantFilter(LifecycleFilter):
    """Which grants."""

    permission = filters.MultipleChoiceFilter(choices=Permission.choices, distinct=False)
    principal = filters.UUIDFilter(field_name="principal_id")
    location = filters.UUIDFilter(field_name="location_id")
    expiring_before = filters.IsoDateTimeFilter(method="ending", help_text="Those that are there and end before.")

    class Meta:
        model = Grant
        fields: list[str] = []

    def ending(self, rows: Rows, name: str, moment: Any) -> Rows:
        """Select what is there and has an end before a moment."""
        return rows.exclude(state__in=[State.DELETED, State.PENDING_DELETE]).filter(expires_at__lt=moment)

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by prefix, principal, the person behind it, or id in AWS."""
        return rows.filter(Q(scope__icontains=text) | Q(aws_id=text) | _who(text, "principal__"))


class AccessRequestFilter(filters.FilterSet):
    """Which requests."""

    state = filters.MultipleChoiceFilter(choices=AccessRequest.State.choices, distinct=False)
    permission = filters.MultipleChoiceFilter(choices=Permission.choices, distinct=False)
    location = filters.UUIDFilter(field_name="location_id")
    principal = filters.UUIDFilter(field_name="principal_id")
    q = filters.CharFilter(method="search", help_text="Part of a prefix, an e-mail or an ARN.")

    class Meta:
        model = AccessRequest
        fields: list[str] = []

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by prefix, whoever asks, or the principal it is for."""
        asks = Q(requester__email__icontains=text) | Q(requester__username__icontains=text)
        return rows.filter(Q(scope__icontains=text) | asks | Q(principal__arn__icontains=text))


class OperationFilter(filters.FilterSet):
    """Which operations."""

    state = filters.MultipleChoiceFilter(choices=Operation.State.choices, distinct=False)
    kind = filters.MultipleChoiceFilter(choices=Operation.Kind.choices, distinct=False)
    subject_type = filters.CharFilter()
    subject_id = filters.CharFilter()
    request_id = filters.CharFilter()
    q = filters.CharFilter(method="search", help_text="Part of what it is about.")

    class Meta:
        model = Operation
        fields: list[str] = []

    def search(self, rows: Rows, name: str, text: str) -> Rows:
        """Select by what it is about, whoever wanted it, or what went wrong."""
        about = Q(subject_label__icontains=text) | Q(natural_key__icontains=text)
        return rows.filter(about | Q(actor_label__icontains=text) | Q(error_code__iexact=text))


def _who(text: str, path: str) -> Q:
    """Select by a principal's name and ARN, and by the login name and e-mail of the person behind it."""
    names = (f"{path}name", f"{path}arn", f"{path}user__email", f"{path}user__username")
    found = Q()
    for name in names:
        found |= Q(**{f"{name}__icontains": text})
    return found
