"""The `Idempotency-Key` header: a create request that is sent twice is carried out once and answered alike.

After draft-ietf-httpapi-idempotency-key-header; what is guaranteed is said in `core/services/idempotency.py`.
"""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import models, transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from cellenium_admin.core.api.problems import InvalidHeaderError
from cellenium_admin.core.api.schema import response_header
from cellenium_admin.core.models import User
from cellenium_admin.core.services import idempotency
from cellenium_admin.core.services.idempotency import Answer, Claim

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_HEADERS = ("Location", "ETag")
# A string of RFC 8941 as the draft has it, or the bare characters that most clients send.
_KEY = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"|([\x21\x23-\x7e][\x20-\x7e]{0,254})')
Made = TypeVar("Made", bound=models.Model)

PARAMETERS = [
    OpenApiParameter(
        HEADER,
        str,
        OpenApiParameter.HEADER,
        description="1 to 255 printable characters, new for each new request: a repeated request is carried out once.",
    ),
    response_header(REPLAYED, "`true` when this is the answer that was given before.", 201),
]


@dataclass(frozen=True, slots=True)
class Creation(Generic[Made]):
    """How a view creates something.

    `make` writes rows in the transaction it is called in; `find` reads by its id what an earlier try has made;
    `carry_out` does what must happen outside of the transaction and may happen twice; `answer` shows the result.
    Without `in_transaction`, `make` sees to its own: what a crash leaves before it is noted is then not found again,
    so only something that cannot be made twice is made that way.
    """

    make: Callable[[], Made]
    find: Callable[[str], Made]
    carry_out: Callable[[Made], None]
    answer: Callable[[Made], Response]
    in_transaction: bool = True


def create(request: Request, creation: Creation[Made]) -> HttpResponse:
    """Create something, once for all requests with the same key; without a key, once for this request.

    Raises what `make` raises, and InvalidHeaderError, KeyReusedError, StillRunningError.
    """
    claim = _claim(request)
    if claim is None:
        with transaction.atomic() if creation.in_transaction else nullcontext():
            made = creation.make()
        return _carry_out(creation, made)
    if isinstance(claim, Answer):
        return _replay(claim)
    return _guarded(claim, lambda: _work(claim, creation))


def create_secret(request: Request, work: Callable[[], Response]) -> HttpResponse:
    """Create something whose secret is in the answer, which is therefore never kept nor given again.

    Raises what `work` raises, and InvalidHeaderError, KeyReusedError, StillRunningError, SecretDeliveredError.
    """
    claim = _claim(request)
    if claim is None:
        return work()
    if isinstance(claim, Answer):
        raise TypeError("An answer with a secret was kept.")
    response = _guarded(claim, work)
    idempotency.finish_with_secret(claim)
    return response


def _work(claim: Claim, creation: Creation[Made]) -> Response:
    response = _carry_out(creation, _made(claim, creation))
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    body = JSONRenderer().render(response.data).decode()
    idempotency.finish(claim, Answer(status=response.status_code, body=body, headers=headers))
    return response


def _made(claim: Claim, creation: Creation[Made]) -> Made:
    if claim.subject_id:
        return creation.find(claim.subject_id)
    if creation.in_transaction:
        return idempotency.make_once(claim, creation.make)
    made = creation.make()
    return idempotency.make_once(claim, lambda: made)


def _carry_out(creation: Creation[Made], made: Made) -> Response:
    creation.carry_out(made)
    return creation.answer(made)


def _guarded(claim: Claim, work: Callable[[], Response]) -> Response:
    """Give the key back when the work ends without an answer: whoever repeats the request need not wait."""
    try:
        return work()
    except BaseException:
        idempotency.release(claim)
        raise


def _replay(answer: Answer) -> HttpResponse:
    headers = {**answer.headers, REPLAYED: "true"}
    return HttpResponse(answer.body, status=answer.status, content_type="application/json", headers=headers)


def _claim(request: Request) -> Claim | Answer | None:
    key = _key(request)
    if key is None or not isinstance(request.user, User):
        return None
    route = f"{request.method} {request.resolver_match.route}"  # type: ignore[union-attr]
    return idempotency.claim(user=request.user, route=route, key=key, fingerprint=_fingerprint(request))


def _key(request: Request) -> str | None:
    header = request.headers.get(HEADER)
    if header is None:
        return None
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise InvalidHeaderError(f"{HEADER} takes 1 to 255 printable ASCII characters, such as a UUID.")
    return match[2] or re.sub(r"\\(.)", r"\1", match[1])


def _fingerprint(request: Request) -> bytes:
    """Hash method, path and body; how the body's JSON is spaced and ordered does not matter."""
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256("\n".join((str(request.method), request.get_full_path(), body)).encode()).digest()
