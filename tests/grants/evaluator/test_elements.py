"""Effect, Action, NotAction, Resource and NotResource, each rule beside the page that has it."""

import time

import pytest

from tests.support.policies import BUCKET, GUIDE, OBJECT, allows, decide, policy, statement

ACTION = GUIDE + "reference_policies_elements_action.html"
NOT_ACTION = GUIDE + "reference_policies_elements_notaction.html"
RESOURCE = GUIDE + "reference_policies_elements_resource.html"
NOT_RESOURCE = GUIDE + "reference_policies_elements_notresource.html"
EFFECT = GUIDE + "reference_policies_elements_effect.html"

ACTIONS = [
    (ACTION, {"Action": "s3:GetObject"}, "s3:GetObject", True),
    (ACTION, {"Action": "s3:GetObject"}, "s3:GetObjectAcl", False),
    (ACTION, {"Action": "S3:getOBJECT"}, "s3:GetObject", True),
    (ACTION, {"Action": ["s3:PutObject", "s3:GetObject"]}, "s3:GetObject", True),
    (ACTION, {"Action": ["s3:PutObject", "s3:DeleteObject"]}, "s3:GetObject", False),
    (ACTION, {"Action": "*"}, "iam:CreateUser", True),
    (ACTION, {"Action": "*:*"}, "iam:CreateUser", True),
    (ACTION, {"Action": "s3:*"}, "s3:GetObject", True),
    (ACTION, {"Action": "s3:*"}, "iam:CreateUser", False),
    (ACTION, {"Action": "iam:*AccessKey*"}, "iam:GetAccessKeyLastUsed", True),
    (ACTION, {"Action": "iam:*AccessKey*"}, "iam:CreateUser", False),
    (ACTION, {"Action": "s3:?etObject"}, "s3:GetObject", True),
    (ACTION, {"Action": "s3:?GetObject"}, "s3:GetObject", False),
    (ACTION, {"Action": "s3:Get*Object"}, "s3:GetObject", True),
    (NOT_ACTION, {"NotAction": "s3:DeleteBucket"}, "s3:GetObject", True),
    (NOT_ACTION, {"NotAction": "s3:deletebucket"}, "s3:DeleteBucket", False),
    (NOT_ACTION, {"NotAction": "iam:*"}, "iam:CreateUser", False),
    (NOT_ACTION, {"NotAction": ["iam:*", "sts:*"]}, "s3:GetObject", True),
    (NOT_ACTION, {"NotAction": "*"}, "s3:GetObject", False),
]

