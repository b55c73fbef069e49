"""botocore's service models as judge of raw answers: unknown elements, missing members, wrong types."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from botocore.model import OperationModel, Shape

_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
)
_WRITTEN = {
    "integer": re.compile(r"-?\d+"),
    "long": re.compile(r"-?\d+"),
    "float": re.compile(r"-?\d+(\.\d+)?"),
    "double": re.compile(r"-?\d+(\.\d+)?"),
    "boolean": re.compile(r"true|false"),
    "timestamp": _TIME,
    "blob": re.compile(r"[A-Za-z0-9+/\s]*=*"),
}


def faults_of(operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """Give what is wrong with a raw answer that is no error."""
    # Where the model names no status AWS answers 200 or, to PutBucketPolicy for one, 204.
    expected = {operation.http["responseCode"]} if "responseCode" in operation.http else {200, 204}
    found = [] if status in expected else [f"{operation.name}: status {status}, not {expected}"]
    shape = operation.output_shape
    if shape is None:
        return found + ([] if not body.strip() or _is_empty_result(body) else [f"{operation.name}: a body"])
    return found + list(_answer(operation, shape, {name.lower(): text for name, text in headers.items()}, body))


def _answer(operation: OperationModel, shape: Any, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    where = operation.name
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header":
            yield from _header(f"{where}.{name}", member, headers, required=name in shape.required_members)
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name in {"blob", "string"}:
        return
    if not body.strip():
        missing = {name for name in shape.required_members if "location" not in shape.members[name].serialization}
        yield from (f"{where}.{name} is missing" for name in missing)
        return
    root = ET.fromstring(body)
    if operation.name == "GetBucketLocation":  # its one member is the root, which botocore knows by itself
        yield from [] if _tag(root) == "LocationConstraint" else [f"{where}: the root is {_tag(root)}"]
        return
    if operation.service_model.protocol == "query":
        yield from _unwrapped(operation, shape, root)
    else:
        yield from _structure(where, shape.members[payload] if payload else shape, root)


def _unwrapped(operation: OperationModel, shape: Any, root: ET.Element) -> Iterator[str]:
    if _tag(root) != f"{operation.name}Response":
        yield f"{operation.name}: the root is {_tag(root)}"
    children = {_tag(child): child for child in root}
    wrapper = shape.serialization["resultWrapper"]
    if set(children) != {wrapper, "ResponseMetadata"}:
        yield f"{operation.name}: has {sorted(children)}"
    if wrapper in children:
        yield from _structure(operation.name, shape, children[wrapper])


def _structure(where: str, shape: Any, element: ET.Element) -> Iterator[str]:
    members = {
        _written_name(name, member): (name, member)
        for name, member in shape.members.items()
        if member.serialization.get("location") is None and not member.serialization.get("xmlAttribute")
    }
    children: dict[str, list[ET.Element]] = {}
    for child in element:
        children.setdefault(_tag(child), []).append(child)
    yield from (f"{where}: unknown element {tag}" for tag in children if tag not in members)
    for tag, (name, member) in members.items():
        elements = children.get(tag, [])
        if not elements and name in shape.required_members:
            yield f"{where}.{name} is missing"
        if member.type_name in {"list", "map"} and member.serialization.get("flattened"):
            yield from (problem for item in elements for problem in _value(f"{where}.{name}", member.member, item))
            continue
        if len(elements) > 1:
            yield f"{where}.{name} is there {len(elements)} times"
        yield from (problem for item in elements for problem in _value(f"{where}.{name}", member, item))


def _value(where: str, shape: Any, element: ET.Element) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure(where, shape, element)
    elif shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        for child in element:
            if _tag(child) != name:
                yield f"{where}: a {_tag(child)} instead of {name}"
            yield from _value(f"{where}[]", shape.member, child)
    elif shape.type_name == "map":
        for entry in element:
            found = {_tag(child) for child in entry}
            if _tag(entry) != "entry" or found != {"key", "value"}:
                yield f"{where}: an entry {_tag(entry)} of {sorted(found)}"
    else:
        yield from _scalar(where, shape, element.text or "")
        yield from (f"{where}: unknown element {_tag(child)}" for child in element)


def _scalar(where: str, shape: Shape, text: str) -> Iterator[str]:
    pattern = _WRITTEN.get(shape.type_name)
    if pattern is not None and not pattern.fullmatch(text.strip()):
        yield f"{where}: {text!r} is no {shape.type_name}"
    choices = shape.metadata.get("enum")
    if choices and text not in choices:
        yield f"{where}: {text!r} is none of {choices}"


def _header(where: str, shape: Shape, headers: Mapping[str, str], *, required: bool) -> Iterator[str]:
    text = headers.get(str(shape.serialization.get("name", "")).lower())
    if text is not None:
        yield from _scalar(where, shape, text)
    elif required:
        yield f"{where} is missing"


def _written_name(name: str, member: Any) -> str:
    if member.type_name == "list" and member.serialization.get("flattened"):
        return str(member.member.serialization.get("name") or member.serialization.get("name", name))
    return str(member.serialization.get("name", name))


def _tag(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _is_empty_result(body: bytes) -> bool:
    root = ET.fromstring(body)
    return all(_tag(child) == "ResponseMetadata" or not len(child) for child in root)
