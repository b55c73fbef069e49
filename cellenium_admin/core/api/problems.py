"""Errors as RFC 9457 problems: one shape for every error under `/api/`, and the one place that maps them."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as rest
from rest_framework.request import Request

from cellenium_admin.core.api.phrases import phrase
from cellenium_admin.core.context import Actor, current
from cellenium_admin.core.exceptions import (
    ApplicationError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    RefusedError,
    StaleVersionError,
    TooManyError,
    UnavailableError,
)
from cellenium_admin.core.models import User
from cellenium_admin.core.services import audit

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
logger = logging.getLogger(__name__)


class InvalidQueryError(ApplicationError):
    """A parameter behind the question mark is unknown or has a value that cannot be used."""

    code = "invalid_query"


class PayloadTooLargeError(ApplicationError):
    """The body is larger than this server reads."""

    code = "payload_too_large"


class InvalidHeaderError(ApplicationError):
    """A header cannot be read."""

    code = "invalid_header"


class PreconditionRequiredError(ApplicationError):
    """A change was asked for without saying of which version (RFC 6585, section 3)."""

    code = "precondition_required"


# The first that fits decides, so subclasses come before their bases.
STATUS_OF_ERROR: Mapping[type[ApplicationError], int] = {
    InvalidHeaderError: 400,
    StaleVersionError: 412,
    PreconditionRequiredError: 428,
    InvalidQueryError: 400,
    RefusedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    PayloadTooLargeError: 413,
    InvalidInputError: 422,
    TooManyError: 429,
    UnavailableError: 503,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, before it is written down as a response."""

    status: int
    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


PROBLEM_OF_DJANGO: Mapping[type[Exception], Problem] = {
    Http404: Problem(404, "not_found", "There is nothing here, or you may not know of it."),
    PermissionDenied: Problem(403, "forbidden", "You may not do this."),
    RequestDataTooBig: Problem(413, "payload_too_large", "The body is larger than this server reads."),
    SuspiciousOperation: Problem(400, "bad_request", "The request cannot be understood."),
}


def render(problem: Problem, *, path: str) -> HttpResponse:
    """Write a problem down; a plain response, because the client may have asked for a type we do not speak."""
    body = {
        "type": f"urn:cellenium-admin:problem:{problem.code}",
        "title": phrase(problem.status),
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        "code": problem.code,
        "request_id": current().request_id,
        "errors": [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in problem.errors],
        **problem.extra,
    }
    return HttpResponse(
        json.dumps(body, allow_nan=False), status=problem.status, content_type=MEDIA_TYPE, headers=dict(problem.headers)
    )


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer what a view raised; None for faults of our own, which Django logs and answers with 500."""
    request: Request = context["request"]
    if isinstance(exc, RefusedError):
        audit.record_refusal(exc, actor=_actor_of(request))
    problem = problem_of(exc)
    return None if problem is None else render(problem, path=request.path)


def problem_of(exc: Exception) -> Problem | None:
    """Map an exception to its problem; None when it is not one a caller may see."""
    match exc:
        case ApplicationError():
            return of_application_error(exc)
        case rest.APIException():
            return _of_rest_error(exc)
        case OperationalError() | InterfaceError():
            logger.error("The database did not answer", exc_info=exc)
            return of_application_error(UnavailableError("The database does not answer; try again in a moment."))
    return next((problem for kind, problem in PROBLEM_OF_DJANGO.items() if isinstance(exc, kind)), None)


def of_application_error(exc: ApplicationError) -> Problem:
    """Map an error of our services by its class; an unknown one is the caller's input."""
    status = next((status for kind, status in STATUS_OF_ERROR.items() if isinstance(exc, kind)), 422)
    seconds = getattr(exc, "retry_seconds", RETRY_SECONDS if status == 503 else None)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return Problem(status, exc.code, exc.detail, errors=exc.errors, headers=headers)


def pointer(*steps: str | int) -> str:
    """Build a JSON pointer (RFC 6901) out of names and positions."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def field_errors(detail: Any, *steps: str | int) -> Iterator[FieldError]:
    """Walk the nested details of a REST framework validation error, giving each message its place."""
    if isinstance(detail, Mapping) and set(detail) == {"message", "code"}:
        yield FieldError(pointer(*steps), str(detail["code"]), str(detail["message"]))
    elif isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from field_errors(inner, *steps, *([] if name == "non_field_errors" else [name]))
    else:
        for inner in detail:
            yield from field_errors(inner, *steps)


def _of_rest_error(exc: rest.APIException) -> Problem:
    headers = _headers_of(exc)
    if isinstance(exc, rest.ValidationError):
        errors = tuple(field_errors(exc.get_full_details()))
        return Problem(422, "invalid", "Some fields cannot be taken as they are; see errors.", errors, headers)
    code = exc.get_codes()
    return Problem(exc.status_code, code if isinstance(code, str) else exc.default_code, str(exc.detail), (), headers)


def _headers_of(exc: rest.APIException) -> dict[str, str]:
    headers = {}
    if authenticate := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = authenticate
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(int(wait))
    return headers


def _actor_of(request: Request) -> Actor:
    return Actor.of(request.user) if isinstance(request.user, User) else Actor.anonymous()
