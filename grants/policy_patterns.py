"""Wildcards, their literal escapes and policy variables, as IAM reads them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Context = Mapping[str, str | tuple[str, ...]]

_MARK = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]+?)\s*,\s*'([^']*)'\s*")
_ESCAPES = {"*", "?", "$"}
_ARN_SEGMENTS = 6
_ANYTHING, _IN_SEGMENT, _NOTHING = ".", "[^:]", "(?!)"
_KEPT = 256


@dataclass(frozen=True, slots=True)
class _Exactly:
    """Text in which nothing is a wildcard."""

    text: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A key of the request's context, and what stands for it when it is absent."""

    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """Give its value in a request; several values are none."""
        found = context.get(self.key, self.default)
        return found if isinstance(found, str) else None


_Part = str | _Exactly | Variable


class Pattern:
    """A string of a policy: text, `*` and `?` where they count, and variables filled in from a request.

    `${*}`, `${?}` and `${$}` stand for the characters themselves. A document of Version 2008-10-17 has no variables,
    and `${` is text there. Context keys are expected in lower case.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """

    __slots__ = ("_one", "_parts", "_wildcards")

    def __init__(self, text: str, *, variables: bool = True, wildcards: bool = True, one: str = _ANYTHING) -> None:
        """Take the text apart once; without `wildcards`, `*` and `?` are text; `one` is what a `?` stands for."""
        self._wildcards, self._one = wildcards, one
        self._parts: tuple[_Part, ...] = _parts(text) if variables else (text,)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Give what it takes from the request."""
        return tuple(part for part in self._parts if isinstance(part, Variable))

    def source(self, context: Context) -> str | None:
        """Give the regular expression of what it matches in a request; None when a variable has no single value."""
        pieces = [""]
        for part in self._parts:
            if isinstance(part, str) and self._wildcards:
                head, *tail = (re.escape(piece).replace(r"\?", self._one) for piece in part.split("*"))
                pieces[-1] += head
                pieces += tail
            elif (text := _text(part, context)) is not None:
                pieces[-1] += re.escape(text)
            else:
                return None
        return _joined(pieces, self._one)


class ArnPattern:
    """The pattern of an ARN: each of the five segments before the resource matches its own segment only.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """

    __slots__ = ("_segments", "variables")

    def __init__(self, text: str, *, variables: bool = True) -> None:
        """Take the ARN apart; a text of fewer than six segments (`*`) is matched as a whole."""
        texts = _segments(text)
        if len(texts) < _ARN_SEGMENTS:
            self._segments = [Pattern(text, variables=variables)]
        else:
            first = [Pattern(segment, variables=variables, one=_IN_SEGMENT) for segment in texts[:-1]]
            self._segments = [*first, Pattern(texts[-1], variables=variables)]
        self.variables = tuple(variable for segment in self._segments for variable in segment.variables)

    def source(self, context: Context) -> str | None:
        """Give the regular expression of what it matches in a request; None for nothing."""
        sources = [segment.source(context) for segment in self._segments]
        return None if None in sources else ":".join(source or "" for source in sources)


class AnyOf:
    """Several patterns of which one has to match, compiled once for all requests with the same variables."""

    __slots__ = ("_compiled", "_flags", "_patterns", "_variables")

    def __init__(self, patterns: Iterable[Pattern | ArnPattern], *, ignore_case: bool = False) -> None:
        """Keep them; without variables they are compiled a single time."""
        self._flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._patterns = tuple(patterns)
        self._variables = tuple(variable for pattern in self._patterns for variable in pattern.variables)
        self._compiled: dict[tuple[str | None, ...], re.Pattern[str]] = {}

    def matches(self, value: str, context: Context) -> bool:
        """Tell whether one matches; a variable without a single value in the context matches nothing."""
        values = tuple([variable.value(context) for variable in self._variables])
        regex = self._compiled.get(values)
        if regex is None:
            regex = self._compile(values, context)
        return regex.fullmatch(value) is not None

    def _compile(self, values: tuple[str | None, ...], context: Context) -> re.Pattern[str]:
        sources = [pattern.source(context) for pattern in self._patterns]
        if len(self._compiled) >= _KEPT:
            self._compiled.clear()
        found = "|".join(source for source in sources if source is not None)
        self._compiled[values] = re.compile(found if found or "" in sources else _NOTHING, self._flags)
        return self._compiled[values]


def _joined(pieces: Sequence[str], one: str) -> str:
    """Join what stands between stars; the atomic groups keep a hostile pattern from taking exponential time."""
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    return first + "".join(f"(?>{one}*?{piece})" for piece in middle if piece) + f"{one}*{last}"


def _text(part: _Part, context: Context) -> str | None:
    if isinstance(part, Variable):
        return part.value(context)
    return part.text if isinstance(part, _Exactly) else part


def _parts(text: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    end = 0
    for mark in _MARK.finditer(text):
        if mark.start() > end:
            parts.append(text[end : mark.start()])
        parts.append(_marked(mark.group(1)))
        end = mark.end()
    if end < len(text) or not parts:
        parts.append(text[end:])
    return tuple(parts)


def _marked(inside: str) -> _Part:
    if inside in _ESCAPES:
        return _Exactly(inside)
    with_default = _DEFAULT.fullmatch(inside)
    if with_default:
        return Variable(with_default[1].lower(), with_default[2])
    return Variable(inside.strip().lower(), None)


def _segments(text: str) -> list[str]:
    """Split at colons outside of `${...}`, whose keys have colons of their own."""
    segments: list[str] = []
    depth, current = 0, ""
    for position, letter in enumerate(text):
        depth += text.startswith("${", position) - (letter == "}" and depth > 0)
        if letter == ":" and not depth and len(segments) < _ARN_SEGMENTS - 1:
            segments.append(current)
            current = ""
        else:
            current += letter
    return [*segments, current]
