"""The one address of the sandbox: verifies signatures, keeps the fault plan, hands each call to its service."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from aiohttp import web

from grants.sandbox import authentication, wire
from grants.sandbox.assembly import Sandbox
from grants.sandbox.authentication import Authenticated, Authenticator, Context
from grants.sandbox.call_log import CallLog, LoggedCall, without_secrets
from grants.sandbox.calls import Call
from grants.sandbox.clock import machine_time
from grants.sandbox.control import PREFIX, Control
from grants.sandbox.environment import S3_CONTROL_HOST
from grants.sandbox.errors import AwsError
from grants.sandbox.faults import Fault, FaultPlan
from grants.sandbox.s3.forwarding import LOST
from grants.sandbox.sigv4 import SignedRequest
from grants.sandbox.wire import SQS_TARGET, Message, RawAnswer

PROXY_SUFFIX = f".{S3_CONTROL_HOST}"
LARGEST_BODY = 2 * 1024 * 1024
"""In bytes, of a body that is read whole; object data is passed on as it comes."""
_S3_CONTROL_PATH = "/v20180820/"


class Service(Protocol):
    """What answers the calls of one service of the control plane."""

    def handle(self, call: Call) -> Mapping[str, Any]:
        """Answer a call with the members of its output, or raise AwsError."""


class ConnectionCutError(Exception):
    """The client shall see its connection end without an answer."""


class Front:
    """Answers every request that comes to the sandbox's port."""

    def __init__(self, sandbox: Sandbox, token: str) -> None:
        """Serve `sandbox`; `token` opens the control interface."""
        self._sandbox = sandbox
        self._authenticator = Authenticator(sandbox.world, sandbox.iam, sandbox.sessions)
        self.faults, self.calls = FaultPlan(), CallLog()
        self._control = Control(sandbox, self.faults, self.calls, token)
        self._services: dict[str, Service] = {
            "iam": sandbox.iam,
            "sts": sandbox.sts,
            "s3control": sandbox.access_grants,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        target = urlsplit("" if request.raw_path.startswith("/") else request.raw_path)
        if target.netloc and not (target.hostname or "").endswith(PROXY_SUFFIX):
            return web.Response(status=HTTPStatus.BAD_GATEWAY, text=_not_a_proxy(target.hostname or ""))
        path, query = _target(request)
        if path.startswith(PREFIX):
            return await self._control.handle(request, path)
        visit = _Visit(request, path, query)
        try:
            return await self._visit(visit)
        except ConnectionCutError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        finally:
            visit.log.milliseconds = round((time.perf_counter() - visit.began) * 1000, 3)
            self.calls.add(visit.log)

    async def _visit(self, visit: "_Visit") -> web.StreamResponse:
        try:
            await self._name(visit)
            fault = self.faults.next(visit.service, visit.log.operation)
            visit.log.fault = fault.kind if fault else None
            if fault is not None and fault.when == "before" and fault.kind != "partial_page":
                await _strike(fault, visit.service)
            lost = fault is not None and fault.when == "after" and fault.kind != "partial_page"
            visit.request[LOST] = lost
            response = await self._carry_out(visit, fault)
            if fault is not None and lost:
                await _strike(fault, visit.service)
        except AwsError as error:
            response = self._refuse(visit, error)
        except web.HTTPRequestEntityTooLarge:
            response = self._refuse(visit, _too_long(visit.service))
        except ConnectionCutError:
            raise
        except Exception:
            # An error of the sandbox itself: the log must not say OK; aiohttp writes the trace and answers 500.
            visit.log.outcome, visit.log.status = "InternalError", HTTPStatus.INTERNAL_SERVER_ERROR
            raise
        visit.log.status = response.status
        return response

    async def _name(self, visit: "_Visit") -> None:
        """Find out which service and operation are meant, before anybody is authenticated."""
        if visit.service == "s3":
            visit.log.operation = self._sandbox.s3.operation(visit.request)
            visit.log.parameters = _named(visit.path)
            return
        body = await visit.request.read()
        visit.message = Message(
            method=visit.request.method, path=visit.path, query=visit.query, headers=visit.single_headers(), body=body
        )
        visit.log.operation = wire.operation_name(visit.service, visit.message)

    async def _carry_out(self, visit: "_Visit", fault: Fault | None) -> web.StreamResponse:
        if visit.service == "s3" and self._sandbox.s3.is_preflight(visit.request):
            return self._sandbox.s3.preflight(visit.request, visit.log.request_id)
        signed = visit.signed()
        found = self._authenticator.authenticate(visit.service, signed)
        visit.log.caller, visit.log.access_key_id = found.caller.arn, found.caller.access_key_id
        context = self._context(visit, signed, found)
        if visit.message is None:
            return await self._sandbox.s3.handle(visit.request, found.caller, context, visit.log.request_id)
        answer = await self._control_plane(visit, visit.message, found, context, fault)
        return _response(answer, visit.log.request_id)

    async def _control_plane(
        self, visit: "_Visit", message: Message, found: Authenticated, context: Context, fault: Fault | None
    ) -> RawAnswer:
        parameters: Mapping[str, object] = wire.parameters(visit.service, visit.log.operation, message)
        visit.log.parameters = without_secrets(parameters)
        if fault is not None and fault.kind == "partial_page":
            parameters = fault.shortened(parameters)
        call = Call(
            service=visit.service,
            operation=visit.log.operation,
            parameters=parameters,
            caller=found.caller,
            context=context,
            request_id=visit.log.request_id,
            body=message.body,
            endpoint=f"http://{visit.request.headers.get('Host', '127.0.0.1')}",
        )
        if visit.service == "sqs":
            result = await self._sandbox.sqs.handle(call)
        else:
            result = self._services[visit.service].handle(call)
        return wire.answer(visit.service, visit.log.operation, result, visit.log.request_id)

    def _context(self, visit: "_Visit", signed: SignedRequest, found: Authenticated) -> Context:
        world = self._sandbox.world
        return authentication.request_context(
            signed,
            found.signature,
            address=visit.request.remote or "127.0.0.1",
            region=found.signature.region if found.signature else world.region,
            secure=world.knobs.secure_transport,
            now=world.clock.now(),
        )

    def _refuse(self, visit: "_Visit", error: AwsError) -> web.Response:
        visit.log.outcome = error.code
        if visit.request.writer.output_size:
            # The head of another answer is on its way already.
            raise ConnectionCutError from error
        answer = wire.refusal(visit.service, error, visit.log.request_id, visit.path)
        response = _response(answer, visit.log.request_id)
        response.headers["x-sandbox-judge"] = "evaluator"
        if visit.service == "s3":
            response.headers["x-amz-bucket-region"] = self._sandbox.world.region
            response.headers.update(self._sandbox.s3.cross_origin(visit.request))
        if not visit.request.can_read_body or visit.request.content.is_eof():
            return response
        # What is left of an upload nobody will read.
        response.force_close()
        return response


class _Visit:
    """What is known of one request while it is answered."""

    def __init__(self, request: web.BaseRequest, path: str, query: str) -> None:
        self.request, self.path, self.query = request, path, query
        self.began = time.perf_counter()
        self.message: Message | None = None
        self.service = _service(request, path)
        request_id = secrets.token_hex(8).upper()
        self.log = LoggedCall(
            time=machine_time().isoformat(), service=self.service, operation="Unknown", request_id=request_id
        )

    def signed(self) -> SignedRequest:
        """Give what the signature covers."""
        headers: dict[str, list[str]] = {}
        for name, value in self.request.raw_headers:
            headers.setdefault(name.decode("ascii").lower(), []).append(value.decode("utf-8", "surrogateescape"))
        digest = None if self.message is None else hashlib.sha256(self.message.body).hexdigest()
        return SignedRequest(
            method=self.request.method, path=self.path, query=self.query, headers=headers, body_hash=digest
        )

    def single_headers(self) -> dict[str, str]:
        """Give each header once."""
        return {name.lower(): value for name, value in self.request.headers.items()}


def _service(request: web.BaseRequest, path: str) -> str:
    if request.headers.get("X-Amz-Target", "").startswith(SQS_TARGET):
        return "sqs"
    if path.startswith(_S3_CONTROL_PATH) and "x-amz-account-id" in request.headers:
        return "s3control"
    form = request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
    if request.method == "POST" and path == "/" and form:
        scope = request.headers.get("Authorization", "").partition(",")[0].split("/")
        return "sts" if "sts" in scope else "iam"
    return "s3"


def _target(request: web.BaseRequest) -> tuple[str, str]:
    """Give path and query as they came, also of a request made to a proxy."""
    raw = request.raw_path
    if not raw.startswith("/") and "://" in raw:
        raw = "/" + raw.split("://", 1)[1].partition("/")[2]
    path, _, query = raw.partition("?")
    return path, query


def _not_a_proxy(host: str) -> str:
    return (
        f"This is the cellenium-admin sandbox. As a proxy it serves <account>{PROXY_SUFFIX} alone, so that clients of "
        f"S3 Control reach it; {host} has to be asked directly: add it to NO_PROXY, or unset HTTP_PROXY.\n"
    )


def _response(answer: RawAnswer, request_id: str) -> web.Response:
    headers = {**answer.headers, "x-amzn-RequestId": request_id, "x-amz-request-id": request_id}
    return web.Response(status=answer.status, headers=headers, body=answer.body)


def _named(path: str) -> dict[str, str]:
    bucket, _, key = path.removeprefix("/").partition("/")
    named = {"Bucket": unquote(bucket), "Key": unquote(key)}
    return {name: value for name, value in named.items() if value}


def _too_long(service: str) -> AwsError:
    if service == "s3":
        return AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    return AwsError("RequestEntityTooLarge", "The request is too long.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


async def _strike(fault: Fault, service: str) -> None:
    if fault.kind == "reset":
        raise ConnectionCutError
    if fault.kind == "timeout":
        await asyncio.sleep(fault.seconds)
        raise ConnectionCutError
    raise fault.error(service)
