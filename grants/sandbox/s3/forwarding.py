"""Passes a signed request on to SeaweedFS as it came, and its answer back as it comes."""

import hashlib
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from xml.sax.saxutils import escape

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.s3 import checksums

CHUNK = 256 * 1024
LOST = "sandbox.answer-lost"
"""Set on a request whose answer the fault plan loses: it is carried out, and nothing is sent."""
_SHA256 = re.compile("[0-9a-f]{64}")
_CONNECT_SECONDS = 5
_HOP_BY_HOP = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade", "expect",
}  # fmt: skip


class Forwarder:
    """Connections to SeaweedFS, kept open and used again."""

    def __init__(self, endpoint_url: str) -> None:
        """Pass requests on to `endpoint_url`; `open` comes first."""
        self._endpoint = endpoint_url
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the pool of connections."""
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers={"User-Agent", "Accept", "Accept-Encoding", "Content-Type"},
        )

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def ask(
        self, method: str, target: str, headers: CIMultiDict[str], body: bytes | AsyncIterable[bytes] | None
    ) -> aiohttp.ClientResponse:
        """Send a request and give the answer as soon as its head is there; raises 503 when SeaweedFS is not."""
        if self._session is None:
            raise RuntimeError("open comes first")
        try:
            return await self._session.request(
                method, URL(self._endpoint + target, encoded=True), headers=headers, data=body, allow_redirects=False
            )
        except aiohttp.ClientError as error:
            raise _unavailable() from error

    async def forward(
        self, request: web.BaseRequest, target: str, extra: Mapping[str, str], *, hide_missing: bool = False
    ) -> web.StreamResponse:
        """Pass a request on with its body as it comes, and stream the answer back with the `extra` headers.

        With `hide_missing`, a missing key is answered AccessDenied.
        """
        answer = await self._pass_on(request, target)
        async with answer:
            if hide_missing and answer.status == HTTPStatus.NOT_FOUND:
                raise access_denied("Access Denied")
            return await _back(request, answer, extra)

    async def exchange(self, request: web.BaseRequest, target: str, body: bytes | None = None) -> "Exchanged":
        """Pass a request on, its body as it comes or as it was read, and give the whole answer."""
        if body is None:
            answer = await self._pass_on(request, target)
        else:
            answer = await self.ask(request.method, target, onward(request), body)
        async with answer:
            return Exchanged(answer.status, _headers(answer), await answer.read())

    async def _pass_on(self, request: web.BaseRequest, target: str) -> aiohttp.ClientResponse:
        await welcome(request)
        body = _SignedBody(request) if request.can_read_body else None
        try:
            return await self.ask(request.method, target, onward(request), body)
        except AwsError as error:
            raise body_mismatch() if body is not None and body.changed else error from error


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An answer of SeaweedFS's, whole."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    @property
    def good(self) -> bool:
        """Tell whether it was carried out."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def response(self, extra: Mapping[str, str], body: bytes | None = None) -> web.Response:
        """Give it to the client, with another body if one is given."""
        headers = self.headers.copy()
        if body is not None:
            headers.pop("Content-Length", None)
        headers.update(extra)
        if self.status == HTTPStatus.FORBIDDEN:
            headers["x-sandbox-judge"] = "seaweedfs"
        return web.Response(status=self.status, headers=headers, body=self.body if body is None else body)


async def welcome(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send the body: it was refused before, if it had to be."""
    if request.headers.get("Expect", "").lower() == "100-continue" and not request.content.total_bytes:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


class _SignedBody:
    """A body on its way, the last of it held back until all of it is what was signed.

    SeaweedFS takes the signed hash for granted. `changed` tells why the way ended.
    """

    def __init__(self, request: web.BaseRequest) -> None:
        self._chunks = request.content.iter_chunked(CHUNK)
        self._digest = request.headers.get("x-amz-content-sha256", "")
        self.changed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen, held = hashlib.sha256(), b""
        judged = _SHA256.fullmatch(self._digest) is not None
        async for chunk in self._chunks:
            if judged:
                seen.update(chunk)
            if held:
                yield held
            held = chunk
        if judged and seen.hexdigest() != self._digest:
            self.changed = True
            raise body_mismatch()
        yield held


def not_as_signed(body: bytes, digest: str) -> bool:
    """Tell whether a body that was read is another than its signed SHA-256 says."""
    return _SHA256.fullmatch(digest) is not None and hashlib.sha256(body).hexdigest() != digest


def body_mismatch() -> AwsError:
    """Refuse a body that was changed on its way."""
    message = "The provided 'x-amz-content-sha256' header does not match what was computed."
    return AwsError("XAmzContentSHA256Mismatch", message)


def onward(request: web.BaseRequest) -> CIMultiDict[str]:
    """Give the headers of a request that go on to the next server."""
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
    if "Content-Length" not in headers and not request.can_read_body and request.method in {"PUT", "POST"}:
        headers["Content-Length"] = "0"
    return headers


async def _back(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, extra: Mapping[str, str]
) -> web.StreamResponse:
    headers = _headers(answer)
    headers.update(extra)
    if answer.status == HTTPStatus.FORBIDDEN:
        headers["x-sandbox-judge"] = "seaweedfs"
    if request.get(LOST):
        async for _ in answer.content.iter_any():
            pass
        return web.Response(status=answer.status)
    if request.method != "HEAD" and 0 <= (answer.content_length or -1) <= CHUNK:
        return web.Response(status=answer.status, headers=headers, body=await answer.read())
    response = web.StreamResponse(status=answer.status, headers=headers)
    if request.method == "HEAD" and answer.content_length is not None:
        response.content_length = answer.content_length
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _headers(answer: aiohttp.ClientResponse) -> CIMultiDict[str]:
    """Give the headers of an answer that are SeaweedFS's to say: which pages may read it is the front's business."""
    return CIMultiDict(
        (name, value)
        for name, value in answer.headers.items()
        if name.lower() not in _HOP_BY_HOP | {"vary"} and not name.lower().startswith("access-control-")
    )


def target_of(request: web.BaseRequest) -> str:
    """Give path and query as they came, also of a request made to a proxy."""
    raw = request.raw_path
    if not raw.startswith("/") and "://" in raw:
        return "/" + raw.split("://", 1)[1].partition("/")[2]
    return raw


async def read_body(request: web.BaseRequest, *, of_body: bool = True) -> bytes:
    """Read a body whole; raises AwsError when it is not what was signed.

    Nor may it differ from its checksum in the headers, if that is `of_body` and not of an object.
    """
    await welcome(request)
    body = await request.read()
    if not_as_signed(body, request.headers.get("x-amz-content-sha256", "")):
        raise body_mismatch()
    if of_body:
        checksums.check(body, request.headers)
    return body


def with_right_words(answer: Exchanged, given: Mapping[str, str]) -> Exchanged:
    """Say of a wrong checksum what AWS says: SeaweedFS blames the MD5."""
    if answer.status != HTTPStatus.BAD_REQUEST or not given or b"<Code>BadDigest</Code>" not in answer.body:
        return answer
    words = escape(checksums.mismatch(next(iter(given))).message).encode()
    body = re.sub(rb"<Message>[^<]*</Message>", b"<Message>" + words + b"</Message>", answer.body)
    headers = answer.headers.copy()
    headers.pop("Content-Length", None)
    return Exchanged(answer.status, headers, body)


def _unavailable() -> AwsError:
    message = "The object server is not there right now. Please retry."
    return AwsError("ServiceUnavailable", message, HTTPStatus.SERVICE_UNAVAILABLE)
