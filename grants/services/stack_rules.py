"""Rules of a bucket that several own: ours put beside those of others, taken away from them, and compared. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Rule = dict[str, Any]
Document = Mapping[str, Any]
QUEUES = "QueueConfigurations"
# The three kinds of destination that are entries; EventBridge is a switch and gets everything, whoever else does.
DESTINATIONS = (QUEUES, "TopicConfigurations", "LambdaFunctionConfigurations")


def with_ours(rules: Sequence[Rule], ours: Rule, *, key: str = "ID") -> list[Rule]:
    """Give the rules with ours in front: of CORS rules S3 follows the first that fits."""
    return [ours, *without(rules, ours[key], key=key)]


def without(rules: Sequence[Rule], rule_id: str, *, key: str = "ID") -> list[Rule]:
    """Give the rules of others."""
    return [rule for rule in rules if rule.get(key) != rule_id]


def find(rules: Sequence[Rule], rule_id: str, *, key: str = "ID") -> Rule | None:
    """Give our rule, or None."""
    return next((rule for rule in rules if rule.get(key) == rule_id), None)


def same(one: Any, other: Any) -> bool:
    """Tell whether two rules say the same: S3 gives lists in an order, and names of filters in a case, of its own."""
    return bool(_plain(one) == _plain(other))


def notifying(document: Document, ours: Rule) -> dict[str, Any]:
    """Give a notification configuration with ours beside the others."""
    return {**document, QUEUES: with_ours(document.get(QUEUES, ()), ours, key="Id")}


def not_notifying(document: Document, rule_id: str) -> dict[str, Any]:
    """Give it without ours."""
    rest = without(document.get(QUEUES, ()), rule_id, key="Id")
    return {**{key: value for key, value in document.items() if key != QUEUES}, **({QUEUES: rest} if rest else {})}


def in_the_way(document: Document, ours: Rule) -> list[str]:
    """Name the entries of others that S3 does not take beside ours: for a common event and keys in common.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    entries = [entry for kind in DESTINATIONS for entry in document.get(kind, ())]
    others = [entry for entry in entries if entry.get("Id") != ours["Id"]]
    return [_told(entry) for entry in others if _overlap(entry, ours)]


def _overlap(one: Rule, other: Rule) -> bool:
    if not any(_covers(a, b) or _covers(b, a) for a in one["Events"] for b in other["Events"]):
        return False
    prefixes, suffixes = zip(_filter(one), _filter(other), strict=True)
    nested = prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])
    return nested and (suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0]))


def _covers(wanted: str, event: str) -> bool:
    return wanted == event or (wanted.endswith("*") and event.startswith(wanted[:-1]))


def _filter(entry: Document) -> tuple[str, str]:
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", ())
    found = {rule["Name"].lower(): rule.get("Value", "") for rule in rules}
    return found.get("prefix", ""), found.get("suffix", "")


def _told(entry: Document) -> str:
    arns = (entry.get(name) for name in ("QueueArn", "TopicArn", "LambdaFunctionArn"))
    return f"{entry.get('Id', '')} -> {next((arn for arn in arns if arn), '')}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {key: _plain(one) for key, one in value.items()}
        if set(plain) == {"Name", "Value"}:
            plain["Name"] = str(plain["Name"]).lower()
        return plain
    if isinstance(value, Iterable) and not isinstance(value, str):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return value
