"""Reading policy documents: strict where IAM and S3 answer MalformedPolicyDocument or MalformedPolicy."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from grants.policy_conditions import Operator, UnknownOperatorError

VERSIONS = {"2008-10-17", "2012-10-17"}
KINDS = {"identity", "session", "resource", "trust"}
_STATEMENT_ELEMENTS = {
    "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
}  # fmt: skip
_ACTION = re.compile(r"\*(:\*)?|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+")
_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov|\*):[^:]*:[^:]*:[^:]*:.+|arn:\*", re.DOTALL)
_AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|A[A-Z]{3}[A-Z0-9]{16,124}"
    r"|arn:aws:(iam::\d{12}:(root|(user|role)/[^*?]+)|sts::\d{12}:(assumed-role/[^*?/]+|federated-user)/[^*?/]+)",
    re.ASCII,
)
_SID = re.compile(r"[a-zA-Z0-9]*")
_FOREIGN = re.compile(r"[^\t\n\r\u0020-\u00ff]")
_PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}


class PolicyError(ValueError):
    """A document IAM would refuse; the message says what is wrong and where."""


def read(document: str | Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Parse and check a document of a kind: identity, session, resource or trust.

    Raises PolicyError.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is no kind of policy")
    parsed = _loaded(document)
    _known(parsed, {"Version", "Id", "Statement"}, "the document")
    if str(parsed.get("Version", "2008-10-17")) not in VERSIONS:
        raise PolicyError(f"Version is {parsed['Version']!r}; write 2012-10-17")
    if not isinstance(parsed.get("Id", ""), str):
        raise PolicyError("Id is no string")
    statements = statements_of(parsed)
    if not statements:
        raise PolicyError("Statement is missing or empty")
    for number, statement in enumerate(statements):
        _check(statement, f"Statement[{number}]", kind)
    _unique_sids(statements)
    return parsed


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    """Give the statements, one or many."""
    statement = document.get("Statement", [])
    return list(statement) if isinstance(statement, list | tuple) else [statement]


def listed(value: Any) -> list[Any]:
    """Give one or many as many."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _loaded(document: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(document, str):
        foreign = _FOREIGN.search(document)
        if foreign:
            raise PolicyError(f"character U+{ord(foreign[0]):04X} at {foreign.start()} is not allowed in a policy")
        try:
            document = json.loads(document, object_pairs_hook=_without_twins)
        except (json.JSONDecodeError, RecursionError) as error:
            raise PolicyError(f"this is no JSON: {error}") from error
    if not isinstance(document, Mapping) or not all(isinstance(name, str) for name in document):
        raise PolicyError("a policy is a JSON object")
    return dict(document)


def _without_twins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twin = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise PolicyError(f"{twin} is there twice in one object")
    return found


def _known(element: Mapping[str, Any], names: set[str], where: str) -> None:
    unknown = sorted(set(element) - names)
    if unknown:
        raise PolicyError(f"{where} has an unknown element {unknown[0]}")


def _check(statement: Any, where: str, kind: str) -> None:
    if not isinstance(statement, Mapping):
        raise PolicyError(f"{where} is no JSON object")
    _known(statement, _STATEMENT_ELEMENTS, where)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{where}: Effect must be Allow or Deny")
    sid = statement.get("Sid", "")
    # Services with resource-based policies take more, S3 spaces for example.
    if not isinstance(sid, str) or (kind != "resource" and not _SID.fullmatch(sid)):
        raise PolicyError(f"{where}: Sid may have letters and digits only")
    _check_actions(statement, where)
    _check_resources(statement, where, kind)
    _check_principals(statement, where, kind)
    _check_conditions(statement.get("Condition", {}), where)


def _one_of(statement: Mapping[str, Any], first: str, second: str, where: str) -> list[str]:
    if (first in statement) == (second in statement):
        raise PolicyError(f"{where} needs either {first} or {second}")
    values = listed(statement.get(first, statement.get(second)))
    if not values or not all(isinstance(value, str) for value in values):
        raise PolicyError(f"{where}: {first} and {second} are a string or a list of strings")
    return values


def _check_actions(statement: Mapping[str, Any], where: str) -> None:
    for action in _one_of(statement, "Action", "NotAction", where):
        if not _ACTION.fullmatch(action):
            raise PolicyError(f"{where}: {action!r} is no action; it must be prefaced by a vendor, as in s3:GetObject")


def _check_resources(statement: Mapping[str, Any], where: str, kind: str) -> None:
    if kind == "trust":
        if "Resource" in statement or "NotResource" in statement:
            raise PolicyError(f"{where}: a trust policy has no Resource")
        return
    for resource in _one_of(statement, "Resource", "NotResource", where):
        if resource != "*" and not _ARN.fullmatch(resource):
            raise PolicyError(f'{where}: Resource {resource!r} must be in ARN format or "*"')


def _check_principals(statement: Mapping[str, Any], where: str, kind: str) -> None:
    named = [name for name in ("Principal", "NotPrincipal") if name in statement]
    if kind in {"identity", "session"}:
        if named:
            raise PolicyError(f"{where}: {named[0]} is not allowed in {_article(kind)} {kind} policy")
        return
    if len(named) != 1:
        raise PolicyError(f"{where} needs either Principal or NotPrincipal")
    if named == ["NotPrincipal"] and (kind == "trust" or statement["Effect"] == "Allow"):
        raise PolicyError(f"{where}: NotPrincipal is for a Deny of a resource-based policy only; write Principal")
    _check_names(statement[named[0]], f"{where}: {named[0]}")


def _check_names(principal: Any, where: str) -> None:
    if principal == "*":
        return
    if not isinstance(principal, Mapping) or not principal or set(principal) - _PRINCIPALS:
        raise PolicyError(f'{where} is "*" or an object of {", ".join(sorted(_PRINCIPALS))}')
    for kind, names in principal.items():
        if not listed(names) or not all(isinstance(name, str) and name for name in listed(names)):
            raise PolicyError(f"{where} holds strings or lists of strings")
        for name in listed(names):
            if kind == "AWS" and not _AWS_PRINCIPAL.fullmatch(name):
                raise PolicyError(f'{where}: {name!r} is no principal; write an account, a whole ARN or "*"')


def _check_conditions(element: Any, where: str) -> None:
    if not isinstance(element, Mapping) or not all(isinstance(keys, Mapping) and keys for keys in element.values()):
        raise PolicyError(f"{where}: Condition is an object of operators with their keys")
    for name, keys in element.items():
        try:
            Operator.parse(name)
        except UnknownOperatorError as error:
            raise PolicyError(f"{where}: {name} is no condition operator") from error
        for key, values in keys.items():
            if not listed(values) or not all(isinstance(value, str | bool | int | float) for value in listed(values)):
                raise PolicyError(f"{where}: {name} {key} needs a value or a list of values")


def _unique_sids(statements: Sequence[Mapping[str, Any]]) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    for sid in sids:
        if sids.count(sid) > 1:
            raise PolicyError(f"Sid {sid} is there twice; each must be unique in its policy")


def _article(kind: str) -> str:
    return "an" if kind == "identity" else "a"
