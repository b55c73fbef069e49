"""Access requests: asked by members, decided by somebody else."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsCurator, IsMember
from cellenium_admin.core.api.serializers import EmptySerializer
from cellenium_admin.core.models import Action, TokenScope, User
from grants.api import outside
from grants.api.base import CHANGE, CREATE, READ, AccessListView, AccessView, made, named, shown
from grants.api.bodies import Approval, NewAccessRequest, ReasonBody
from grants.api.filters import AccessRequestFilter
from grants.api.serializers import AccessRequestSerializer
from grants.models import AccessRequest, Principal
from grants.services import requests, rows

RELATED = ("requester", "location", "principal__user", "decided_by", "grant")


class AccessRequestListView(AccessListView):
    """Requests the caller may see, and new ones."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    queryset = AccessRequest.objects.all()
    serializer_class = AccessRequestSerializer
    filterset_class = AccessRequestFilter

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return AccessRequest.objects.visible_to(self.user).select_related(*RELATED)

    @extend_schema(operation_id="access_requests_list", summary="Access requests")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List requests, newest first: one's own for members, all for curators."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="access_requests_create",
        summary="Ask for access",
        parameters=CREATE,
        request={"application/json": NewAccessRequest},
        responses={201: AccessRequestSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Ask for access to a path, for a principal of one's own or one that whoever decides will choose."""
        asked = self.read_body(NewAccessRequest)
        creation = idempotency.Creation(
            make=lambda: self._make(asked),
            find=lambda pk: visible(pk, self.user),
            carry_out=lambda _: None,
            answer=lambda row: made(AccessRequestSerializer, visible(row.pk, self.user), route="access-request"),
        )
        return idempotency.create(request, creation)

    def _make(self, asked: dict[str, Any]) -> AccessRequest:
        principal = _principal(asked, self.user)
        return requests.ask(requester=self.user, principal=principal, **asked)


class AccessRequestView(AccessView):
    """One request."""

    permission_classes = [IsMember]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="access_requests_read",
        summary="One access request",
        parameters=READ,
        responses=AccessRequestSerializer,
    )
    def get(self, request: Request, access_request_id: UUID) -> Response:
        """Tell what was asked for and how it was decided."""
        return shown(AccessRequestSerializer, visible(access_request_id, self.user))


class ApprovalView(AccessView):
    """Yes."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.ACCESS_APPROVED}
    subject = "accessrequest"

    @extend_schema(
        operation_id="access_requests_approve",
        summary="Approve an access request",
        parameters=CHANGE,
        request={"application/json": Approval},
        responses=AccessRequestSerializer,
    )
    def post(self, request: Request, access_request_id: UUID) -> Response:
        """Give what was asked for, or less of it: narrower, shorter, a lower permission. Nobody decides their own."""
        asked = self.read_body(Approval)
        found = visible(access_request_id, self.user)
        version = etags.expected_version(request, found)
        principal = _principal(asked, self.user)
        _, grant, _ = requests.approve(
            request=found, decider=self.user, principal=principal, expected_version=version, **asked
        )
        outside.carry_out_about(grant)
        return shown(AccessRequestSerializer, visible(access_request_id, self.user))


class RejectionView(AccessView):
    """No."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.ACCESS_REJECTED}
    subject = "accessrequest"

    @extend_schema(
        operation_id="access_requests_reject",
        summary="Reject an access request",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=AccessRequestSerializer,
    )
    def post(self, request: Request, access_request_id: UUID) -> Response:
        """Say no, and why; whoever asked reads the reason. Nobody decides their own."""
        asked = self.read_body(ReasonBody)
        found = visible(access_request_id, self.user)
        version = etags.expected_version(request, found)
        requests.reject(request=found, decider=self.user, expected_version=version, **asked)
        return shown(AccessRequestSerializer, visible(access_request_id, self.user))


class CancellationView(AccessView):
    """Never mind."""

    permission_classes = [IsMember]
    required_scopes = {"POST": TokenScope.MANAGE}

    @extend_schema(
        operation_id="access_requests_cancel",
        summary="Take an access request back",
        parameters=CHANGE,
        request={"application/json": EmptySerializer},
        responses=AccessRequestSerializer,
    )
    def post(self, request: Request, access_request_id: UUID) -> Response:
        """Take one's own request back before it is decided."""
        self.read_body(EmptySerializer)
        found = visible(access_request_id, self.user)
        version = etags.expected_version(request, found)
        requests.cancel(request=found, user=self.user, expected_version=version)
        return shown(AccessRequestSerializer, visible(access_request_id, self.user))


def visible(pk: UUID | str, user: User) -> AccessRequest:
    """Give a request as it is by now. Raises NotFoundError."""
    return rows.visible(AccessRequest, user=user, pk=pk, related=RELATED)


def _principal(asked: dict[str, Any], user: User) -> Principal | None:
    """Take the principal out of a body that may name one."""
    pk = asked.pop("principal_id", None)
    return None if pk is None else named(Principal, user=user, pk=pk, field="principal_id")
