"""What IAM and S3 refuse as malformed.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html (characters)
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from grants.evaluator import Policy, PolicyError
from tests.support.policies import ACCOUNT, USER, document, statement

READ = statement()
TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def without(element: str) -> dict[str, Any]:
    """Make a statement that lacks an element."""
    return {name: value for name, value in READ.items() if name != element}


MALFORMED: list = [
    # document, kind, what the message has to name
    ("{", "identity", "no JSON"),
    ("[]", "identity", "JSON object"),
    ('"text"', "identity", "JSON object"),
    ("", "identity", "no JSON"),
    ("[" * 100_000, "identity", "no JSON"),
    ({}, "identity", "Statement"),
    ({"Version": "2012-10-17"}, "identity", "Statement"),
    (document(), "identity", "Statement"),
    (document(READ, version="2012-10-18"), "identity", "2012-10-18"),
    ({"Version": ["2012-10-17"], "Statement": READ}, "identity", "Version"),
    ({"Version": "2012-10-17", "Statement": READ, "Statements": []}, "identity", "Statements"),
    ({"version": "2012-10-17", "Statement": READ}, "identity", "version"),
    ({"Version": "2012-10-17", "Id": 5, "Statement": READ}, "identity", "Id"),
    ({"Version": "2012-10-17", "Statement": ["x"]}, "identity", "Statement[0]"),
    (document(READ, {**READ, "Principals": "*"}), "identity", "Statement[1] has an unknown element Principals"),
    (document(without("Effect")), "identity", "Effect"),
    (document(statement("allow")), "identity", "Effect"),
    (document({**READ, "Effect": ["Allow"]}), "identity", "Effect"),
    (document(without("Action")), "identity", "Action"),
    (document({**READ, "NotAction": "s3:*"}), "identity", "Action or NotAction"),
    (document({**READ, "Action": []}), "identity", "Action"),
    (document({**READ, "Action": 5}), "identity", "Action"),
    (document({**READ, "Action": "GetObject"}), "identity", "'GetObject'"),
    (document({**READ, "Action": "s3:"}), "identity", "'s3:'"),
    (document({**READ, "Action": ["s3:GetObject", "s3 :PutObject"]}), "identity", "'s3 :PutObject'"),
    (document(without("Resource")), "identity", "Resource"),
    (document({**READ, "NotResource": "*"}), "identity", "Resource or NotResource"),
    (document({**READ, "Resource": "studies/*"}), "identity", "ARN"),
    (document({**READ, "Resource": "arn:aws:s3:studies"}), "identity", "ARN"),
    (document({**READ, "Resource": "arn:elsewhere:s3:::studies"}), "identity", "ARN"),
    (document({**READ, "Resource": ""}), "identity", "ARN"),
    (document({**READ, "Resource": {"a": 1}}), "identity", "Resource"),
    (document({**READ, "Principal": "*"}), "identity", "Principal is not allowed in an identity policy"),
    (document({**READ, "NotPrincipal": "*"}), "session", "NotPrincipal is not allowed in a session policy"),
    (document({**READ, "Sid": "with space"}), "identity", "Sid"),
    (document({**READ, "Sid": 5}), "identity", "Sid"),
    (document({**READ, "Sid": "One"}, {**READ, "Sid": "One"}), "identity", "One"),
    (document({**READ, "Condition": {"StringLikes": {"s3:prefix": "a"}}}), "identity", "StringLikes"),
    (document({**READ, "Condition": {"NullIfExists": {"s3:prefix": "true"}}}), "identity", "NullIfExists"),
    (document({**READ, "Condition": {"ForSomeValues:StringLike": {"s3:prefix": "a"}}}), "identity", "ForSomeValues"),
    (document({**READ, "Condition": {"StringLike": "a"}}), "identity", "Condition"),
    (document({**READ, "Condition": {"StringLike": {}}}), "identity", "Condition"),
    (document({**READ, "Condition": []}), "identity", "Condition"),
    (document({**READ, "Condition": {"StringLike": {"s3:prefix": []}}}), "identity", "s3:prefix"),
    (document({**READ, "Condition": {"StringLike": {"s3:prefix": {"a": "b"}}}}), "identity", "s3:prefix"),
    (document({**READ, "Condition": {"StringLike": {"s3:prefix": None}}}), "identity", "s3:prefix"),
    ('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', "identity", "Version is there twice"),
    (json.dumps(document(READ)).replace("*", "\u0100"), "identity", "U+0100"),
    (json.dumps(document(READ)).replace("*", "\u0000"), "identity", "U+0000"),
    # Resource-based policies.
    (document(READ), "resource", "Principal"),
    (document({**READ, "Principal": "*", "NotPrincipal": "*"}), "resource", "Principal"),
    (document({**READ, "Principal": USER.arn}), "resource", "Principal"),
    (document({**READ, "Principal": {}}), "resource", "Principal"),
    (document({**READ, "Principal": {"IAM": "*"}}), "resource", "Principal"),
    (document({**READ, "Principal": {"AWS": []}}), "resource", "Principal"),
    (document({**READ, "Principal": {"AWS": "uploader"}}), "resource", "'uploader'"),
    (document({**READ, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}}), "resource", "user/*"),
    (document({**READ, "Principal": {"AWS": "1234"}}), "resource", "1234"),
    (document({**READ, "NotPrincipal": {"AWS": USER.arn}}), "resource", "NotPrincipal"),
    (document({**without("Resource"), "Principal": "*"}), "resource", "Resource"),
    # Trust policies.
    (document({**TRUST, "Resource": "*"}), "trust", "Resource"),
    (document({**TRUST, "Effect": "Deny", "NotPrincipal": TRUST["Principal"], "Principal": "*"}), "trust", "Principal"),
    (document({"Effect": "Deny", "NotPrincipal": "*", "Action": "sts:AssumeRole"}), "trust", "NotPrincipal"),
    (document({"Effect": "Allow", "Action": "sts:AssumeRole"}), "trust", "Principal"),
]

GOOD: list = [
    (document(READ), "identity"),
    (json.dumps(document(READ)), "identity"),
    ({"Statement": READ}, "identity"),
    ({"Version": "2008-10-17", "Id": "a b", "Statement": [READ]}, "identity"),
    (document({**READ, "Sid": ""}, {**READ, "Sid": ""}), "identity"),
    (document({**READ, "Resource": ["arn:aws:s3:::a", "arn:*:s3:::a/${aws:username}/*", "*"]}), "session"),
    (document({**READ, "Principal": "*", "Sid": "with space"}), "resource"),
    (document({**READ, "Principal": {"AWS": [ACCOUNT, USER.arn, "*"], "Service": "s3.amazonaws.com"}}), "resource"),
    (document(statement("Deny", NotPrincipal={"AWS": USER.arn})), "resource"),
    (document(TRUST), "trust"),
    (document({**TRUST, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"]}), "trust"),
    (json.dumps(document({**READ, "Resource": "arn:aws:s3:::a/é\u00ff"}), ensure_ascii=False), "identity"),
    (json.dumps(document(READ), indent="\t").replace("\n", "\r\n"), "identity"),
    (
        document({**READ, "Condition": {"Bool": {"aws:SecureTransport": False}, "NumericLessThan": {"k": 5}}}),
        "identity",
    ),
]


@pytest.mark.parametrize(("found", "kind", "named"), MALFORMED)
def test_is_refused(found: Any, kind: str, named: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        Policy.parse(found, kind)
    assert named in str(refusal.value)


@pytest.mark.parametrize(("found", "kind"), GOOD)
def test_is_taken(found: Any, kind: str) -> None:
    policy = Policy.parse(found, kind)
    assert policy.document == (json.loads(found) if isinstance(found, str) else found)


def test_an_unknown_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="boundary"):
        Policy.parse(document(READ), "boundary")


def test_equal_documents_make_equal_policies() -> None:
    one, other = Policy.parse(document(READ)), Policy.parse(json.dumps(document(READ)))
    assert one == other
    assert len({one, other, Policy.parse(document(statement("Deny")))}) == 2


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=5) | some.sampled_from(["Allow", "*", "s3:*"]),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(
                ["Version", "Statement", "Effect", "Action", "Resource", "Principal", "Condition", "Sid", "AWS"]
            )
            | some.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(found=ANYTHING, kind=some.sampled_from(["identity", "session", "resource", "trust"]), as_text=some.booleans())
def test_nothing_else_than_a_policyerror_comes_out(found: Any, kind: str, as_text: bool) -> None:
    try:
        Policy.parse(json.dumps(found) if as_text else found, kind)
    except PolicyError:
        return
    assert found
