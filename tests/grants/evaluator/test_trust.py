"""Who may assume a role: trust policies.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location.html
"""

from typing import Any

import pytest

from grants.evaluator import Decision, Principal
from tests.support.policies import (
    ACCOUNT,
    ANYBODY,
    NEIGHBOUR,
    ROOT,
    ROOT_ARN,
    SERVICE,
    SESSION,
    USER,
    decide,
    policy,
    trust,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/location"
MAY_ASSUME = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE})
MAY_NOT = policy({"Effect": "Deny", "Action": "sts:*", "Resource": "*"})


def assume(principal: Principal, trusted: Any, *identity: Any, action: str = "sts:AssumeRole", **more: Any) -> Decision:
    """Ask whether a principal may assume the role."""
    context = more.pop("context", {})
    found = trust(trusted, **more)
    return decide(principal=principal, action=action, on=ROLE, identity=identity, resource=found, context=context)


CASES: list = [
    (USER, {"AWS": USER.arn}, [], True),
    (USER, {"AWS": [NEIGHBOUR.arn, USER.arn]}, [], True),
    (USER, {"AWS": NEIGHBOUR.arn}, [], False),
    (USER, {"AWS": NEIGHBOUR.arn}, [MAY_ASSUME], False),
    (USER, {"Service": "access-grants.s3.amazonaws.com"}, [MAY_ASSUME], False),
    (USER, {"AWS": USER.arn}, [MAY_NOT], False),
    (USER, {"AWS": ACCOUNT}, [], False),
    (USER, {"AWS": ROOT_ARN}, [], False),
    (USER, {"AWS": ROOT_ARN}, [MAY_ASSUME], True),
    (USER, {"AWS": ROOT_ARN}, [MAY_ASSUME, MAY_NOT], False),
    (USER, "*", [], True),
    (USER, {"Service": "access-grants.s3.amazonaws.com"}, [], False),
    (SESSION, {"AWS": SESSION.principal_arn}, [], True),
    (SESSION, {"AWS": SESSION.arn}, [], True),
    (SESSION, {"AWS": USER.arn}, [], False),
    (SERVICE, {"Service": "access-grants.s3.amazonaws.com"}, [], True),
    (SERVICE, {"Service": ["ec2.amazonaws.com", "access-grants.s3.amazonaws.com"]}, [], True),
    (SERVICE, {"Service": "ec2.amazonaws.com"}, [], False),
    (SERVICE, {"AWS": "*"}, [], False),
    (ROOT, {"AWS": USER.arn}, [], False),
    (ANYBODY, {"AWS": USER.arn}, [], False),
]


@pytest.mark.parametrize(("principal", "trusted", "identity", "allowed"), CASES)
def test_who_may_assume(principal: Principal, trusted: Any, identity: list, allowed: bool) -> None:
    assert assume(principal, trusted, *identity).allowed is allowed


def test_only_the_actions_it_names() -> None:
    assert not assume(SERVICE, {"Service": SERVICE.service}, action="sts:SetSourceIdentity").allowed
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert assume(SERVICE, {"Service": SERVICE.service}, action="sts:SetSourceIdentity", Action=both).allowed


@pytest.mark.parametrize(
    ("condition", "context", "allowed"),
    [
        ({"StringEquals": {"sts:ExternalId": "x1"}}, {"sts:ExternalId": "x1"}, True),
        ({"StringEquals": {"sts:ExternalId": "x1"}}, {"sts:ExternalId": "x2"}, False),
        ({"StringEquals": {"sts:ExternalId": "x1"}}, {}, False),
        ({"StringLike": {"sts:RoleSessionName": "${aws:username}"}},
         {"sts:RoleSessionName": "uploader", "aws:username": "uploader"}, True),
        ({"StringLike": {"sts:RoleSessionName": "${aws:username}"}},
         {"sts:RoleSessionName": "neighbour", "aws:username": "uploader"}, False),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT},
          "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:eu-central-1:{ACCOUNT}:access-grants/default"}},
         {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:aws:s3:eu-central-1:{ACCOUNT}:access-grants/default"},
         True),
    ],
)  # fmt: skip
def test_conditions_bound_it(condition: dict, context: dict, allowed: bool) -> None:
    assert assume(USER, {"AWS": USER.arn}, Condition=condition, context=context).allowed is allowed
