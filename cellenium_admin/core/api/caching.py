"""Answers that never change for one version of a study: kept by the caller's own cache, checked by ETag."""

from typing import cast

from django.http import HttpRequest
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

YEAR = 31_536_000


def is_unchanged(request: Request, *, etag: str) -> bool:
    """Tell whether the caller already holds this answer."""
    return get_conditional_response(cast("HttpRequest", request), etag=etag) is not None


def not_modified(*, etag: str, pinned: bool) -> Response:
    """Answer 304."""
    return mark(Response(status=304), etag=etag, pinned=pinned)


def mark(response: Response, *, etag: str, pinned: bool) -> Response:
    """Let the caller keep it: for good when the URL names the version, else to be checked each time."""
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={YEAR}, immutable" if pinned else "private, no-cache"
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
