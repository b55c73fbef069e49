"""SimulatePrincipalPolicy and SimulateCustomPolicy."""

import json

from tests.support.iam import ACCOUNT, Driver, allow, document, trusting

UPLOADER = "uploader@example.org"


def decisions(answer: dict[str, object]) -> list[str]:
    results = answer["EvaluationResults"]
    assert isinstance(results, list)
    return [result["EvalDecision"] for result in results]


def test_the_rights_of_groups_and_roles_are_seen(iam: Driver) -> None:
    iam("CreateUser", UserName=UPLOADER)
    iam("CreateGroup", GroupName="g")
    iam("PutGroupPolicy", GroupName="g", PolicyName="p", PolicyDocument=json.dumps(allow("s3:Get*")))
    iam("AddUserToGroup", GroupName="g", UserName=UPLOADER)
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(trusting("*")))
    what = {"ActionNames": ["s3:GetObject", "s3:PutObject"]}
    for source, expected in (
        (f"user/{UPLOADER}", ["allowed", "implicitDeny"]),
        ("group/g", ["allowed", "implicitDeny"]),
        ("role/r", ["implicitDeny", "implicitDeny"]),
    ):
        arn = f"arn:aws:iam::{ACCOUNT}:{source}"
        assert decisions(iam("SimulatePrincipalPolicy", PolicySourceArn=arn, **what)) == expected
    iam.refused("SimulatePrincipalPolicy", "NoSuchEntity", PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/none", **what)


def test_documents_given_are_added_and_a_deny_is_explicit(iam: Driver) -> None:
    caller = iam.user(UPLOADER, allow("s3:*"))
    deny = document({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})
    answer = iam(
        "SimulatePrincipalPolicy",
        PolicySourceArn=caller.arn,
        PolicyInputList=[json.dumps(deny)],
        ActionNames=["s3:GetObject", "s3:PutObject"],
    )
    assert decisions(answer) == ["allowed", "explicitDeny"]


def test_conditions_are_judged_by_the_entries_given(iam: Driver) -> None:
    text = json.dumps(allow("s3:ListBucket", "*", Condition={"StringLike": {"s3:prefix": "input/*"}}))
    for values, expected in ((["input/k"], "allowed"), (["other"], "implicitDeny"), (None, "implicitDeny")):
        entry = {"ContextKeyName": "s3:prefix", "ContextKeyValues": values, "ContextKeyType": "string"}
        answer = iam(
            "SimulateCustomPolicy",
            PolicyInputList=[text],
            ActionNames=["s3:ListBucket"],
            ContextEntries=[entry] if values else [],
        )
        assert decisions(answer) == [expected]


def test_a_document_that_is_wrong_is_malformed(iam: Driver) -> None:
    iam.refused("SimulateCustomPolicy", "MalformedPolicyDocument", PolicyInputList=["{"], ActionNames=["s3:GetObject"])