RESOURCES = [
    (RESOURCE, {"Resource": "*"}, OBJECT, True),
    (RESOURCE, {"Resource": OBJECT}, OBJECT, True),
    (RESOURCE, {"Resource": OBJECT.upper().replace("ARN:AWS:S3", "arn:aws:s3")}, OBJECT, False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*"}, OBJECT, True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*"}, BUCKET, False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies*"}, "arn:aws:s3:::studies-private/secret", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*.h5ad"}, "arn:aws:s3:::studies/a/b/c.h5ad", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*.h5ad"}, "arn:aws:s3:::studies/a/b/cXh5ad", False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*/test/*"}, "arn:aws:s3:::studies/1/2/test/3/object.jpg", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*/test/*"}, "arn:aws:s3:::studies/1/test.jpg", False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/input/?.h5ad"}, OBJECT, True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/input/??.h5ad"}, OBJECT, False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/a?b"}, "arn:aws:s3:::studies/a/b", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::*"}, "arn:aws:s3:::studies/with:colons:in/it", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/*"}, "arn:aws:s3:::studies/two\nlines", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/[a-z]*"}, "arn:aws:s3:::studies/a", False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/(a|b).+"}, "arn:aws:s3:::studies/a.x", False),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/a\\*"}, "arn:aws:s3:::studies/a\\b", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::studies/a\\*"}, "arn:aws:s3:::studies/a*", False),
    # A wildcard stays within its segment, but for the last one.
    (RESOURCE, {"Resource": "arn:aws:iam::*:user/a"}, "arn:aws:iam::123456789012:user/a", True),
    (RESOURCE, {"Resource": "arn:aws:iam::1*2:user/a"}, "arn:aws:iam::123456789012:user/a", True),
    (RESOURCE, {"Resource": "arn:aws:s3:*:*:b"}, "arn:aws:s3:::a:b", False),
    (RESOURCE, {"Resource": "arn:aws:s3:*:*:b"}, "arn:aws:s3:::b", True),
    (RESOURCE, {"Resource": "arn:aws:s3:::?:b"}, "arn:aws:s3:::a:b", True),
    (RESOURCE, {"Resource": "arn:aws:?am::123456789012:user/a"}, "arn:aws:iam::123456789012:user/a", True),
    (RESOURCE, {"Resource": "arn:aws:s3:?::studies"}, "arn:aws:s3:::studies", False),
    (RESOURCE, {"Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::studies/*"]}, OBJECT, True),
    (NOT_RESOURCE, {"NotResource": "arn:aws:s3:::studies/*"}, OBJECT, False),
    (NOT_RESOURCE, {"NotResource": "arn:aws:s3:::other/*"}, OBJECT, True),
    (NOT_RESOURCE, {"NotResource": ["arn:aws:s3:::other/*", OBJECT]}, OBJECT, False),
    (NOT_RESOURCE, {"NotResource": "*"}, OBJECT, False),
]


@pytest.mark.parametrize(("source", "elements", "action", "expected"), ACTIONS)
def test_actions(source: str, elements: dict, action: str, expected: bool) -> None:
    assert allows(elements, action=action) is expected, source


@pytest.mark.parametrize(("source", "elements", "resource", "expected"), RESOURCES)
def test_resources(source: str, elements: dict, resource: str, expected: bool) -> None:
    action = "iam:GetUser" if ":iam:" in resource else "s3:GetObject"
    assert allows({"Action": "*", **elements}, action=action, on=resource) is expected, source


@pytest.mark.parametrize(
    ("statements", "allowed", "explicit", "named"),
    [
        ([statement("Deny")], False, True, "Statement[0]"),
        ([statement("Allow"), statement("Deny", Sid="Stop")], False, True, "Stop"),
        ([statement("Deny", Sid="Stop"), statement("Allow")], False, True, "Stop"),
        ([statement("Deny", Action="s3:PutObject"), statement("Allow", Sid="Read")], True, False, "Read"),
        ([statement("Allow", Action="s3:PutObject"), statement("Allow")], True, False, "Statement[1]"),
        ([statement("Deny", NotAction="s3:GetObject"), statement("Allow")], True, False, "Statement[1]"),
        ([statement("Deny", NotResource="arn:aws:s3:::studies/*"), statement()], True, False, "Statement[1]"),
        ([statement("Deny", NotResource="arn:aws:s3:::other/*"), statement()], False, True, "Statement[0]"),
        ([statement(Action="s3:PutObject")], False, False, None),
    ],
)
def test_effects(statements: list, allowed: bool, explicit: bool, named: str | None) -> None:
    """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_effect.html."""
    decision = decide(identity=[policy(*statements)])
    assert (decision.allowed, decision.explicit, decision.statement) == (allowed, explicit, named), EFFECT


def test_a_single_statement_needs_no_list() -> None:
    """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html."""
    whole = policy(statement())
    single = type(whole).parse({"Version": "2012-10-17", "Statement": statement()})
    assert decide(identity=[single]).allowed


def test_a_hostile_pattern_takes_no_time() -> None:
    """What stars could cost exponential time with a plain regular expression does not."""
    resource = "arn:aws:s3:::studies/" + "a*" * 60 + "b"
    begun = time.perf_counter()
    assert not allows({"Resource": resource}, on="arn:aws:s3:::studies/" + "a" * 1000)
    assert time.perf_counter() - begun < 1
