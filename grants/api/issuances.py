"""Issuances: which credentials were handed out, to whom, for what, until when; and their end before that."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.models import Action, TokenScope, User
from grants.api import outside
from grants.api.base import AccessListView, AccessView
from grants.api.bodies import ReasonBody
from grants.api.serializers import CutsSerializer, PersonSerializer
from grants.models import Issuance
from grants.services import cuts, rows


class IssuanceSerializer(serializers.ModelSerializer[Issuance]):
    """One set of credentials, never the secret."""

    user = PersonSerializer(allow_null=True)
    grant_id = serializers.UUIDField(allow_null=True)
    is_live = serializers.BooleanField()

    class Meta:
        model = Issuance
        fields = [
            "id",
            "method",
            "purpose",
            "state",
            "user",
            "grant_id",
            "role_arn",
            "scope",
            "permission",
            "duration_seconds",
            "capped_by",
            "created_at",
            "expires_at",
            "cut_at",
            "is_live",
            "access_key_id",
            "error_code",
        ]
        read_only_fields = fields


class IssuanceFilter(filters.FilterSet):
    """Which credentials."""

    live = filters.ChoiceFilter(
        choices=[("true", "true"), ("false", "false")],
        method="alive",
        help_text="Whether somebody may still use them.",
    )
    state = filters.MultipleChoiceFilter(choices=Issuance.State.choices, distinct=False)
    method = filters.ChoiceFilter(choices=Issuance.Method.choices)
    purpose = filters.ChoiceFilter(choices=Issuance.Purpose.choices)
    user = filters.UUIDFilter(field_name="user_id", help_text="To whom; administrators see others'.")

    class Meta:
        model = Issuance
        fields: list[str] = []

    def alive(self, found: Any, name: str, wanted: str) -> Any:
        """Select what may be used still, or what may not."""
        live = Issuance.objects.live(timezone.now()).filter(cut_at__isnull=True)
        return found.filter(pk__in=live.values("pk")) if wanted == "true" else found.exclude(pk__in=live.values("pk"))


class IssuanceListView(AccessListView):
    """Credentials handed out."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}
    queryset = Issuance.objects.all()
    serializer_class = IssuanceSerializer
    filterset_class = IssuanceFilter
    cursor_ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return Issuance.objects.visible_to(self.user).select_related("user")

    @extend_schema(operation_id="issuances_list", summary="Credentials handed out")
    def get(self, request: Request) -> Response:
        """List one's own, newest first; administrators see everybody's. Secrets are kept nowhere."""
        return super().get(request)


class IssuanceView(AccessView):
    """One set of credentials."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(operation_id="issuances_read", summary="One set of credentials", responses=IssuanceSerializer)
    def get(self, request: Request, issuance_id: UUID) -> Response:
        """Give one issuance. One that is `intended` for long was not answered: nothing was released."""
        return Response(IssuanceSerializer(_visible(issuance_id, self.user)).data)


class IssuanceCutView(AccessView):
    """The end of one session."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.UPLOAD}
    attempts = {"POST": Action.SESSIONS_CUT}
    subject = "issuance"

    @extend_schema(
        operation_id="issuances_cut",
        summary="Cut a session",
        request={"application/json": ReasonBody},
        responses=CutsSerializer,
    )
    def post(self, request: Request, issuance_id: UUID) -> Response:
        """Deny everything to these credentials from now on, within minutes; one's own, administrators anybody's."""
        asked = self.read_body(ReasonBody)
        issuance = _visible(issuance_id, self.user)
        found = cuts.cut_sessions(issuances=[issuance], actor=self.actor, grant=issuance.grant, **asked)
        outside.carry_out([operation.pk for _, operation in found])
        for cut, _ in found:
            cut.refresh_from_db()
        return Response(CutsSerializer({"cuts": [cut for cut, _ in found]}).data)


def _visible(issuance_id: UUID, user: User) -> Issuance:
    return rows.visible(Issuance, user=user, pk=issuance_id, related=("user", "grant"))
