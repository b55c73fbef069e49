"""Accounts for explanations, made of documents alone: without AWS and without rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from grants import policies
from grants.reach import HeldGrant
from grants.reach_account import Account, bound, identities
from grants.reach_keys import Place
from tests.support.policies import ACCOUNT, document, statement

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSTANCE = f"arn:aws:s3:eu-central-1:{ACCOUNT}:access-grants/default"
BUCKET = "studies"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/location"
UPLOADER = f"arn:aws:iam::{ACCOUNT}:user/uploader"
ASK = statement(Action="s3:GetDataAccess", Resource=INSTANCE)
SERVE = statement(Action="s3:*", Resource=[f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"])

Statement = Mapping[str, Any]


def user(name: str, *statements: Statement, **more: Any) -> dict[str, Any]:
    """Describe a user as AWS does, with one inline policy of these statements."""
    inline = [{"PolicyName": "own", "PolicyDocument": document(*statements)}] if statements else []
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return {"UserName": name, "Arn": arn, "UserId": f"AIDA{name.upper()}", "UserPolicyList": inline, **more}


def role(name: str, *statements: Statement, trust: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Describe a role as AWS does; it trusts S3 Access Grants where nothing else is given."""
    return {
        "RoleName": name,
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "RoleId": f"AROA{name.upper()}",
        "AssumeRolePolicyDocument": trust or policies.location_trust(INSTANCE),
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": document(*statements)}] if statements else [],
        **more,
    }


def trusting(principal: Any, **more: Any) -> dict[str, Any]:
    """Give the trust policy of a role for one principal."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def account(
    *users: Mapping[str, Any],
    roles: Sequence[Mapping[str, Any]] | None = None,
    groups: Sequence[Mapping[str, Any]] = (),
    managed: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Account:
    """Make an account; without other roles it has one that serves the bucket."""
    page = {
        "UserDetailList": list(users),
        "RoleDetailList": [role("location", SERVE)] if roles is None else list(roles),
        "GroupDetailList": list(groups),
        "Policies": list(managed),
    }
    found = identities([page])
    return Account(id=ACCOUNT, region="eu-central-1", instance_arn=INSTANCE, now=NOW, identities=found, **more)


def managed(name: str, *statements: Statement) -> dict[str, Any]:
    """Describe a managed policy with a version that counts and one that does not."""
    other = {"VersionId": "v1", "IsDefaultVersion": False, "Document": document(statement("Deny", Action="*"))}
    this = {"VersionId": "v2", "IsDefaultVersion": True, "Document": document(*statements)}
    return {"Arn": f"arn:aws:iam::{ACCOUNT}:policy/{name}", "PolicyName": name, "PolicyVersionList": [other, this]}


def grant(scope: str = f"s3://{BUCKET}/a/*", permission: str = "READ", **more: Any) -> HeldGrant:
    """Make a grant of the uploader's."""
    fields = {"principal_arn": UPLOADER, "role_arn": ROLE, "id": f"{permission} {scope}", **more}
    fields.setdefault("expires_at", NOW + timedelta(days=1))
    return HeldGrant(scope=scope, permission=permission, **fields)


def bucket(*statements: Statement, **more: Any) -> Place:
    """Make the bucket, with a policy of these statements if any."""
    if not statements:
        return Place(BUCKET, **more)
    found, doubt = bound(f"the policy of bucket {BUCKET}", document(*statements), "resource")
    assert found is not None, doubt
    return Place(BUCKET, policy=found, **more)
