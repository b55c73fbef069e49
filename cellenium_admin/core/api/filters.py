"""Filters of lists: a value that cannot be used is a 400, never "everything"."""

from typing import Any, cast

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

from cellenium_admin.core.api.problems import InvalidQueryError
from cellenium_admin.core.exceptions import FieldError


class StrictFilterBackend(DjangoFilterBackend):
    """Applies a view's filter set and refuses values it cannot read."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        """Narrow the list.

        Raises InvalidQueryError naming each parameter that cannot be read.
        """
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise invalid_query(filterset.errors.get_json_data())
        return cast("QuerySet[Any]", filterset.qs)


def invalid_query(messages: dict[str, Any]) -> InvalidQueryError:
    """Turn a form's messages into one error with a place for each."""
    errors = [
        FieldError(f"?{name}", entry["code"] or "invalid", entry["message"])
        for name, entries in messages.items()
        for entry in entries
    ]
    return InvalidQueryError("Some parameters cannot be used; see errors.", errors=errors)


def refuse_unknown(request: Request, known: frozenset[str], *, repeatable: frozenset[str]) -> None:
    """Refuse parameters nobody reads, one given twice where one is read, and one without a value.

    Raises InvalidQueryError: a misspelt filter would otherwise select everything.
    """
    listed = ", ".join(sorted(known)) or "none"
    errors = []
    for name, values in request.query_params.lists():
        if name not in known:
            errors.append(FieldError(f"?{name}", "unknown_parameter", f"Unknown parameter; known here: {listed}."))
        elif len(values) > 1 and name not in repeatable:
            errors.append(FieldError(f"?{name}", "repeated", "Give this parameter once."))
        elif not all(values):
            errors.append(FieldError(f"?{name}", "blank", "Give a value, or leave this parameter out."))
    if errors:
        raise InvalidQueryError("Some parameters cannot be used; see errors.", errors=errors)
