"""Policy documents: well-formed, within their quotas, shown as they were put.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
"""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.iam import Driver, allow, trusting

TRUST = json.dumps(trusting({"Service": "access-grants.s3.amazonaws.com"}))
HOLDERS = {"User": 2_048, "Group": 5_120, "Role": 10_240}


@pytest.fixture(params=HOLDERS)
def kind(request: pytest.FixtureRequest, iam: Driver) -> str:
    name: str = request.param
    more = {"AssumeRolePolicyDocument": TRUST} if name == "Role" else {}
    iam(f"Create{name}", **{f"{name}Name": "one"}, **more)
    return name


def sized(size: int) -> str:
    """Give a policy document of so many characters without white space."""
    bare = json.dumps(allow("s3:GetObject", "arn:aws:s3:::b/"), separators=(",", ":"))
    return bare.replace("/", "/" + "k" * (size - len(bare)))


def put(iam: Driver, kind: str, document: str, name: str = "p", code: str = "") -> str:
    parameters = {f"{kind}Name": "one", "PolicyName": name, "PolicyDocument": document}
    if code:
        return iam.refused(f"Put{kind}Policy", code, **parameters)
    iam(f"Put{kind}Policy", **parameters)
    return ""


def test_a_document_comes_back_as_it_was_put_url_encoded(iam: Driver, kind: str) -> None:
    text = json.dumps(allow("s3:*", "arn:aws:s3:::b/a b+c%20/~é*"), indent=2, ensure_ascii=False)
    put(iam, kind, text)
    shown = iam(f"Get{kind}Policy", **{f"{kind}Name": "one"}, PolicyName="p")
    assert unquote(shown["PolicyDocument"]) == text
    assert not set(shown["PolicyDocument"]) & set(' "{}:/+*')
    assert iam(f"List{kind}Policies", **{f"{kind}Name": "one"})["PolicyNames"] == ["p"]


def test_all_inline_policies_together_stay_within_the_quota_not_counting_white_space(iam: Driver, kind: str) -> None:
    quota = HOLDERS[kind]
    put(iam, kind, json.dumps(json.loads(sized(quota)), indent=4))
    message = put(iam, kind, sized(quota + 1), code="LimitExceeded")
    assert message == f"Maximum policy size of {quota} bytes exceeded for {kind.lower()} one"
    put(iam, kind, sized(quota - 200))
    put(iam, kind, sized(201), "q", "LimitExceeded")
    put(iam, kind, sized(200), "q")


def test_a_policy_put_again_is_replaced(iam: Driver, kind: str) -> None:
    put(iam, kind, json.dumps(allow("s3:GetObject")))
    put(iam, kind, json.dumps(allow("s3:PutObject")))
    shown = iam(f"Get{kind}Policy", **{f"{kind}Name": "one"}, PolicyName="p")
    assert json.loads(unquote(shown["PolicyDocument"])) == allow("s3:PutObject")


def test_a_policy_that_is_not_there_is_no_such_entity(iam: Driver, kind: str) -> None:
    for operation in (f"Get{kind}Policy", f"Delete{kind}Policy"):
        message = iam.refused(operation, "NoSuchEntity", **{f"{kind}Name": "one"}, PolicyName="p")
        assert message == f"The {kind.lower()} policy with name p cannot be found."


BROKEN: dict[str, Any] = {
    "no JSON": "{",
    "a list": "[]",
    "nothing": {"Version": "2012-10-17"},
    "an unknown version": {**allow("s3:*"), "Version": "2013-01-01"},
    "an unknown effect": allow("s3:*") | {"Statement": [{"Effect": "Maybe", "Action": "s3:*", "Resource": "*"}]},
    "no action": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"}]},
    "no resource": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*"}]},
    "an action without a service": allow("GetObject"),
    "a resource that is no ARN": allow("s3:*", "bucket"),
    "a principal": allow("s3:*", Principal="*"),
    "an unknown operator": allow("s3:*", Condition={"StringAlmost": {"aws:username": "x"}}),
    "an unknown element": allow("s3:*", Ressource="*"),
    "both action and not action": allow("s3:*", NotAction="s3:GetObject"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_document_that_is_wrong_is_malformed(iam: Driver, what: str) -> None:
    iam("CreateUser", UserName="one")
    text = BROKEN[what] if isinstance(BROKEN[what], str) else json.dumps(BROKEN[what])
    put(iam, "User", text, code="MalformedPolicyDocument")
    iam.refused("CreatePolicy", "MalformedPolicyDocument", PolicyName="m", PolicyDocument=text)
    assert iam("ListUserPolicies", UserName="one")["PolicyNames"] == []


def test_a_document_has_characters_of_latin_1_only(iam: Driver) -> None:
    iam("CreateUser", UserName="one")
    put(iam, "User", json.dumps(allow("s3:*", "arn:aws:s3:::b/ł"), ensure_ascii=False), code="ValidationError")


def test_a_managed_policy_has_6144_characters_at_most(iam: Driver) -> None:
    iam("CreatePolicy", PolicyName="most", PolicyDocument=json.dumps(json.loads(sized(6_144)), indent=2))
    message = iam.refused("CreatePolicy", "LimitExceeded", PolicyName="more", PolicyDocument=sized(6_145))
    assert message == "Cannot exceed quota for PolicySize: 6144"
    arn = iam("ListPolicies", Scope="Local")["Policies"][0]["Arn"]
    iam.refused("CreatePolicyVersion", "LimitExceeded", PolicyArn=arn, PolicyDocument=sized(6_145))
