"""Where SeaweedFS judges otherwise than AWS: each difference has a name, a source and a predicate."""

import fnmatch
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.policies import GUIDE
from tests.support.seaweed_samples import ACCOUNT, Sample


@dataclass(frozen=True)
class Difference:
    """A class of policies and requests left out of the comparison, with what AWS's documentation says of it."""

    name: str
    aws: str
    seaweedfs: str
    source: str
    concerns: Callable[[Sample], bool]


def statements(sample: Sample, *kinds: str) -> Iterator[dict[str, Any]]:
    """Give the statements that bound a request and could be about its action."""
    for kind, document in sample.documents():
        for statement in document["Statement"]:
            actions = statement.get("Action", ["*"])
            if (not kinds or kind in kinds) and any(
                fnmatch.fnmatchcase(sample.action.lower(), pattern.lower()) for pattern in actions
            ):
                yield statement


def _inverse(sample: Sample) -> bool:
    return any({"NotAction", "NotResource"} & set(statement) for statement in sample.who.identity["Statement"])


def _case(sample: Sample) -> bool:
    return any(
        _matches(pattern, sample.resource) != _matches(pattern.lower(), sample.resource.lower())
        for statement in statements(sample)
        for pattern in statement.get("Resource", [])
    )


def _matches(pattern: str, value: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _conditions(sample: Sample) -> Iterator[tuple[str, str]]:
    """Give operators and keys of all statements, those about other actions too: an unknown one spoils its policy."""
    for statement in (found for _, document in sample.documents() for found in document["Statement"]):
        for operator, keys in statement.get("Condition", {}).items():
            yield from ((operator, key) for key in keys)


def _environment(sample: Sample) -> bool:
    return any(key in {"aws:CurrentTime", "aws:SecureTransport"} for _, key in _conditions(sample))


def _presence(sample: Sample) -> bool:
    return any(operator == "Null" or operator.endswith("IfExists") for operator, _ in _conditions(sample))


def _empty_prefix(sample: Sample) -> bool:
    return not sample.key and not sample.prefix and any(key == "s3:prefix" for _, key in _conditions(sample))


def _odd_patterns(sample: Sample) -> bool:
    return any(
        mark in pattern
        for statement in statements(sample)
        for pattern in statement.get("Resource", [])
        for mark in ("\\", "${*}")
    )


def _spelling(sample: Sample) -> bool:
    return any(
        pattern not in {"*", "s3:*", sample.action} and not _matches(pattern, sample.action)
        for statement in statements(sample, "session")
        for pattern in statement["Action"]
        if _matches(pattern.lower(), sample.action.lower())
    )


def _account(sample: Sample) -> bool:
    account = f"arn:aws:iam::{ACCOUNT}:root"
    return any(
        statement["Effect"] == "Deny" and account in json.dumps(statement["Principal"])
        for statement in statements(sample, "resource")
    )


def _everybody(sample: Sample) -> bool:
    return sample.who.session is not None and any(
        statement["Effect"] == "Allow" and statement["Principal"] in ("*", {"AWS": "*"})
        for statement in statements(sample, "resource")
    )


OPERATORS = GUIDE + "reference_policies_elements_condition_operators.html"
DIFFERENCES = (
    Difference(
        "NotAction and NotResource in policies of users and roles",
        "cover everything but what they name",
        "the whole policy gives nothing",
        GUIDE + "reference_policies_elements_notaction.html",
        _inverse,
    ),
    Difference(
        "a key with an asterisk",
        "a character of keys as any other",
        "refused whatever the policies say",
        GUIDE + "reference_policies_elements_resource.html",
        lambda sample: "*" in sample.key,
    ),
    Difference(
        "upper and lower case in resources",
        "the resource part is sensitive to case",
        "disregards the case of letters",
        GUIDE + "reference_policies_elements_resource.html",
        _case,
    ),
    Difference(
        "upper and lower case in actions of session policies",
        "actions are not sensitive to case",
        "compares letter by letter",
        GUIDE + "reference_policies_elements_action.html",
        _spelling,
    ),
    Difference(
        "aws:CurrentTime and aws:SecureTransport",
        "are in the context of every request",
        "are not known: plain operators never hold, a Deny by them never applies",
        GUIDE + "reference_policies_condition-keys.html",
        _environment,
    ),
    Difference(
        "Null and IfExists",
        "ask whether the key is there",
        "are not known",
        OPERATORS,
        _presence,
    ),
    Difference(
        "conditions on s3:prefix for a listing with an empty prefix or none",
        "an empty prefix is a value, no prefix is an absent key",
        "takes one for the other",
        OPERATORS,
        _empty_prefix,
    ),
    Difference(
        "a Deny of a bucket policy for the account",
        "stands for everybody of the account",
        "stands for nobody",
        GUIDE + "reference_policies_elements_principal.html",
        _account,
    ),
    Difference(
        "a backslash or ${*} in a resource",
        "a backslash is text, ${*} a literal asterisk",
        "a backslash escapes the next character, ${*} is text with a wildcard",
        GUIDE + "reference_policies_variables.html",
        _odd_patterns,
    ),
    Difference(
        "a bucket policy for everybody and a session with a session policy",
        "not documented for the principal *; the evaluator lets the session policy bound it, as for the role's ARN",
        "the bucket policy is enough",
        GUIDE + "access_policies.html#policies_session",
        _everybody,
    ),
)


def concerning(sample: Sample) -> list[str]:
    """Name the differences a sample falls under."""
    return [difference.name for difference in DIFFERENCES if difference.concerns(sample)]
