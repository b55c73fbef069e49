"""Verifies AWS's Signature Version 4, in the Authorization header and in presigned URLs.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import quote, unquote_to_bytes

from grants.sandbox.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)
LONGEST_PRESIGNED = timedelta(days=7)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_SAFE = "-_.~"
_AUTHORIZATION = re.compile(rf"{ALGORITHM}\s+Credential=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What of a request is signed; `path` and `query` as they came, header names in lower case.

    `body_hash` is the SHA-256 of a body that was read, in hexadecimal; None for a body that is passed on as it comes,
    for whose hash the signed header is taken at its word.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]
    body_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request claims: which key signed which parts of it, when, for which service."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str
    time: datetime
    payload_hash: str
    session_token: str | None
    presigned: bool
    expires: timedelta | None = None
    query: str = ""


def read(request: SignedRequest) -> Signature | None:
    """Find the signature, or None in an unsigned request; raises AwsError for one that cannot be read."""
    pairs = query_pairs(request.query)
    named = dict(pairs)
    authorization = _one(request.headers, "authorization")
    if "X-Amz-Algorithm" in named or "X-Amz-Signature" in named:
        if authorization is not None:
            raise AwsError("InvalidArgument", "Only one auth mechanism allowed")
        return _presigned(pairs, request)
    if authorization is None:
        if {"AWSAccessKeyId", "Signature"} <= set(named):
            raise _old_version()
        return None
    return _from_header(authorization, request)


def verify(signature: Signature, request: SignedRequest, secret: str, now: datetime) -> None:
    """Raise AwsError unless `secret` made this signature; `now` is the machine's time."""
    _check_time(signature, now)
    missing = [name for name in request.headers if name.startswith("x-amz-") and name not in signature.signed_headers]
    if "host" not in signature.signed_headers or missing:
        name = missing[0] if missing else "host"
        message = f"There were headers present in the request which were not signed: {name}"
        raise AwsError("AccessDenied", message, HTTPStatus.FORBIDDEN)
    expected = _expected(signature, request, secret)
    if not hmac.compare_digest(expected.encode(), signature.value.encode()):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            HTTPStatus.FORBIDDEN,
        )


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Split a query string, undoing percent signs only: to S3, a plus is a plus."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(_text(name), _text(value)) for name, _, value in parts]


def _presigned(pairs: list[tuple[str, str]], request: SignedRequest) -> Signature:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise _unreadable_query("a query parameter is there twice")
    try:
        credential, headers = named["X-Amz-Credential"], named["X-Amz-SignedHeaders"]
        signature, written, seconds = named["X-Amz-Signature"], named["X-Amz-Date"], int(named["X-Amz-Expires"])
    except (KeyError, ValueError) as error:
        raise _unreadable_query(f"Query-string authentication needs {error}") from error
    if named.get("X-Amz-Algorithm") != ALGORITHM:
        raise _old_version()
    if not 0 <= seconds <= LONGEST_PRESIGNED.total_seconds():
        raise _unreadable_query("X-Amz-Expires must be less than a week (in seconds); that is 604800")
    try:
        found = _claim(credential, headers, signature, _moment(written), request)
    except AwsError as error:
        raise _unreadable_query(error.message.removesuffix(".")) from error
    rest = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
    token = named.get("X-Amz-Security-Token")
    return replace(
        found,
        presigned=True,
        expires=timedelta(seconds=seconds),
        session_token=token,
        query=rest,
    )


def _from_header(authorization: str, request: SignedRequest) -> Signature:
    if authorization.startswith("AWS "):
        raise _old_version()
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise _unreadable("The authorization header is malformed")
    written = _one(request.headers, "x-amz-date")
    if written is None:
        raise _unreadable("x-amz-date is missing")
    return _claim(found[1], found[2], found[3], _moment(written), request)


def _claim(credential: str, headers: str, signature: str, time: datetime, request: SignedRequest) -> Signature:
    if not (credential + headers + signature).isascii():
        raise _unreadable("Credential, SignedHeaders and Signature are ASCII")
    scope = credential.rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request" or scope[1] != time.strftime("%Y%m%d"):
        raise _unreadable("the Credential must be KEY/DATE/REGION/SERVICE/aws4_request with the date of the request")
    return Signature(
        access_key_id=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        signed_headers=tuple(headers.lower().split(";")),
        value=signature,
        time=time,
        payload_hash=request.body_hash or _one(request.headers, "x-amz-content-sha256") or UNSIGNED_PAYLOAD,
        session_token=_one(request.headers, "x-amz-security-token"),
        presigned=False,
        query=request.query,
    )


def _check_time(signature: Signature, now: datetime) -> None:
    if signature.expires is not None:
        if signature.time > now + SKEW:
            raise AwsError("AccessDenied", "Request is not valid yet", HTTPStatus.FORBIDDEN)
        if now > signature.time + signature.expires:
            raise AwsError("AccessDenied", "Request has expired", HTTPStatus.FORBIDDEN)
    elif abs(now - signature.time) > SKEW:
        message = "The difference between the request time and the current time is too large."
        raise AwsError("RequestTimeTooSkewed", message, HTTPStatus.FORBIDDEN)


def _expected(signature: Signature, request: SignedRequest, secret: str) -> str:
    canonical = "\n".join(
        [
            request.method,
            quote(unquote_to_bytes(request.path), safe="/" + _SAFE) or "/",
            _canonical_query(signature.query),
            *(f"{name}:{_canonical_values(request.headers.get(name, ()))}" for name in signature.signed_headers),
            "",
            ";".join(signature.signed_headers),
            signature.payload_hash,
        ]
    )
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    text = f"{ALGORITHM}\n{signature.time:%Y%m%dT%H%M%SZ}\n{scope}\n{digest}"
    key = signing_key(secret, signature.date, signature.region, signature.service)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derive the key of one day, Region and service."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _canonical_query(query: str) -> str:
    parts = (part.partition("=") for part in query.split("&") if part)
    coded = [(_coded(name), _coded(value)) for name, _, value in parts]
    return "&".join(f"{name}={value}" for name, value in sorted(coded))


def _coded(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=_SAFE)


def _text(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _canonical_values(values: Sequence[str]) -> str:
    return ",".join(" ".join(value.split()) for value in values)


def _one(headers: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = headers.get(name, ())
    if len(values) > 1:
        raise _unreadable(f"the header {name} is there twice")
    return values[0] if values else None


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _unreadable(f"{text} is no date of the form 20261231T235959Z") from error


def _unreadable(message: str) -> AwsError:
    return AwsError("AuthorizationHeaderMalformed", f"{message}.")


def _unreadable_query(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", f"{message}.")


def _old_version() -> AwsError:
    message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    return AwsError("InvalidRequest", message)
