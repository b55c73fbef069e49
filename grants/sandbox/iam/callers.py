"""The identity behind an access key, as the evaluator and the other services see it.

Condition keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Mapping

from moto.iam.models import User

from grants.evaluator import Policy
from grants.sandbox.calls import Caller, CallerKind
from grants.sandbox.iam.views import KeyView


def root(account: str, key: KeyView) -> Caller:
    """Give the account's root."""
    arn = f"arn:aws:iam::{account}:root"
    return Caller(
        kind=CallerKind.ROOT,
        account=account,
        arn=arn,
        principal_arn=arn,
        user_id=account,
        access_key_id=key.access_key_id,
        context={
            "aws:userid": account,
            "aws:PrincipalType": CallerKind.ROOT.value,
            "aws:PrincipalArn": arn,
            "aws:PrincipalAccount": account,
        },
    )


def user(found: User, account: str, key: KeyView, policies: tuple[Policy, ...], tags: Mapping[str, str]) -> Caller:
    """Give a user with the policies that bind it."""
    return Caller(
        kind=CallerKind.USER,
        account=account,
        arn=found.arn,
        principal_arn=found.arn,
        user_id=found.id,
        access_key_id=key.access_key_id,
        name=found.name,
        identity_policies=policies,
        context={
            "aws:username": found.name,
            "aws:userid": found.id,
            "aws:PrincipalType": CallerKind.USER.value,
            "aws:PrincipalArn": found.arn,
            "aws:PrincipalAccount": account,
            **{f"aws:PrincipalTag/{tag}": value for tag, value in tags.items()},
        },
    )
