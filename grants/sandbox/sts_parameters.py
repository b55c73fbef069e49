"""The parameters of AssumeRole, held against AWS's limits, which botocore does not check.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grants.sandbox.errors import AwsError

NAME = r"[\w+=,.@-]*"
EXTERNAL_ID = r"[\w+=,.@:\/-]*"
POLICY = r"[\u0009\u000A\u000D\u0020-\u00FF]+"
ROLE_ARN = re.compile(r"arn:aws:iam::\d{12}:role/[\u0021-\u007e]+")
SHORTEST, LONGEST, USUAL = 900, 43_200, 3600
POLICY_CHARACTERS, MANAGED_POLICIES = 2048, 10
TAGS, TAG_KEY, TAG_VALUE = 50, 128, 256
LEFT_OUT = ("SerialNumber", "TokenCode", "ProvidedContexts", "MinimumSessionTokenSize")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRole:
    """A request for a session that keeps to the limits."""

    role_arn: str
    session_name: str
    duration: int = USUAL
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    external_id: str | None = None
    source_identity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()


def read(parameters: Mapping[str, Any]) -> AssumeRole:
    """Give the request, or raise AwsError ValidationError that names every parameter out of bounds."""
    for name in LEFT_OUT:
        if name in parameters:
            raise not_here(f"the parameter {name} of AssumeRole")
    if problems := list(_problems(parameters)):
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise invalid(count + "; ".join(problems))
    if not ROLE_ARN.fullmatch(parameters["RoleArn"]):
        raise invalid(f"{parameters['RoleArn']} is invalid")
    tags = _tags(parameters.get("Tags", ()))
    return AssumeRole(
        role_arn=parameters["RoleArn"],
        session_name=parameters["RoleSessionName"],
        duration=parameters.get("DurationSeconds", USUAL),
        policy=parameters.get("Policy"),
        policy_arns=tuple(policy.get("arn", "") for policy in parameters.get("PolicyArns", ())),
        external_id=parameters.get("ExternalId"),
        source_identity=parameters.get("SourceIdentity"),
        tags=tags,
        transitive=_transitive(parameters.get("TransitiveTagKeys", ()), tags),
    )


def invalid(message: str) -> AwsError:
    """Give STS's refusal of a parameter."""
    return AwsError("ValidationError", message)


def not_here(what: str) -> AwsError:
    """Give the answer to what AWS has and the sandbox has not."""
    message = f"The sandbox does not have {what}; docs/sandbox.md lists what it leaves out."
    return AwsError("NotImplemented", message, 501)


def _problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(parameters, "RoleArn", 20, 2048)
    yield from _text(parameters, "RoleSessionName", 2, 64, NAME)
    yield from _text(parameters, "SourceIdentity", 2, 64, NAME)
    yield from _text(parameters, "ExternalId", 2, 1224, EXTERNAL_ID)
    yield from _text(parameters, "Policy", 1, POLICY_CHARACTERS, POLICY)
    yield from _duration(parameters)
    yield from _count(parameters, "PolicyArns", MANAGED_POLICIES)
    yield from _count(parameters, "Tags", TAGS)
    yield from _count(parameters, "TransitiveTagKeys", TAGS)
    plain = len(parameters.get("Policy", "")) + sum(
        len(part.get("arn", "")) for part in parameters.get("PolicyArns", ())
    )
    if plain > POLICY_CHARACTERS >= len(parameters.get("Policy", "")):
        yield f"The policy and the policy ARNs together must have at most {POLICY_CHARACTERS} characters, not {plain}"


def _text(
    parameters: Mapping[str, Any], name: str, shortest: int, longest: int, pattern: str | None = None
) -> Iterator[str]:
    value = parameters.get(name)
    if value is None:
        return
    if len(value) < shortest:
        yield _failed(name, value, f"Member must have length greater than or equal to {shortest}")
    if len(value) > longest:
        yield _failed(name, value, f"Member must have length less than or equal to {longest}")
    if pattern and not re.fullmatch(pattern, value, re.ASCII):
        yield _failed(name, value, f"Member must satisfy regular expression pattern: {pattern}")


def _duration(parameters: Mapping[str, Any]) -> Iterator[str]:
    value = parameters.get("DurationSeconds", USUAL)
    if value < SHORTEST:
        yield _failed("DurationSeconds", value, f"Member must have value greater than or equal to {SHORTEST}")
    if value > LONGEST:
        yield _failed("DurationSeconds", value, f"Member must have value less than or equal to {LONGEST}")


def _count(parameters: Mapping[str, Any], name: str, most: int) -> Iterator[str]:
    value = parameters.get(name, ())
    if len(value) > most:
        yield _failed(name, f"{len(value)} members", f"Member must have length less than or equal to {most}")


def _failed(name: str, value: object, constraint: str) -> str:
    member = name[0].lower() + name[1:]
    return f"Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"


def _tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Give session tags by key; keys differ in more than case.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
    """
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        _check_tag(key, value)
        if key.lower() in {known.lower() for known in tags}:
            raise invalid(f"The session tag key {key} is given twice; keys that differ in case only are the same key.")
        tags[key] = value
    return tags


def _check_tag(key: str, value: str) -> None:
    if not 1 <= len(key) <= TAG_KEY or not _tag_characters(key) or key.lower().startswith("aws:"):
        raise invalid(
            f"Value '{key}' at 'tags.member.key' failed to satisfy constraint: 1 to {TAG_KEY} letters, digits, spaces "
            "and _.:/=+-@ that do not begin with aws:"
        )
    if len(value) > TAG_VALUE or not _tag_characters(value):
        raise invalid(
            f"Value '{value}' at 'tags.member.value' failed to satisfy constraint: up to {TAG_VALUE} letters, digits, "
            "spaces and _.:/=+-@"
        )


def _tag_characters(text: str) -> bool:
    return all(letter in "_.:/=+-@" or unicodedata.category(letter)[0] in "LZN" for letter in text)


def _transitive(keys: Sequence[str], tags: Mapping[str, str]) -> tuple[str, ...]:
    names = {key.lower(): key for key in tags}
    for key in keys:
        if key.lower() not in names:
            raise invalid(f"The transitive tag key {key} is not among the session tags; pass the tag as well.")
    return tuple(names[key.lower()] for key in keys)
