"""Random policies, written for SeaweedFS: whatever the evaluator allows, SeaweedFS allows as well."""

import random
from typing import Any

import pytest

from grants.evaluator import Policy, Principal, Request, evaluate
from tests.support.seaweed import ACCOUNT, BUCKET, BUCKET_ARN, OBJECTS, Stage, document, refusal, unique

ACTIONS = [
    "s3:GetObject",
    "s3:Get*",
    "s3:*",
    "*",
    "s3:ListBucket",
    "s3:List*",
    "s3:getobject",
    "s3:PutObject",
    "s3:?etObject",
]
RESOURCES = [
    "*", BUCKET_ARN, OBJECTS, f"{BUCKET_ARN}*", f"{BUCKET_ARN}/a/*", f"{BUCKET_ARN}/A/*", f"{BUCKET_ARN}/a?b",
    f"{BUCKET_ARN}/a${{*}}b", f"{BUCKET_ARN}/a${{$}}b", f"{BUCKET_ARN}/a\\b", f"{BUCKET_ARN}/${{aws:username}}/*",
    f"{BUCKET_ARN}/${{aws:userid}}*", "arn:aws:s3:::another/*", f"{BUCKET_ARN}/*/x",
]  # fmt: skip
CONDITIONS: list[dict[str, Any]] = [
    {},
    {},
    {"StringLike": {"s3:prefix": ["a/*"]}},
    {"StringLike": {"s3:prefix": ["", "a/*"]}},
    {"StringEquals": {"s3:prefix": "a/"}},
    {"StringNotLike": {"s3:prefix": "a/*"}},
    {"StringNotEquals": {"s3:prefix": ["", "a/"]}},
    {"StringLikeIfExists": {"s3:prefix": "a/*"}},
    {"Null": {"s3:prefix": "true"}},
    {"StringLike": {"aws:username": "user-*"}},
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringEquals": {"aws:userid": "AIDAEXAMPLE"}, "StringLike": {"s3:prefix": "*"}},
]
READ, LISTED = ("a/x", "A/x", "a*b", "a\\b", "a$b"), ("a/", "A/", "b/", "", None)


def statement(chance: random.Random) -> dict[str, Any]:
    """Make a statement, odd ones among them."""
    return {
        "Effect": chance.choice(["Allow", "Allow", "Allow", "Deny"]),
        chance.choice(["Action"] * 8 + ["NotAction"]): chance.sample(ACTIONS, chance.randint(1, 3)),
        chance.choice(["Resource"] * 8 + ["NotResource"]): chance.sample(RESOURCES, chance.randint(1, 3)),
        "Condition": chance.choice(CONDITIONS),
    }


def allowed(policy: dict[str, Any], name: str, action: str, resource: str, prefix: str | None) -> bool:
    """Ask the evaluator."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    context = {"aws:username": name, "aws:userid": "AIDAEXAMPLE", "aws:SecureTransport": "true"}
    request = Request(
        principal=Principal(arn=arn, principal_arn=arn, account=ACCOUNT),
        action=action,
        resource=resource,
        context=context if prefix is None else {**context, "s3:prefix": prefix},
    )
    return evaluate(request, identity=(Policy.parse(policy),)).allowed


def compare(stage: Stage, seed: int) -> int:
    """Try one random policy and give how many requests the evaluator allowed."""
    chance = random.Random(seed)
    policy = document(*(statement(chance) for _ in range(chance.randint(1, 3))))
    name, role = unique("user"), unique("role")
    stage.server.put_role(
        role, [{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]
    )
    clients = [stage.user(name, policy), stage.session(role, policy)]
    count = 0
    for key in READ:
        if allowed(policy, name, "s3:GetObject", f"{BUCKET_ARN}/{key}", None):
            count += 1
            refusals = [refusal(client.get_object, Bucket=BUCKET, Key=key) for client in clients]
            assert refusals == [None, None], (seed, key, policy)
    for prefix in LISTED:
        if allowed(policy, name, "s3:ListBucket", BUCKET_ARN, prefix):
            count += 1
            parameters = {"Bucket": BUCKET} | ({} if prefix is None else {"Prefix": prefix})
            refusals = [refusal(client.list_objects_v2, **parameters) for client in clients]
            assert refusals == [None, None], (seed, prefix, policy)
    stage.server.delete_user(name)
    stage.server.delete_role(role)
    return count


def test_ten_policies(stage: Stage) -> None:
    assert sum(compare(stage, seed) for seed in range(10)) > 20


@pytest.mark.slow
def test_four_hundred_policies(stage: Stage) -> None:
    assert sum(compare(stage, seed) for seed in range(1000, 1400)) > 800
