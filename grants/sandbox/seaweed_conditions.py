"""Conditions as SeaweedFS takes them: on the prefix of a listing only, since it knows too little of all else."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grants.sandbox.seaweed_actions import LISTINGS, MULTIPART, matches

PREFIX = "s3:prefix"
_OPERATORS = {
    name.lower(): name
    for name in ("StringEquals", "StringLike", "StringEqualsIgnoreCase", "StringNotEquals", "StringNotLike")
}
Conditions = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Scope:
    """Where a statement stands, which decides what SeaweedFS makes of a listing without a prefix.

    In a bucket policy it takes an empty prefix for none, elsewhere none for an empty one.
    """

    allow: bool
    bucket: bool


def conditions(found: Mapping[str, Any], actions: Sequence[str], scope: Scope) -> tuple[Conditions, bool]:
    """Write the conditions SeaweedFS judges as AWS does, and tell whether these are all of them."""
    kept: Conditions = {}
    complete = True
    for operator, keys in found.items():
        for key, value in keys.items():
            name, values = _OPERATORS.get(operator.lower(), ""), _values(value)
            if name and key.lower() == PREFIX and not _differs(name, values, actions, scope):
                kept.setdefault(name, {})[PREFIX] = values
            else:
                complete = False
    return kept, complete


def only_listings(found: Conditions) -> bool:
    """Tell whether conditions can hold for listings only, the one kind of request that has a prefix."""
    return any("Not" not in operator for operator in found)


def listings(patterns: Sequence[str]) -> list[str]:
    """Give the actions with a prefix among those that patterns cover."""
    return [action for action in LISTINGS if matches(patterns, action)]


def _differs(operator: str, values: Sequence[str], actions: Sequence[str], scope: Scope) -> bool:
    """Tell whether SeaweedFS might refuse by this condition what AWS allows."""
    if any("${" in value or "\\" in value for value in values):
        return True
    negative = "Not" in operator
    if negative and scope.allow and matches(actions, MULTIPART[-1]):
        return True  # for AWS a listing of uploads has no prefix, for SeaweedFS it has
    if not any(_matches_empty(operator, value) for value in values):
        return False
    return (scope.allow != negative) == scope.bucket


def _matches_empty(operator: str, value: str) -> bool:
    return fnmatch.fnmatchcase("", value) if operator.endswith("Like") else not value


def _values(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
