"""What passes between the worker and the reader: plain JSON, believed no further than its form.

The reader has touched a stranger's file. What it answers is checked against the types of the dataclasses before the
worker uses it, so that a reader that was taken over can lie about a file but not hand over anything else.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

# An answer about the largest studies takes some tens of megabytes.
LONGEST_LINE = 1 << 30


class MalformedAnswerError(Exception):
    """The reader said something that is no answer."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Write one message as a line; half surrogate pairs survive as escapes."""
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line. Raises MalformedAnswerError."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswerError(f"no JSON: {line[:80]!r}") from error
    if not isinstance(message, dict):
        raise MalformedAnswerError(f"no message: {line[:80]!r}")
    return message


def rebuilt(kind: type[T], value: Any) -> T:
    """Make a dataclass of what `dataclasses.asdict` made of one and JSON carried. Raises MalformedAnswerError."""
    built: T = _built(kind, value, kind.__name__)
    return built


def _built(kind: Any, value: Any, place: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is not None:
        return _built_of_parts(origin, typing.get_args(kind), value, place)
    if kind is Any or kind is object:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, place)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(_checked(value in list(kind), value, kind, place))
    # bool is an int to Python, but no number to anybody else.
    fits = type(value) is kind or (kind is float and type(value) is int)
    return _checked(fits, value, kind, place)


def _built_of_parts(origin: Any, kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if origin in {typing.Union, types.UnionType}:
        return _one_of(kinds, value, place)
    if origin is tuple:
        return _tuple(kinds, value, place)
    if origin is typing.Literal:
        return _checked(value in kinds, value, origin, place)
    return _container(origin, kinds, value, place)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    for kind in others[:-1]:
        try:
            return _built(kind, value, place)
        except MalformedAnswerError:
            continue
    return _built(others[-1], value, place)


def _tuple(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    _checked(isinstance(value, list), value, tuple, place)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_built(kinds[0], item, place) for item in value)
    _checked(len(kinds) == len(value), value, kinds, place)
    return tuple(_built(kind, item, place) for kind, item in zip(kinds, value, strict=True))


def _container(origin: Any, kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if origin is list:
        _checked(isinstance(value, list), value, list, place)
        return [_built(kinds[0], item, place) for item in value]
    _checked(isinstance(value, dict), value, dict, place)
    return {key: _built(kinds[1], item, place) for key, item in value.items()}


def _dataclass(kind: Any, value: Any, place: str) -> Any:
    _checked(isinstance(value, dict), value, kind, place)
    fields = _fields(kind)
    _checked(value.keys() == fields.keys(), sorted(value), kind, place)
    return kind(**{name: _built(fields[name], item, name) for name, item in value.items()})


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _checked(fits: bool, value: Any, kind: Any, place: str) -> Any:
    if not fits:
        raise MalformedAnswerError(f"{place}: {str(value)[:80]!r} is no {getattr(kind, '__name__', kind)}")
    return value
