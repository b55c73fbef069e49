"""botocore's service models as judge of raw JSON answers: unknown members, missing ones, wrong types."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import OperationModel

TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "blob": (str,),
    "integer": (int,),
    "long": (int,),
    "boolean": (bool,),
}


def faults_of(operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """Give what is wrong with a raw answer that is no error."""
    found = [] if status == 200 else [f"{operation.name}: status {status}"]
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type")
    if kind != "application/x-amz-json-1.0":
        found.append(f"{operation.name}: content type {kind}")
    read = json.loads(body or b"{}")
    if operation.output_shape is None:
        return found + ([f"{operation.name}: a body"] if read else [])
    return found + list(_value(operation.name, operation.output_shape, read))


def _value(where: str, shape: Any, value: Any) -> Iterator[str]:
    if not isinstance(value, TYPES[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        yield f"{where}: {value!r} is no {shape.type_name}"
    elif shape.type_name == "structure":
        yield from (f"{where}: unknown member {name}" for name in value if name not in shape.members)
        yield from (f"{where}.{name} is missing" for name in shape.required_members if name not in value)
        for name in set(value) & set(shape.members):
            yield from _value(f"{where}.{name}", shape.members[name], value[name])
    elif shape.type_name == "list":
        for item in value:
            yield from _value(f"{where}[]", shape.member, item)
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _value(f"{where} key", shape.key, key)
            yield from _value(f"{where}[{key}]", shape.value, item)
    elif shape.metadata.get("enum") and value not in shape.metadata["enum"]:
        yield f"{where}: {value!r} is none of {shape.metadata['enum']}"
