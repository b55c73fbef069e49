"""Requests and answers of IAM, STS, SQS and S3 Control on the wire, by botocore's service models."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.loaders
from botocore.validate import ParamValidator
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.datastructures import Headers, MultiDict

from grants.sandbox.errors import AwsError

_MODEL_NAMES = {"iam": "iam", "sts": "sts", "s3control": "s3control", "s3": "s3", "sqs": "sqs"}
_NAMESPACES = {"iam": "https://iam.amazonaws.com/doc/2010-05-08/", "sts": "https://sts.amazonaws.com/doc/2011-06-15/"}

SQS_TARGET = "AmazonSQS."
_SQS_PREFIX = "com.amazonaws.sqs#"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it goes to the client."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One HTTP request to the control plane, whole; `path` and `query` as they came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@cache
def model(service: str) -> ServiceModel:
    """Give botocore's model of a service."""
    loader = botocore.loaders.create_loader()
    return ServiceModel(loader.load_service_model(_MODEL_NAMES[service], "service-2"), _MODEL_NAMES[service])


def operation_name(service: str, message: Message) -> str:
    """Tell which operation a request asks for; raises AwsError InvalidAction or a 404 for what AWS does not know."""
    if service == "s3control":
        return _route(message.method, message.path)[0]
    if service == "sqs":
        return _target(message.headers.get("x-amz-target", ""))
    name = dict(parse_qsl(message.body.decode("utf-8", "replace"), keep_blank_values=True)).get("Action", "")
    if name not in model(service).operation_names:
        raise AwsError("InvalidAction", f"Could not find operation {name} for version of {service.upper()}")
    return name


def parameters(service: str, operation: str, message: Message) -> dict[str, Any]:
    """Read the parameters as boto3's user wrote them; raises AwsError for what cannot be read."""
    if service == "sqs":
        return _json_parameters(operation, message)
    found = model(service).operation_model(operation)
    parser = PROTOCOL_PARSERS[found.service_model.metadata["protocol"]](found)
    text = message.query if service == "s3control" else message.body.decode("utf-8", "replace")
    labels = _route(message.method, message.path)[1] if service == "s3control" else {}
    if b"<!DOCTYPE" in message.body:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed: leave out the DOCTYPE.")
    try:
        parsed: dict[str, Any] = parser.parse(
            {
                "body": message.body if service == "s3control" else b"",
                "headers": Headers(list(message.headers.items())),
                "method": message.method,
                "url_path": message.path,
                "url_params": labels,
                "values": MultiDict(parse_qsl(text, keep_blank_values=True)),
            }
        )
    except (RequestParserError, ValueError) as error:
        code = "MalformedXML" if service == "s3control" else "ValidationError"
        raise AwsError(code, f"The request cannot be read: {error}") from error
    _require(found, parsed)
    return parsed


def answer(service: str, operation: str, result: Mapping[str, Any], request_id: str) -> RawAnswer:
    """Write a result in the protocol of its service."""
    found = model(service).operation_model(operation)
    serializer = get_serializer_class(service, found.service_model.metadata["protocol"])
    written = serializer(found, context=SerializationContext(request_id)).serialize(dict(result))
    body = written["body"]
    headers = {name: str(value) for name, value in written["headers"].items()}
    return RawAnswer(written["status_code"], headers, body if isinstance(body, bytes) else body.encode())


def refusal(service: str, error: AwsError, request_id: str, resource: str = "") -> RawAnswer:
    """Write an error in the protocol of its service."""
    code, message = escape(error.code), escape(error.message)
    if service == "sqs":
        return _json_refusal(error)
    if service in _NAMESPACES:
        kind = "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
        text = (
            f'<ErrorResponse xmlns="{_NAMESPACES[service]}"><Error><Type>{kind}</Type><Code>{code}</Code>'
            f"<Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return RawAnswer(error.status, {"Content-Type": "text/xml"}, text.encode())
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "s3control":
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    else:
        text = f"<Error>{inner}<Resource>{escape(resource)}</Resource><RequestId>{request_id}</RequestId></Error>"
    declared = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'
    return RawAnswer(error.status, {"Content-Type": "application/xml"}, declared.encode())


def _target(target: str) -> str:
    name = target.removeprefix(SQS_TARGET)
    if name not in model("sqs").operation_names:
        raise AwsError("InvalidAction", f"The action {name} is not valid for this endpoint.")
    return name


def _json_parameters(operation: str, message: Message) -> dict[str, Any]:
    """Read a body of the JSON protocol; botocore's own validator says what is missing or of another type."""
    shape = model("sqs").operation_model(operation).input_shape
    try:
        given = json.loads(message.body or b"{}")
    except ValueError as error:
        raise AwsError("SerializationException", f"The request cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise AwsError("SerializationException", "The request is no JSON object")
    known = {name: value for name, value in given.items() if name in shape.members and value is not None}
    report = ParamValidator().validate(known, shape)
    if report.has_errors():
        missing = [name for name in shape.required_members if name not in known]
        if missing:
            raise AwsError("MissingParameter", f"The request must contain the parameter {missing[0]}.")
        raise AwsError("InvalidParameterValue", report.generate_report())
    return known


def _json_refusal(error: AwsError) -> RawAnswer:
    """Write an error for clients of the JSON protocol, with the code of the query protocol that botocore shows."""
    kind = "Receiver" if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-query-error": f"{error.code};{kind}"}
    body = {"__type": f"{_SQS_PREFIX}{_shape_name(error.code)}", "message": error.message}
    return RawAnswer(error.status, headers, json.dumps(body).encode())


def _shape_name(code: str) -> str:
    """Give the name of the exception that has a code of the query protocol, or the code itself."""
    shapes = (model("sqs").shape_for(name) for name in model("sqs").shape_names)
    named = {
        shape.metadata["error"].get("code", shape.name): shape.name for shape in shapes if "error" in shape.metadata
    }
    return named.get(code, code)


def _require(operation: OperationModel, parsed: Mapping[str, Any]) -> None:
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        if parsed.get(name) is None:
            raise AwsError("ValidationError", f"The request must contain the parameter {name}")


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str]]:
    routes = []
    for name in model("s3control").operation_names:
        http = model("s3control").operation_model(name).http
        parts = re.split(r"(\{[^}]+\})", http["requestUri"].partition("?")[0])
        labels = [f"(?P<{part[1:-1].rstrip('+')}>{'.+' if '+' in part else '[^/]+'})" for part in parts[1::2]]
        texts = [re.escape(part) for part in parts[0::2]]
        pattern = "".join(text + label for text, label in zip(texts, [*labels, ""], strict=True))
        routes.append((http["method"], re.compile(pattern), name))
    return sorted(routes, key=lambda route: route[1].pattern.count("(?P"))


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    for wanted, pattern, name in _routes():
        found = pattern.fullmatch(path) if wanted == method else None
        if found:
            return name, {label: unquote(value) for label, value in found.groupdict().items()}
    raise AwsError("MethodNotAllowed", f"S3 Control has no operation {method} {path}", HTTPStatus.METHOD_NOT_ALLOWED)
