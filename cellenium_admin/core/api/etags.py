"""Optimistic locking over HTTP (RFC 9110, section 13.1.1): nobody changes what they have not seen as it is now.

A tag names a row and its `version`, which grows with each change. `If-Match` is compared here with the row that was
read, and again by the service in its transaction, which is handed the version.
"""

import re
from typing import Any, Protocol, TypeVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.problems import InvalidHeaderError, PreconditionRequiredError
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.exceptions import StaleVersionError

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*")

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="The `ETag` the caller has seen. `*` is refused: it would change whatever is there.",
)


Version_co = TypeVar("Version_co", int, str, covariant=True)


class Versioned(Protocol[Version_co]):
    """A row that counts its changes, or tells them by another text that never comes again."""

    @property
    def pk(self) -> Any: ...

    @property
    def version(self) -> Version_co: ...


def etag(row: Versioned[Any]) -> str:
    """Give the strong tag of a row as it is."""
    return f'"{row.pk}-{row.version}"'


def tagged(response: Response, row: Versioned[Any]) -> Response:
    """Put the row's tag on an answer that shows it."""
    response["ETag"] = etag(row)
    return response


def expected_version(request: Request, row: Versioned[Version_co]) -> Version_co:
    """Give the version the caller has seen, for the service to compare again in its transaction.

    Raises PreconditionRequiredError without `If-Match` or with `*`, InvalidHeaderError when it cannot be read,
    StaleVersionError when the row has changed since. Weak tags match nothing, as the RFC has it for this header.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        raise PreconditionRequiredError("Send If-Match with the ETag you have read, so that you change what you saw.")
    if not _LIST.fullmatch(header):
        raise InvalidHeaderError('If-Match holds no entity tag; send the ETag as it was answered, with its "quotes".')
    if etag(row) not in re.findall(_TAG, header):
        raise StaleVersionError("This has changed since you read it; read it again before you change it.")
    return row.version


def etag_header(*statuses: int) -> OpenApiParameter:
    """Describe the tag of these answers."""
    return response_header("ETag", "The version shown; send it back in `If-Match` to change it.", *statuses)
