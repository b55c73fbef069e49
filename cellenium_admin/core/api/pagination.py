"""Pages by position: a list stays right while rows are added, and page 1000 costs what page 1 costs."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, cast

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from cellenium_admin.core.api.problems import InvalidQueryError
from cellenium_admin.core.exceptions import FieldError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's place in the order, and whether the page lies after or before it."""

    backward: bool
    place: tuple[Any, ...]

    def encode(self) -> str:
        """Make it opaque and safe in a URL."""
        place = [value.isoformat() if isinstance(value, datetime) else value for value in self.place]
        text = json.dumps([self.backward, *place], separators=(",", ":"), default=str)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, *, model: type[Model], names: Sequence[str]) -> Self:
        """Read a cursor of this list, each value by its column's own type.

        Raises InvalidQueryError when it is not one.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            backward, *place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            values = tuple(_typed(model, name, value) for name, value in zip(names, place, strict=True))
        except (ValueError, TypeError, OverflowError, RecursionError, ValidationError) as error:
            raise _invalid("cursor", "Not a cursor of this list; follow `next` and `previous` as given.") from error
        return cls(backward=backward is True, place=values)


class CursorPagination(BasePagination):
    """`{results, next, previous}` over a view's `cursor_ordering`, whose last column is unique."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Read one page and one row more, which tells whether there is another page."""
        self.request = request
        self.names = [name.lstrip("-") for name in view.cursor_ordering]
        self.limit = _limit_of(request)
        cursor = self._cursor_of(request, queryset.model)
        self.cursor = cursor
        backward = cursor is not None and cursor.backward
        descending = view.cursor_ordering[0].startswith("-")
        if cursor is not None:
            queryset = queryset.filter(_beyond(self.names, cursor.place, below=descending != backward))
        rows = list(queryset.order_by(*_order(self.names, descending=descending != backward))[: self.limit + 1])
        self.has_more = len(rows) > self.limit
        self.page = rows[: self.limit][:: -1 if backward else 1]
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        """Put the page between its neighbours."""
        backward = self.cursor is not None and self.cursor.backward
        has_next = self.has_more or backward
        has_previous = self.has_more if backward else self.cursor is not None
        return Response(
            {
                "results": data,
                "next": self._link(-1, backward=False) if has_next else None,
                "previous": self._link(0, backward=True) if has_previous else None,
            }
        )

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Describe the page for the OpenAPI document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the two parameters for the OpenAPI document."""
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        return [
            _parameter("cursor", "Where the page begins; taken from `next` or `previous`.", {"type": "string"}),
            _parameter("limit", "How many results a page holds.", limit),
        ]

    def _cursor_of(self, request: Request, model: type[Model]) -> Cursor | None:
        text = request.query_params.get("cursor")
        if text is None:
            return None
        return Cursor.decode(text[:MAX_CURSOR_LENGTH], model=model, names=self.names)

    def _link(self, index: int, *, backward: bool) -> str:
        if self.page:
            place = tuple(getattr(self.page[index], name) for name in self.names)
        else:
            place = self.cursor.place if self.cursor else ()
        cursor = Cursor(backward=backward, place=place).encode()
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)


def _typed(model: type[Model], name: str, value: Any) -> Any:
    field = cast("Field[Any, Any]", model._meta.get_field(name))  # noqa: SLF001 -- Django's documented interface
    typed = field.to_python(value)
    if typed is None or (isinstance(typed, datetime) and typed.tzinfo is None):
        raise ValueError(name)
    return typed


def _beyond(names: Sequence[str], place: Sequence[Any], *, below: bool) -> Q:
    """Select rows strictly after a place in lexicographic order; the first bound alone lets an index be used."""
    operator = "lt" if below else "gt"
    condition, equal = Q(), Q()
    for name, value in zip(names, place, strict=True):
        condition |= equal & Q(**{f"{name}__{operator}": value})
        equal &= Q(**{name: value})
    return Q(**{f"{names[0]}__{operator}e": place[0]}) & condition


def _order(names: Sequence[str], *, descending: bool) -> list[str]:
    return [f"-{name}" if descending else name for name in names]


def _limit_of(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MAX_LIMIT):
        raise _invalid("limit", f"Give a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _invalid(name: str, detail: str) -> InvalidQueryError:
    return InvalidQueryError(detail, errors=[FieldError(f"?{name}", "invalid", detail)])


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
