"""Operations: what AWS is to be told, for curators."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags
from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.exceptions import StaleVersionError
from cellenium_admin.core.models import Action, TokenScope, User
from grants.api import outside
from grants.api.base import CHANGE, READ, AccessListView, AccessView
from grants.api.bodies import ReasonBody
from grants.api.filters import OperationFilter
from grants.api.serializers import OperationSerializer
from grants.models import Operation
from grants.services import operations, rows


@dataclass(frozen=True, slots=True)
class Tagged:
    """What an operation's tag is made of: it changes with each attempt and each outcome."""

    pk: UUID
    version: str

    @classmethod
    def of(cls, operation: Operation) -> "Tagged":
        """Take the lease's token, which only grows, and the state."""
        return cls(pk=operation.pk, version=f"{operation.lease_token}.{operation.attempts}.{operation.state}")


class OperationListView(AccessListView):
    """The outbox."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ}
    queryset = Operation.objects.all()
    serializer_class = OperationSerializer
    filterset_class = OperationFilter
    cursor_ordering: ClassVar[tuple[str, ...]] = ("-number",)

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return Operation.objects.visible_to(self.user)

    @extend_schema(operation_id="operations_list", summary="Operations")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List what AWS was told or is to be told, newest first."""
        return super().get(request, *args, **kwargs)


class OperationView(AccessView):
    """One operation."""

    permission_classes = [IsCurator]
    required_scopes = {"GET": TokenScope.READ}

    @extend_schema(
        operation_id="operations_read", summary="One operation", parameters=READ, responses=OperationSerializer
    )
    def get(self, request: Request, operation_id: UUID) -> Response:
        """Tell what AWS is to be told, how often it was tried, and what came of it."""
        return _shown(_visible(operation_id, self.user))


class OperationRetryView(AccessView):
    """Another try."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.OPERATION_RETRIED}
    subject = "operation"

    @extend_schema(
        operation_id="operations_retry",
        summary="Try a failed operation again",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=OperationSerializer,
    )
    def post(self, request: Request, operation_id: UUID) -> Response:
        """Let a failed operation be tried again, once what stood in the way is mended."""
        _change(self, request, operation_id, operations.retry)
        outside.carry_out([operation_id])
        return _shown(_visible(operation_id, self.user))


class OperationSurrenderView(AccessView):
    """No other try."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.OPERATION_CANCELLED}
    subject = "operation"

    @extend_schema(
        operation_id="operations_give_up",
        summary="Give a failed operation up",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=OperationSerializer,
    )
    def post(self, request: Request, operation_id: UUID) -> Response:
        """Leave a failed operation alone for good; what it was about stays as it is."""
        _change(self, request, operation_id, operations.give_up)
        return _shown(_visible(operation_id, self.user))


def _change(view: AccessView, request: Request, operation_id: UUID, change: Callable[..., Operation]) -> None:
    asked = view.read_body(ReasonBody)
    seen = Tagged.of(_visible(operation_id, view.user))
    etags.expected_version(request, seen)
    with transaction.atomic():
        locked = Operation.objects.select_for_update(of=("self",)).get(pk=operation_id)
        if Tagged.of(locked) != seen:
            raise StaleVersionError("This operation has gone on meanwhile; look at it again.")
        change(operation=locked, actor=view.actor, **asked)


def _visible(operation_id: UUID, user: User) -> Operation:
    return rows.visible(Operation, user=user, pk=operation_id)


def _shown(operation: Operation) -> Response:
    return etags.tagged(Response(OperationSerializer(operation).data), Tagged.of(operation))
