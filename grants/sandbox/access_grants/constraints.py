"""Holds parameters against the lengths, patterns and enumerations of S3 Control's service model.

botocore checks what is required, types and minima before it sends; the rest is AWS's to check, and here it is done with
botocore's own copy of the model. Tags have error codes of their own and are checked in `tags`.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import Shape

from grants.sandbox import wire
from grants.sandbox.access_grants.refusals import invalid_request

# The model's pattern for AuditContext is written in UTF-16 halves; these are the characters it means.
_AUDIT_CONTEXT = "[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\t]*"
_ELSEWHERE = {"TagList", "TagKeyList"}


def check(operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise InvalidRequest unless every parameter of `operation` fits the service model."""
    problem = next(_structure(_shape(operation), parameters), None)
    if problem is not None:
        raise invalid_request(problem)


@functools.lru_cache(maxsize=64)
def _shape(operation: str) -> Any:
    return wire.model("s3control").operation_model(operation).input_shape


def _structure(shape: Any, values: Mapping[str, Any]) -> Iterator[str]:
    for name in shape.required_members:
        if values.get(name) is None:
            yield f"{name} is required"
    for name, member in shape.members.items():
        if values.get(name) is None or member.name in _ELSEWHERE:
            continue
        if member.type_name == "structure":
            yield from _structure(member, values[name])
        elif member.type_name in {"string", "integer"}:
            yield from _scalar(name, member, values[name])


def _scalar(name: str, shape: Shape, value: Any) -> Iterator[str]:
    measure = len(value) if isinstance(value, str) else value
    what = "characters" if isinstance(value, str) else "as value"
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    pattern, choices = _pattern(shape), shape.metadata.get("enum")
    if least is not None and measure < least and not (name == "S3SubPrefix" and not value):
        yield f"{name} must have at least {least} {what}"
    elif most is not None and measure > most:
        yield f"{name} must have at most {most} {what}"
    elif choices and value not in choices:
        yield f"{name} must be one of {', '.join(choices)}"
    elif pattern and isinstance(value, str) and value and not re.fullmatch(pattern, value):
        yield f"{name} must match {shape.metadata['pattern']}"


def _pattern(shape: Shape) -> str | None:
    pattern: str | None = _AUDIT_CONTEXT if shape.name == "AuditContext" else shape.metadata.get("pattern")
    return pattern
