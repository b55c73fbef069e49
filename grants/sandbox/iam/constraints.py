r"""Holds parameters against the lengths, ranges, patterns and enumerations of IAM's service model.

botocore checks what is required, types and minima before it sends; the rest is IAM's to check, and here it is done
with botocore's own copy of the model. Its patterns are Java's: `\w` is ASCII, `\p{..}` are Unicode categories.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import Shape

from grants.sandbox.iam import refusals

_OF_A_NAME = "The specified value"
_NAMES = r"[\w+=,.@-]+"
_PATHS = (r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", r"((/[A-Za-z0-9\.,\+@=_-]+)*)/")
_CATEGORY = re.compile(r"\\p\{[LZN]\}")


def check(operation: str, parameters: Mapping[str, Any]) -> None:
    """Raise ValidationError, in IAM's words, unless every parameter of `operation` fits the service model."""
    shape = _shape(operation)
    if shape is None:
        return
    problems = list(_structure(shape, parameters, ""))
    general = [problem for problem in problems if not problem.startswith(_OF_A_NAME)]
    if general:
        plural = "" if len(general) == 1 else "s"
        raise refusals.invalid(f"{len(general)} validation error{plural} detected: {'; '.join(general)}")
    if problems:
        raise refusals.invalid(problems[0])


@functools.lru_cache(maxsize=512)
def _shape(operation: str) -> Any:
    return _model().operation_model(operation).input_shape


@functools.cache
def _model() -> Any:
    return botocore.session.get_session().get_service_model("iam")


def _structure(shape: Any, value: Mapping[str, Any], where: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_place(where, name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _place(where, name))


def _problems(shape: Any, value: Any, where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure(shape, value, where)
    elif shape.type_name == "list":
        yield from _outside(shape, len(value), value, where, "length")
        for index, member in enumerate(value, 1):
            yield from _problems(shape.member, member, f"{where}.{index}.member")
    elif shape.type_name == "string":
        yield from _text(shape, value, where)
    elif shape.type_name in {"integer", "long"}:
        yield from _outside(shape, value, value, where, "value")


def _text(shape: Shape, value: str, where: str) -> Iterator[str]:
    yield from _outside(shape, len(value), value, where, "length")
    pattern, choices = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"{_failed(shape, value, where)}Member must satisfy enum value set: [{', '.join(choices)}]"
    if pattern and not _fits(pattern, value):
        yield _mismatch(shape, pattern, value, where)


def _outside(shape: Shape, measure: int, value: Any, where: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield f"{_failed(shape, value, where)}Member must have {what} greater than or equal to {least}"
    if most is not None and measure > most:
        yield f"{_failed(shape, value, where)}Member must have {what} less than or equal to {most}"


def _mismatch(shape: Shape, pattern: str, value: str, where: str) -> str:
    if pattern == _NAMES:
        return (
            f"{_OF_A_NAME} for {where} is invalid. "
            "It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )
    if pattern in _PATHS:
        return (
            f"{_OF_A_NAME} for {where} is invalid. "
            "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        )
    return f"{_failed(shape, value, where)}Member must satisfy regular expression pattern: {pattern}"


def _fits(pattern: str, value: str) -> bool:
    if not _CATEGORY.search(pattern):
        return re.fullmatch(pattern, value, re.ASCII) is not None
    # A stand-in for every letter, separator and number: the pattern itself then needs no Unicode categories.
    plain = "".join("a" if unicodedata.category(character)[0] in "LZN" else character for character in value)
    return re.fullmatch(_CATEGORY.sub("a", pattern), plain) is not None


def _failed(shape: Shape, value: Any, where: str) -> str:
    shown = "***" if shape.metadata.get("sensitive") else value
    return f"Value '{shown}' at '{where}' failed to satisfy constraint: "


def _place(where: str, name: str) -> str:
    lowered = name[0].lower() + name[1:]
    return f"{where}.{lowered}" if where else lowered
