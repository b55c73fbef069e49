"""Bases of every view of the API: scopes, strict input, known query parameters."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django_filters import rest_framework as filters
from rest_framework import generics
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from cellenium_admin.core.api.filters import StrictFilterBackend, refuse_unknown
from cellenium_admin.core.api.pagination import CursorPagination
from cellenium_admin.core.api.parsers import StrictJSONParser
from cellenium_admin.core.api.problems import InvalidQueryError, field_errors
from cellenium_admin.core.api.schema import ApiSchema
from cellenium_admin.core.api.serializers import StrictSerializer
from cellenium_admin.core.exceptions import FieldError
from cellenium_admin.core.models import TokenScope, User


class ApiView(APIView):
    """A view that says whom it serves (`permission_classes`), what a token needs (`required_scopes`), what it reads."""

    required_scopes: ClassVar[Mapping[str, TokenScope]] = {}
    # Statuses of problems beyond those every such method may answer with, for the OpenAPI document.
    further_problems: ClassVar[tuple[str, ...]] = ()
    query_serializer_class: ClassVar[type[StrictSerializer] | None] = None
    parser_classes = [StrictJSONParser]
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    schema = ApiSchema()

    @property
    def user(self) -> User:
        """The caller, whom the permission class has let in."""
        return cast("User", self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let the caller in, then refuse query parameters that nothing here reads."""
        super().initial(request, *args, **kwargs)
        refuse_unknown(request, self.known_parameters(), repeatable=self.repeatable_parameters())

    def known_parameters(self) -> frozenset[str]:
        """Name the query parameters this view reads."""
        return frozenset(self.query_serializer_class().fields) if self.query_serializer_class else frozenset()

    def repeatable_parameters(self) -> frozenset[str]:
        """Name those that may be given several times, meaning any of the values."""
        return frozenset()

    def read_query(self) -> dict[str, Any]:
        """Give the query parameters, checked.

        Raises InvalidQueryError.
        """
        if self.query_serializer_class is None:
            return {}
        serializer = self.query_serializer_class(data=self.request.query_params.dict())
        if not serializer.is_valid():
            found = field_errors(_full_details(serializer))
            errors = [FieldError("?" + error.pointer[1:], error.code, error.detail) for error in found]
            raise InvalidQueryError("Some parameters cannot be used; see errors.", errors=errors)
        return cast("dict[str, Any]", serializer.validated_data)

    def read_body(self, serializer_class: type[StrictSerializer]) -> dict[str, Any]:
        """Give the body, checked; raises ValidationError, answered with 422 and the place of each mistake."""
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return cast("dict[str, Any]", serializer.validated_data)


class ApiListView(ApiView, generics.ListAPIView[Any]):
    """A list in pages; `cursor_ordering` ends in a unique column."""

    pagination_class = CursorPagination
    filter_backends = [StrictFilterBackend]
    cursor_ordering: ClassVar[tuple[str, ...]]
    filterset_class: ClassVar[type[Any] | None] = None

    def known_parameters(self) -> frozenset[str]:
        """Name the filters and the two parameters of pages."""
        return frozenset({"cursor", "limit", *self._filters()})

    def repeatable_parameters(self) -> frozenset[str]:
        """Name the filters that take several values."""
        return frozenset(name for name, one in self._filters().items() if isinstance(one, filters.MultipleChoiceFilter))

    def _filters(self) -> dict[str, Any]:
        return self.filterset_class.base_filters if self.filterset_class else {}


def _full_details(serializer: BaseSerializer[Any]) -> Any:
    errors = cast("Mapping[str, list[ErrorDetail]]", serializer.errors)
    return {name: [{"message": str(error), "code": error.code} for error in found] for name, found in errors.items()}
