"""Bodies of S3's requests and answers by botocore's model: read and checked, and written under AWS's root element."""

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from botocore.model import Shape
from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.serialize import SerializationContext, get_serializer_class
from werkzeug.datastructures import Headers, MultiDict

from grants.sandbox import wire
from grants.sandbox.errors import AwsError
from grants.sandbox.s3.settings import NAMESPACE


def read(operation: str, body: bytes) -> dict[str, Any]:
    """Read the document an operation takes; raises AwsError MalformedXML that names what is wrong with it."""
    found = wire.model("s3").operation_model(operation)
    shape = found.input_shape
    payload: str = shape.serialization["payload"]
    if b"<!DOCTYPE" in body:
        raise malformed("leave out the DOCTYPE")
    try:
        root = ET.fromstring(body)  # noqa: S314
        parsed = PROTOCOL_PARSERS["rest-xml"](found).parse(
            {
                "body": body,
                "headers": Headers(),
                "method": "PUT",
                "url_path": "/",
                "url_params": {},
                "values": MultiDict(),
            }
        )
    except (ET.ParseError, RequestParserError, ValueError) as error:
        raise malformed(str(error)) from error
    for problem in _unknown(shape.members[payload], root):
        raise malformed(problem)
    document: dict[str, Any] = parsed.get(payload) or {}
    report = ParamValidator().validate(document, shape.members[payload])
    if report.has_errors():
        raise malformed(report.generate_report())
    return document


def write(operation: str, root: str, result: Mapping[str, Any]) -> bytes:
    """Write an answer of an operation, its members under the element `root`."""
    found = wire.model("s3").operation_model(operation)
    serializer = get_serializer_class("s3", "rest-xml")(found, context=SerializationContext(""))
    written = serializer.serialize(dict(result))["body"]
    text = written if isinstance(written, str) else written.decode()
    if not text:
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}"/>'.encode()
    declared, _, rest = text.partition(f"<{operation}Response")
    if rest.startswith("/>"):
        return f'{declared}<{root} xmlns="{NAMESPACE}"/>'.encode()
    inner = rest.removeprefix(">").removesuffix(f"</{operation}Response>")
    return f'{declared}<{root} xmlns="{NAMESPACE}">{inner}</{root}>'.encode()


def malformed(why: str) -> AwsError:
    """Refuse a document, saying what of it is not as the operation's schema has it."""
    message = f"The XML you provided was not well-formed or did not validate against our published schema: {why}"
    return AwsError("MalformedXML", message)


def _unknown(shape: Any, element: ET.Element) -> Iterator[str]:
    """Tell of elements the model does not have, and of values outside an enumeration."""
    if shape.type_name == "structure":
        members = {_name(name, member): member for name, member in shape.members.items()}
        for child in element:
            member = members.get(_tag(child))
            if member is None:
                yield f"{_tag(element)} has no {_tag(child)}"
                continue
            flat = member.type_name == "list" and member.serialization.get("flattened")
            yield from _unknown(member.member if flat else member, child)
    elif shape.type_name == "list":
        for child in element:
            yield from _unknown(shape.member, child)
    else:
        yield from _outside(shape, element)


def _outside(shape: Shape, element: ET.Element) -> Iterator[str]:
    choices, text = shape.metadata.get("enum"), element.text or ""
    if shape.name == "FilterRuleName":  # the one whose case S3 does not mind
        text = text.lower()
    if choices and text not in choices:
        yield f"{_tag(element)} is {element.text!r}, none of {', '.join(choices)}"


def _name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.serialization.get("name") or member.member.serialization.get("name", name))
    return str(member.serialization.get("name", name))


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]
