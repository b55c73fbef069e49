"""Grants: who may read or write which prefix, until when."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import idempotency
from cellenium_admin.core.models import Action, TokenScope, User
from grants.api import outside
from grants.api.base import CREATE, READ, AccessListView, AccessView, CuratorsChange, made, named, shown
from grants.api.bodies import NewGrant
from grants.api.filters import GrantFilter
from grants.api.serializers import GrantSerializer
from grants.models import Grant, Location, Principal
from grants.services import grants, rows

RELATED = ("location", "principal__user", "created_by")


class GrantListView(AccessListView):
    """Grants the caller may see, and new ones."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    attempts = {"POST": Action.GRANT_CREATED}
    subject = "grant"
    queryset = Grant.objects.all()
    serializer_class = GrantSerializer
    filterset_class = GrantFilter

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return Grant.objects.visible_to(self.user).select_related(*RELATED)

    @extend_schema(operation_id="grants_list", summary="Grants")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List grants, newest first: those of one's own principals for members, all for curators."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="grants_create",
        summary="Give access",
        parameters=CREATE,
        request={"application/json": NewGrant},
        responses={201: GrantSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Give a principal a permission on a sub-prefix of a location, until a moment.

        The grant is `active` once AWS has confirmed it; `WRITE` includes deletion.
        """
        asked = self.read_body(NewGrant)
        creation = idempotency.Creation(
            make=lambda: self._make(asked),
            find=lambda pk: visible(pk, self.user),
            carry_out=outside.carry_out_about,
            answer=lambda row: made(GrantSerializer, visible(row.pk, self.user), route="grant"),
        )
        return idempotency.create(request, creation)

    def _make(self, asked: dict[str, Any]) -> Grant:
        location_id, principal_id = asked.pop("location_id"), asked.pop("principal_id")
        location = named(Location, user=self.user, pk=location_id, field="location_id")
        principal = named(Principal, user=self.user, pk=principal_id, field="principal_id")
        return grants.create(location=location, principal=principal, actor=self.actor, created_by=self.user, **asked)[0]


class GrantView(AccessView):
    """One grant."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ}
    subject = "grant"

    @extend_schema(operation_id="grants_read", summary="One grant", parameters=READ, responses=GrantSerializer)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """Describe a grant the caller may see."""
        return shown(GrantSerializer, visible(grant_id, self.user))


def visible(pk: UUID | str, user: User) -> Grant:
    """Give a grant as it is by now. Raises NotFoundError."""
    return rows.visible(Grant, user=user, pk=pk, related=RELATED)
