"""Errors that happen outside of any view: problems under `/api/`, Django's plain pages elsewhere."""

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponseBase
from django.views import defaults

from cellenium_admin.core.api.problems import PROBLEM_OF_DJANGO, Problem, problem_of, render
from cellenium_admin.core.content_security import API_ROOT

NO_ROUTE = Problem(404, "not_found", "There is no such route; GET /api/v1/schema lists those there are.")
OUR_FAULT = Problem(500, "internal_error", "Something failed on our side; tell us the request_id if it stays.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that could not even be routed."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return render(problem_of(exception) or PROBLEM_OF_DJANGO[SuspiciousOperation], path=request.path)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a refusal from outside the API's own views."""
    return (
        render(PROBLEM_OF_DJANGO[PermissionDenied], path=request.path)
        if _is_api(request)
        else defaults.permission_denied(request, exception)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a path that leads nowhere."""
    return render(NO_ROUTE, path=request.path) if _is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer when we failed; what failed is in the log under the request id, never in the response."""
    return render(OUR_FAULT, path=request.path) if _is_api(request) else defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(API_ROOT)
