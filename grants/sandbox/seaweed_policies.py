"""Writes IAM's documents in the part of the policy language that SeaweedFS judges as AWS does.

SeaweedFS is the second judge and must never be stricter than AWS: an Allow it cannot express is widened, a Deny it
cannot express is left out. What it understands was found by trying; tests/sandbox/seaweed tries it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grants.sandbox import seaweed_actions, seaweed_patterns
from grants.sandbox.seaweed_conditions import Scope, conditions, listings, only_listings

Document = Mapping[str, Any]
Statement = dict[str, Any]

VERSION = "2012-10-17"
LONGEST_SESSION_POLICY = 2_048  # characters
_NOTHING: Statement = {"Effect": "Allow", "Action": ["sandbox:Nothing"], "Resource": ["arn:aws:s3:::-/-"]}


def identity_document(documents: Iterable[Document], *, user: str | None = None) -> dict[str, Any]:
    """Write all policies of a user or a role as one document; one that allows nothing when they do not concern S3."""
    variables = {"aws:username": user} if user else {}
    return as_document([written for document in documents for written in _written(document, variables)])


def session_document(documents: Sequence[Document]) -> dict[str, Any] | None:
    """Write the policies that bound a session as the one document SeaweedFS takes; None when there are none.

    Together they are one policy: what one of them allows and none denies.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
    """
    if not documents:
        return None
    found = [written for document in documents for written in _written(document, {})]
    nothing_allowed = all(statement["Effect"] == "Deny" for statement in found)
    return as_document([_NOTHING, *found] if nothing_allowed else found)


def as_document(written: Sequence[Statement]) -> dict[str, Any]:
    """Make a document of statements, with one that allows nothing when there are none."""
    return {"Version": VERSION, "Statement": list(written) or [_NOTHING]}


def statements(document: Document) -> list[Mapping[str, Any]]:
    """Give the statements of a document, which may hold a single one without a list."""
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def strings(value: Any) -> list[str]:
    """Give the strings of an element, which may hold a single one without a list."""
    return [value] if isinstance(value, str) else [str(one) for one in value or ()]


def known_variables(document: Document, variables: Mapping[str, str]) -> Mapping[str, str]:
    """Give the variables that mean something in this document: in those of the old version nothing is one."""
    return variables if document.get("Version") == VERSION else {}


def _written(document: Document, variables: Mapping[str, str]) -> list[Statement]:
    known = known_variables(document, variables)
    written = (
        _allowance(statement, known) if statement.get("Effect") == "Allow" else _denial(statement, known)
        for statement in statements(document)
    )
    return [statement for statement in written if statement is not None]


def _allowance(statement: Mapping[str, Any], variables: Mapping[str, str]) -> Statement | None:
    if not (actions := allowed_actions(statement)):
        return None
    patterns = strings(statement.get("Resource")) or ["*"]
    resources = [seaweed_patterns.widened(pattern, variables) for pattern in patterns]
    kept, _ = conditions(statement.get("Condition", {}), actions, Scope(allow=True, bucket=False))
    return make("Allow", actions, resources, kept)


def _denial(statement: Mapping[str, Any], variables: Mapping[str, str]) -> Statement | None:
    kept, complete = conditions(statement.get("Condition", {}), (), Scope(allow=False, bucket=False))
    actions = denied_actions(statement, kept)
    resources = [
        written
        for pattern in strings(statement.get("Resource"))
        if (written := seaweed_patterns.exact(pattern, variables, any_case=True)) is not None
    ]
    return make("Deny", actions, resources, kept) if complete and actions and resources else None


def allowed_actions(statement: Mapping[str, Any]) -> list[str]:
    """Write what an Allow is about; everything for NotAction, which SeaweedFS does not know."""
    return seaweed_actions.allowed(strings(statement.get("Action"))) if "Action" in statement else [seaweed_actions.ANY]


def denied_actions(statement: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """Write what a Deny is about; nothing for NotAction."""
    patterns = strings(statement.get("Action"))
    return listings(patterns) if only_listings(dict(kept)) else seaweed_actions.denied(patterns)


def make(effect: str, actions: list[str], resources: list[str], kept: Mapping[str, Any]) -> Statement:
    """Put the parts of a statement together."""
    condition = {"Condition": kept} if kept else {}
    return {"Effect": effect, "Action": actions, "Resource": resources, **condition}
