"""What the views of access have in common: who is served, what a refusal leaves in the trail, who changes what."""

from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, TypeVar
from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from cellenium_admin.core.api import etags, idempotency
from cellenium_admin.core.api.permissions import IsMember
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.api.views import ApiListView, ApiView
from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import FieldError, InvalidInputError, NotFoundError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, User
from grants.services import rows

Row = TypeVar("Row", bound=Model)


class CuratorsChange(IsMember):
    """Members read what is theirs, curators change."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Check the role where something is to change, then the account and the token."""
        if request.method not in SAFE_METHODS and not (isinstance(request.user, User) and request.user.is_curator):
            return False
        return super().has_permission(request, view)


class AccessView(ApiView):
    """A view whose changes are refused by name: who tries one without the role is in the trail."""

    # What each method would have been recorded as, and about which type of thing.
    attempts: ClassVar[Mapping[str, Action]] = {}
    subject: ClassVar[str] = ""

    @property
    def actor(self) -> Actor:
        """The caller, for the trail."""
        return Actor.of(self.user)

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> NoReturn:
        """Refuse somebody known who lacks the role, for the record."""
        action = self.attempts.get(str(request.method))
        if isinstance(request.user, User) and action is not None:
            named = next((str(value) for value in self.kwargs.values()), "")
            attempt = RefusedAttempt(action=action, object_type=self.subject, object_id=named)
            raise RefusedError("Your role does not allow this.", attempt=attempt)
        super().permission_denied(request, message, code)


class AccessListView(AccessView, ApiListView):
    """A list of things of access, newest first."""

    cursor_ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")


def shown(serializer_class: type[BaseSerializer[Any]], row: Any) -> Response:
    """Answer with a row and its tag."""
    return etags.tagged(Response(serializer_class(row).data), row)


def made(serializer_class: type[BaseSerializer[Any]], row: Any, *, route: str) -> Response:
    """Answer 201 with a row, its tag, and where it is from now on."""
    headers = {"Location": reverse(f"api:{route}", args=[row.pk])}
    return etags.tagged(Response(serializer_class(row).data, status=201, headers=headers), row)


def named(model: type[Row], *, user: User, pk: UUID, field: str) -> Row:
    """Give the row a field of the body names; raises InvalidInputError where there is none the caller may see."""
    try:
        return rows.visible(model, user=user, pk=pk)
    except NotFoundError as error:
        raise InvalidInputError(error.detail, errors=[FieldError(f"/{field}", "not_found", error.detail)]) from error


def person(pk: UUID | None, *, field: str = "user_id") -> User | None:
    """Give the account a field of a curator's body names; raises InvalidInputError where there is none."""
    if pk is None:
        return None
    found = User.objects.filter(pk=pk).first()
    if found is None:
        detail = "There is no such account."
        raise InvalidInputError(detail, errors=[FieldError(f"/{field}", "not_found", detail)])
    return found


CHANGE = [etags.IF_MATCH, etags.etag_header(200)]
READ = [etags.etag_header(200)]
CREATE = [
    *idempotency.PARAMETERS,
    etags.etag_header(201),
    response_header("Location", "What was made.", 201),
]
