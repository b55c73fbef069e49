"""Lifecycle rules: checked and kept; those that abort incomplete multipart uploads run when they are told to.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from grants.sandbox.errors import AwsError
from grants.sandbox.s3.xml_documents import malformed

Document = Mapping[str, Any]
MOST_RULES = 1000
_LONGEST_ID = 255
_ABORT = "AbortIncompleteMultipartUpload"
_ACTIONS = {
    "Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration", _ABORT,
}  # fmt: skip


def checked(document: Document) -> dict[str, Any]:
    """Give the configuration with an id for each rule; raises the AwsError of what S3 does not take."""
    rules = [{**rule, "ID": rule.get("ID") or secrets.token_urlsafe(36)} for rule in document["Rules"]]
    if not 0 < len(rules) <= MOST_RULES:
        raise malformed(f"a configuration has 1 to {MOST_RULES} rules, not {len(rules)}")
    for rule in rules:
        _check(rule)
    if len({rule["ID"] for rule in rules}) < len(rules):
        raise AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    return {**document, "Rules": rules}


def overdue(
    document: Document, uploads: Mapping[tuple[str, str], datetime], now: datetime
) -> Iterator[tuple[str, str]]:
    """Give the (key, upload id) of uploads that a rule aborts at this moment, of those with their time of beginning."""
    for (key, upload), initiated in uploads.items():
        if any(
            initiated + timedelta(days=days) <= now and key.startswith(prefix) for prefix, days in _aborts(document)
        ):
            yield key, upload


def _aborts(document: Document) -> Iterator[tuple[str, int]]:
    for rule in document["Rules"]:
        if _ABORT in rule and rule["Status"] == "Enabled":
            yield _prefix(rule), rule[_ABORT]["DaysAfterInitiation"]


def _prefix(rule: Document) -> str:
    filtered = rule.get("Filter", {})
    return str(filtered.get("Prefix") or filtered.get("And", {}).get("Prefix") or rule.get("Prefix") or "")


def _check(rule: Document) -> None:
    if len(rule["ID"]) > _LONGEST_ID:
        raise AwsError("InvalidArgument", f"ID length should not exceed allowed limit of {_LONGEST_ID}")
    if ("Filter" in rule) == ("Prefix" in rule):
        raise malformed("a rule has either a Filter or a Prefix")
    if not _ACTIONS & set(rule):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule.")
    if _ABORT not in rule:
        return
    if rule[_ABORT].get("DaysAfterInitiation", 0) < 1:
        message = f"'DaysAfterInitiation' for {_ABORT} action must be a positive integer"
        raise AwsError("InvalidArgument", message)
    filtered = rule.get("Filter", {})
    if "Tag" in filtered or filtered.get("And", {}).get("Tags"):
        raise AwsError("InvalidRequest", f"{_ABORT} cannot be specified with Tags.")
