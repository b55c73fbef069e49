"""Short ways to ask the evaluator, for tables of expectations."""

from collections.abc import Mapping, Sequence
from typing import Any

from grants.evaluator import Decision, Policy, Principal, Request, evaluate

ACCOUNT = "123456789012"
GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"

USER = Principal(
    arn=f"arn:aws:iam::{ACCOUNT}:user/uploader", principal_arn=f"arn:aws:iam::{ACCOUNT}:user/uploader", account=ACCOUNT
)
NEIGHBOUR = Principal(
    arn=f"arn:aws:iam::{ACCOUNT}:user/neighbour",
    principal_arn=f"arn:aws:iam::{ACCOUNT}:user/neighbour",
    account=ACCOUNT,
)
SESSION = Principal(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/location/morning",
    principal_arn=f"arn:aws:iam::{ACCOUNT}:role/location",
    account=ACCOUNT,
)
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
ROOT = Principal(arn=ROOT_ARN, principal_arn=ROOT_ARN, account=ACCOUNT, root=True)
ANYBODY = Principal(arn="", principal_arn="", account="", anonymous=True)
SERVICE = Principal(arn="", principal_arn="", account="", service="access-grants.s3.amazonaws.com")

OBJECT = "arn:aws:s3:::studies/input/a.h5ad"
BUCKET = "arn:aws:s3:::studies"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    """Make a statement about GetObject of everything, with the elements given in place of these."""
    made: dict[str, Any] = {"Effect": effect}
    if not {"Action", "NotAction"} & set(elements):
        made["Action"] = "s3:GetObject"
    if not {"Resource", "NotResource"} & set(elements):
        made["Resource"] = "*"
    return made | elements


def document(*statements: Mapping[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    """Make a document."""
    return {"Version": version, "Statement": list(statements)}


def policy(*statements: Mapping[str, Any], kind: str = "identity", version: str = "2012-10-17") -> Policy:
    """Make a policy."""
    return Policy.parse(document(*statements, version=version), kind)


def bucket_policy(principal: Any, *, effect: str = "Allow", **elements: Any) -> Policy:
    """Make a resource-based policy of one statement for a principal."""
    return policy(statement(effect, **{"Principal": principal, **elements}), kind="resource")


def trust(principal: Any, **elements: Any) -> Policy:
    """Make a trust policy of one statement."""
    made = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **elements}
    return policy(made, kind="trust")


def decide(
    *,
    principal: Principal = USER,
    action: str = "s3:GetObject",
    on: str = OBJECT,
    context: Mapping[str, str | tuple[str, ...]] | None = None,
    identity: Sequence[Policy] = (),
    session: Sequence[Policy] | None = None,
    resource: Policy | None = None,
) -> Decision:
    """Ask."""
    return evaluate(
        Request(principal=principal, action=action, resource=on, context=context or {}),
        identity=tuple(identity),
        session=None if session is None else tuple(session),
        resource=resource,
    )


def allows(elements: Mapping[str, Any], **question: Any) -> bool:
    """Tell whether one Allow statement with these elements, in a user's policy, lets a request pass."""
    return decide(identity=[policy(statement(**elements))], **question).allowed


def holds(condition: Mapping[str, Any], context: Mapping[str, str | tuple[str, ...]]) -> bool:
    """Tell whether a Condition element holds."""
    return allows({"Condition": condition}, context=context)
