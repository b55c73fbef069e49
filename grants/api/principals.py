"""Principals: the AWS identities grants are given to, and the people behind them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.idempotency import Creation
from cellenium_admin.core.api.permissions import IsCurator
from cellenium_admin.core.exceptions import FieldError, InvalidInputError
from cellenium_admin.core.models import Action, TokenScope, User
from grants.api import outside
from grants.api.base import CHANGE, CREATE, READ, AccessListView, AccessView, CuratorsChange, made, person, shown
from grants.api.bodies import NewPrincipal, PrincipalChange, ReasonBody
from grants.api.filters import PrincipalFilter
from grants.api.serializers import PrincipalSerializer
from grants.models import Principal
from grants.services import principals, rows


class PrincipalListView(AccessListView):
    """Principals the caller may see, and new ones."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ, "POST": TokenScope.MANAGE}
    attempts = {"POST": Action.PRINCIPAL_CREATED}
    subject = "principal"
    queryset = Principal.objects.all()
    serializer_class = PrincipalSerializer
    filterset_class = PrincipalFilter

    def get_queryset(self) -> Any:
        """Select what the caller may see."""
        return Principal.objects.visible_to(self.user).select_related("user")

    @extend_schema(operation_id="principals_list", summary="Principals")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List principals, newest first: one's own for members, all for curators."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="principals_create",
        summary="Make a principal, or register one",
        parameters=CREATE,
        request={"application/json": NewPrincipal},
        responses={201: PrincipalSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """Make an IAM user in the uploaders' group, or register an IAM user or role that exists and is left as it is.

        Of two requests that register the same ARN, one is answered with 409.
        """
        asked = self.read_body(NewPrincipal)
        if ("name" in asked) == ("arn" in asked):
            detail = "Give either `name`, for a user to make, or `arn`, for an identity that exists."
            raise InvalidInputError(detail, errors=[FieldError("/name", "one_of", detail)])
        user = person(asked.pop("user_id", None))
        return idempotency.create(request, self._creation(user, asked))

    def _creation(self, user: User | None, asked: dict[str, Any]) -> Creation[Principal]:
        return Creation(
            make=lambda: self._make(user, asked),
            find=lambda pk: visible(pk, self.user),
            carry_out=outside.carry_out_about,
            answer=lambda row: made(PrincipalSerializer, visible(row.pk, self.user), route="principal"),
            # AWS is asked whether there is such an ARN, which nobody does inside a transaction.
            in_transaction="name" in asked,
        )

    def _make(self, user: User | None, asked: dict[str, Any]) -> Principal:
        if "name" in asked:
            return principals.create_user(actor=self.actor, user=user, **asked)[0]
        with outside.speaking_to_aws() as aws:
            return principals.register(actor=self.actor, user=user, aws=aws, **asked)


class PrincipalView(AccessView):
    """One principal."""

    permission_classes = [CuratorsChange]
    required_scopes = {"GET": TokenScope.READ, "PATCH": TokenScope.MANAGE}
    attempts = {"PATCH": Action.PRINCIPAL_LINKED}
    subject = "principal"

    @extend_schema(
        operation_id="principals_read", summary="One principal", parameters=READ, responses=PrincipalSerializer
    )
    def get(self, request: Request, principal_id: UUID) -> Response:
        """Describe a principal the caller may see."""
        return shown(PrincipalSerializer, visible(principal_id, self.user))

    @extend_schema(
        operation_id="principals_change",
        summary="Link a principal to a person",
        parameters=CHANGE,
        request={"application/json": PrincipalChange},
        responses=PrincipalSerializer,
    )
    def patch(self, request: Request, principal_id: UUID) -> Response:
        """Say which person is behind a principal: they see it and its grants. Null is nobody; AWS is not told."""
        asked = self.read_body(PrincipalChange)
        principal = visible(principal_id, self.user)
        version = etags.expected_version(request, principal)
        user = person(asked.pop("user_id"))
        principals.link(principal=principal, user=user, actor=self.actor, expected_version=version, **asked)
        return shown(PrincipalSerializer, visible(principal_id, self.user))


class PrincipalRemovalView(AccessView):
    """The end of a principal."""

    permission_classes = [IsCurator]
    required_scopes = {"POST": TokenScope.MANAGE}
    attempts = {"POST": Action.PRINCIPAL_REMOVED}
    subject = "principal"

    @extend_schema(
        operation_id="principals_remove",
        summary="Remove a principal",
        parameters=CHANGE,
        request={"application/json": ReasonBody},
        responses=PrincipalSerializer,
    )
    def post(self, request: Request, principal_id: UUID) -> Response:
        """Take a principal's grants away, then its keys and groups, then the IAM user.

        An identity that was not made here stays in AWS: its grants and this record go. What takes longer than a request
        is done by the workers.
        """
        asked = self.read_body(ReasonBody)
        principal = visible(principal_id, self.user)
        version = etags.expected_version(request, principal)
        intended = principals.remove(principal=principal, actor=self.actor, expected_version=version, **asked)
        outside.carry_out([operation.pk for operation in intended])
        return shown(PrincipalSerializer, visible(principal_id, self.user))


def visible(pk: UUID | str, user: User) -> Principal:
    """Give a principal as it is by now. Raises NotFoundError."""
    return rows.visible(Principal, user=user, pk=pk, related=("user",))
