"""The Condition element: operators, their suffix IfExists, their set prefixes, and keys that are absent.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import base64
import functools
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grants.policy_patterns import AnyOf, ArnPattern, Context, Pattern

Test = Callable[[str, str], bool]
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


class UnknownOperatorError(ValueError):
    """A condition operator IAM does not have."""


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no number")
    return float(text)


def _date(text: str) -> datetime:
    if _NUMBER.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _compare(convert: Callable[[str], Any], test: Callable[[Any, Any], bool]) -> Test:
    kept = functools.lru_cache(maxsize=1024)(convert)

    def compared(value: str, wanted: str) -> bool:
        try:
            return bool(test(kept(value), kept(wanted)))
        except (ValueError, TypeError, OverflowError, OSError):
            return False  # what is not of the operator's type is equal to nothing

    return compared


def _in_network(value: Any, network: Any) -> bool:
    return value.version == network.version and value.network_address in network


def _network(text: str) -> Any:
    return ipaddress.ip_network(text, strict=False)


_COMPARISONS: dict[str, Test] = {
    "NumericEquals": _compare(_number, operator.eq),
    "NumericLessThan": _compare(_number, operator.lt),
    "NumericLessThanEquals": _compare(_number, operator.le),
    "NumericGreaterThan": _compare(_number, operator.gt),
    "NumericGreaterThanEquals": _compare(_number, operator.ge),
    "DateEquals": _compare(_date, operator.eq),
    "DateLessThan": _compare(_date, operator.lt),
    "DateLessThanEquals": _compare(_date, operator.le),
    "DateGreaterThan": _compare(_date, operator.gt),
    "DateGreaterThanEquals": _compare(_date, operator.ge),
    "Bool": _compare(str.lower, operator.eq),
    "Null": _compare(str.lower, operator.eq),
    "BinaryEquals": _compare(lambda text: base64.b64decode(text, validate=True), operator.eq),
    "IpAddress": _compare(_network, _in_network),
}
_PATTERNS = {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
OPERATORS = frozenset({*_COMPARISONS, *_PATTERNS, *_NEGATED})
_CANONICAL = {name.lower(): name for name in OPERATORS}


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator as written in a policy, taken apart."""

    name: str
    negated: bool
    if_exists: bool
    quantifier: str

    @classmethod
    def parse(cls, text: str) -> "Operator":
        """Take `ForAllValues:StringNotLikeIfExists` apart; raises UnknownOperatorError."""
        quantifier, _, rest = text.rpartition(":")
        if quantifier.lower() not in {"", "forallvalues", "foranyvalue"}:
            raise UnknownOperatorError(text)
        if_exists = rest.lower().endswith("ifexists")
        name = _CANONICAL.get(rest[: -len("ifexists")].lower() if if_exists else rest.lower())
        if name is None or (name == "Null" and (if_exists or quantifier)):
            raise UnknownOperatorError(text)
        return cls(_NEGATED.get(name, name), name in _NEGATED, if_exists, quantifier.lower())


class Condition:
    """One operator with one key and its values; several values are alternatives."""

    __slots__ = ("_key", "_operator", "_wanted")

    def __init__(self, written: Operator, key: str, values: Sequence[str], *, variables: bool) -> None:
        """Prepare the wanted values once."""
        self._operator, self._key = written, key.lower()
        self._wanted = _wanted(written.name, values, variables)

    def holds(self, context: Context) -> bool:
        """Tell whether it holds in a request's context, whose keys are in lower case."""
        found = context.get(self._key, ())
        if self._operator.name == "Null":
            return self._wanted("true" if found == () else "false", context)
        if found == ():
            return self._absent()
        return self._decide((found,) if isinstance(found, str) else found, context)

    def _absent(self) -> bool:
        if self._operator.if_exists or self._operator.quantifier == "forallvalues":
            return True
        return self._operator.negated and not self._operator.quantifier

    def _decide(self, values: Sequence[str], context: Context) -> bool:
        if self._operator.quantifier == "forallvalues":
            # An empty string counts as no value there.
            return all(self._one(value, context) for value in values if value)
        if self._operator.quantifier == "foranyvalue" or not self._operator.negated:
            return any(self._one(value, context) for value in values)
        return all(self._one(value, context) for value in values)

    def _one(self, value: str, context: Context) -> bool:
        return self._wanted(value, context) != self._operator.negated


def _wanted(name: str, texts: Sequence[str], variables: bool) -> Callable[[str, Context], bool]:
    """Prepare the test whether a value is one of those wanted; variables count in those of strings and ARNs only."""
    if name in {"ArnEquals", "ArnLike"}:
        return AnyOf(ArnPattern(text, variables=variables) for text in texts).matches
    patterns = [Pattern(text, variables=variables, wildcards=name == "StringLike") for text in texts]
    if name in _PATTERNS:
        return AnyOf(patterns, ignore_case=name == "StringEqualsIgnoreCase").matches
    test = _COMPARISONS[name]
    return lambda value, _: any(test(value, text) for text in texts)


def parse_conditions(element: Mapping[str, Mapping[str, Any]], *, variables: bool) -> tuple[Condition, ...]:
    """Prepare a Condition element, all of whose parts must hold; raises UnknownOperatorError."""
    return tuple(
        Condition(Operator.parse(name), key, as_texts(values), variables=variables)
        for name, keys in element.items()
        for key, values in keys.items()
    )


def as_texts(values: Any) -> list[str]:
    """Give the values of a condition as strings: JSON's booleans and numbers are allowed there."""
    listed = values if isinstance(values, list | tuple) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]
