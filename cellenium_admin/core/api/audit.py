"""The trail, for those who answer for it."""

from typing import Any, NoReturn

from django.db.models import Q
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.api.views import ApiListView
from cellenium_admin.core.exceptions import RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, AuditEvent, Outcome, TokenScope, User


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{64}$"})
class HashField(serializers.Field[bytes, bytes, str, Any]):
    """32 bytes as hexadecimal digits."""

    def to_representation(self, value: bytes) -> str:
        """Write the digits."""
        return bytes(value).hex()


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """One line of the trail; labels are what people and things were called then."""

    prev_hash = HashField()
    hash = HashField()

    class Meta:
        model = AuditEvent
        fields = [
            *("seq", "at", "action", "outcome", "actor_type", "actor_id", "actor_label", "on_behalf_of"),
            *("request_id", "address", "object_type", "object_id", "object_label"),
            *("before", "after", "details", "reason", "version", "prev_hash", "hash"),
        ]


class AuditEventFilter(filters.FilterSet):
    """Which lines; `actor` is an id or a label, times are ISO 8601 with an offset."""

    actor = filters.CharFilter(method="by_actor", help_text="Id or label of whoever did it.")
    action = filters.MultipleChoiceFilter(choices=Action.choices, distinct=False)
    outcome = filters.ChoiceFilter(choices=Outcome.choices)
    object_type = filters.CharFilter()
    object_id = filters.CharFilter()
    request_id = filters.CharFilter()
    at__gte = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    at__lt = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_actor(self, queryset: Any, name: str, value: str) -> Any:
        """Select by id, which never changes, or by label, which people know."""
        del name
        return queryset.filter(Q(actor_id=value) | Q(actor_label=value))


class AuditEventListView(ApiListView):
    """The trail, newest first."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ}
    queryset = AuditEvent.objects.all()
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    cursor_ordering = ("-seq",)

    def get_queryset(self) -> Any:
        """Select what the caller may read."""
        return AuditEvent.objects.visible_to(self.user)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        """Refuse members by name: who looks into the trail without the role is itself in the trail."""
        if isinstance(request.user, User):
            attempt = RefusedAttempt(action=Action.TRAIL_READ, object_type="auditevent")
            raise RefusedError("Only curators and administrators may read the trail.", attempt=attempt)
        super().permission_denied(request, message, code)

    @extend_schema(operation_id="audit_events_list", summary="The audit trail")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List events, newest first; for curators and administrators."""
        return super().get(request, *args, **kwargs)
