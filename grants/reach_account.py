"""The identities of an account with all policies that bind them, read out of GetAccountAuthorizationDetails. Pure.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from grants.evaluator import Policy, PolicyError
from grants.reach_doubt import Bound

Detail = Mapping[str, Any]
_Attempt = tuple[Bound | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An IAM user or role; `trust` is a role's own, `doubts` names policies that could not be read."""

    arn: str
    name: str
    unique_id: str
    is_role: bool = False
    policies: tuple[Bound, ...] = ()
    boundary: Bound | None = None
    trust: Bound | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account at one moment: its identities by ARN, and its S3 Access Grants instance."""

    id: str
    region: str
    instance_arn: str
    now: datetime
    identities: Mapping[str, Identity] = field(default_factory=dict)
    has_instance: bool = True
    partition: str = "aws"


def identities(pages: Iterable[Detail]) -> dict[str, Identity]:
    """Give the users and roles of all pages by ARN; a user's policies include those of its groups."""
    merged: dict[str, list[Detail]] = {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
    }
    for page in pages:
        for member, details in merged.items():
            details.extend(page.get(member, ()))
    managed = {policy["Arn"]: _default_version(policy) for policy in merged["Policies"]}
    groups = {
        group["GroupName"]: _own(group, "GroupPolicyList", f"group {group['GroupName']}", managed)
        for group in merged["GroupDetailList"]
    }
    users = [_user(user, managed, groups) for user in merged["UserDetailList"]]
    return {found.arn: found for found in (*users, *(_role(role, managed) for role in merged["RoleDetailList"]))}


def bound(label: str, document: Any, kind: str) -> _Attempt:
    """Read one document; gives the policy, or None and why it could not be read."""
    if document is None:
        return None, f"{label} is not among what AWS showed"
    try:
        return Bound(label, Policy.parse(document, kind)), ""
    except PolicyError as error:
        return None, f"{label} could not be read: {error}"


def _user(user: Detail, managed: Mapping[str, Any], groups: Mapping[str, list[_Attempt]]) -> Identity:
    attempts = _own(user, "UserPolicyList", f"user {user['UserName']}", managed)
    for name in user.get("GroupList", ()):
        attempts += groups.get(name, [(None, f"group {name} is not among what AWS showed")])
    limit, doubt = _boundary(user, managed)
    return Identity(
        arn=user["Arn"],
        name=user["UserName"],
        unique_id=user["UserId"],
        policies=_readable(attempts),
        boundary=limit,
        tags=_tags(user),
        doubts=_doubts([*attempts, (None, doubt)]),
    )


def _role(role: Detail, managed: Mapping[str, Any]) -> Identity:
    name = role["RoleName"]
    attempts = _own(role, "RolePolicyList", f"role {name}", managed)
    limit, doubt = _boundary(role, managed)
    trust, untrusted = bound(f"the trust policy of role {name}", role.get("AssumeRolePolicyDocument"), "trust")
    return Identity(
        arn=role["Arn"],
        name=name,
        unique_id=role["RoleId"],
        is_role=True,
        policies=_readable(attempts),
        boundary=limit,
        trust=trust,
        tags=_tags(role),
        doubts=_doubts([*attempts, (None, doubt), (None, untrusted)]),
    )


def _own(holder: Detail, member: str, of: str, managed: Mapping[str, Any]) -> list[_Attempt]:
    inline = [
        bound(f"inline policy {policy['PolicyName']} of {of}", policy["PolicyDocument"], "identity")
        for policy in holder.get(member, ())
    ]
    return inline + [
        bound(f"managed policy {policy['PolicyArn']} of {of}", managed.get(policy["PolicyArn"]), "identity")
        for policy in holder.get("AttachedManagedPolicies", ())
    ]


def _boundary(holder: Detail, managed: Mapping[str, Any]) -> _Attempt:
    arn = holder.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return bound(f"the permissions boundary {arn}", managed.get(arn), "identity") if arn else (None, "")


def _default_version(policy: Detail) -> Any:
    versions = policy.get("PolicyVersionList", ())
    return next((version.get("Document") for version in versions if version.get("IsDefaultVersion")), None)


def _readable(attempts: Iterable[_Attempt]) -> tuple[Bound, ...]:
    return tuple(found for found, _ in attempts if found is not None)


def _doubts(attempts: Iterable[_Attempt]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(doubt for found, doubt in attempts if found is None and doubt))


def _tags(holder: Detail) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in holder.get("Tags", ())}
