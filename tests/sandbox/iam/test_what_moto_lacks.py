"""What moto 5.2 was seen not to enforce, row by row, done here: names, keys, deletion, lists, identity policies."""

import json

import pytest

from grants.sandbox.authorization import decide
from tests.support.iam import Driver, allow, document

UPLOADER, NEIGHBOUR = "uploader@example.org", "neighbour@example.org"
BUCKET = "arn:aws:s3:::gallery"


def test_auth_on_off_is_always_on(iam: Driver) -> None:
    caller = iam.user(UPLOADER)
    iam.refused("ListUsers", "AccessDenied", by=caller)
    assert not decide(caller, "s3:GetObject", f"{BUCKET}/k", {}).allowed


@pytest.mark.parametrize("route", ["user inline", "user attached", "group inline", "group attached"])
@pytest.mark.parametrize("element", ["Resource", "NotResource"])
def test_identity_policies_not_resource_is_enforced_by_every_route(iam: Driver, route: str, element: str) -> None:
    key = iam.user(UPLOADER).access_key_id
    text = json.dumps(document({"Effect": "Allow", "NotAction": "s3:Delete*", element: f"{BUCKET}/input/*"}))
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=UPLOADER)
    holder = {"UserName": UPLOADER} if route.startswith("user") else {"GroupName": "g"}
    kind = route.partition(" ")[0].title()
    if route.endswith("inline"):
        iam(f"Put{kind}Policy", **holder, PolicyName="p", PolicyDocument=text)
    else:
        arn = iam("CreatePolicy", PolicyName="m", PolicyDocument=text)["Policy"]["Arn"]
        iam(f"Attach{kind}Policy", **holder, PolicyArn=arn)
    caller = iam.caller(key)
    inside = decide(caller, "s3:GetObject", f"{BUCKET}/input/k", {}).allowed
    outside = decide(caller, "s3:GetObject", f"{BUCKET}/other/k", {}).allowed
    assert (inside, outside) == ((True, False) if element == "Resource" else (False, True))
    assert not decide(caller, "s3:DeleteObject", f"{BUCKET}/input/k", {}).allowed
    assert not decide(caller, "s3:DeleteObject", f"{BUCKET}/other/k", {}).allowed


@pytest.mark.parametrize(
    ("operator", "value"), [("StringLike", "input/uploader/*"), ("StringEquals", "input/uploader/")]
)
def test_conditions_in_identity_policies_keep_the_other_users_prefix_shut(
    iam: Driver, operator: str, value: str
) -> None:
    caller = iam.user(UPLOADER, allow("s3:ListBucket", BUCKET, Condition={operator: {"s3:prefix": value}}))
    assert decide(caller, "s3:ListBucket", BUCKET, {"s3:prefix": "input/uploader/"}).allowed
    assert not decide(caller, "s3:ListBucket", BUCKET, {"s3:prefix": "input/neighbour/"}).allowed
    assert not decide(caller, "s3:ListBucket", BUCKET, {}).allowed


def test_inactive_access_key_is_known_as_inactive(iam: Driver) -> None:
    caller = iam.user(UPLOADER, allow("s3:*"))
    iam("UpdateAccessKey", UserName=UPLOADER, AccessKeyId=caller.access_key_id, Status="Inactive")
    key = iam.iam.key(caller.access_key_id)
    assert key is not None
    assert not key.active
    assert iam.seaweed.keys[caller.access_key_id][2] is False


@pytest.mark.parametrize(
    ("pattern", "matched", "unmatched"),
    [
        ("a.b/*", "a.b/k", "axb/k"),
        ("a+b/*", "a+b/k", "aab/k"),
        ("a?b/*", "axb/k", "ab/k"),
        ("a[b]/*", "a[b]/k", "ab/k"),
    ],
)
def test_wildcards_are_iams_and_no_regular_expressions(iam: Driver, pattern: str, matched: str, unmatched: str) -> None:
    caller = iam.user(UPLOADER, allow("s3:GetObject", f"{BUCKET}/{pattern}"))
    assert decide(caller, "s3:GetObject", f"{BUCKET}/{matched}", {}).allowed
    assert not decide(caller, "s3:GetObject", f"{BUCKET}/{unmatched}", {}).allowed


@pytest.mark.parametrize("name", ["has space", "x*y", "ünï", "u" * 65])
def test_iam_names_outside_the_pattern_are_refused(iam: Driver, name: str) -> None:
    iam.refused("CreateUser", "ValidationError", UserName=name)


def test_iam_names_uploader_in_two_cases_do_not_coexist(iam: Driver) -> None:
    iam("CreateUser", UserName="Uploader")
    iam.refused("CreateUser", "EntityAlreadyExists", UserName="uploader")


def test_access_keys_the_third_is_refused_and_use_is_recorded(iam: Driver) -> None:
    caller = iam.user(UPLOADER)
    iam("CreateAccessKey", UserName=UPLOADER)
    iam.refused("CreateAccessKey", "LimitExceeded", UserName=UPLOADER)
    iam.iam.touch_key(caller.access_key_id, "s3", "eu-central-1")
    used = iam("GetAccessKeyLastUsed", AccessKeyId=caller.access_key_id)["AccessKeyLastUsed"]
    assert used["ServiceName"] == "s3"


def test_delete_user_with_keys_or_a_group_is_a_conflict_and_leaves_no_ghost(iam: Driver) -> None:
    caller = iam.user(UPLOADER)
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=UPLOADER)
    iam.refused("DeleteUser", "DeleteConflict", UserName=UPLOADER)
    iam("DeleteAccessKey", UserName=UPLOADER, AccessKeyId=caller.access_key_id)
    iam.refused("DeleteUser", "DeleteConflict", UserName=UPLOADER)
    iam("RemoveUserFromGroup", GroupName="g", UserName=UPLOADER)
    iam("DeleteUser", UserName=UPLOADER)
    assert iam("GetGroup", GroupName="g")["Users"] == []


def test_delete_group_minds_its_members(iam: Driver) -> None:
    iam("CreateUser", UserName=UPLOADER)
    iam("CreateGroup", GroupName="g")
    iam("AddUserToGroup", GroupName="g", UserName=UPLOADER)
    iam.refused("DeleteGroup", "DeleteConflict", GroupName="g")


def test_list_users_heeds_marker_and_max_items(iam: Driver) -> None:
    for name in (NEIGHBOUR, UPLOADER):
        iam("CreateUser", UserName=name)
    first = iam("ListUsers", MaxItems=1)
    assert (len(first["Users"]), first["IsTruncated"]) == (1, True)
    second = iam("ListUsers", MaxItems=1, Marker=first["Marker"])
    assert [user["UserName"] for user in first["Users"] + second["Users"]] == [NEIGHBOUR, UPLOADER]
    assert not second["IsTruncated"]


def test_simulate_principal_policy_answers(iam: Driver) -> None:
    caller = iam.user(UPLOADER, allow("s3:GetObject", f"{BUCKET}/input/*"))
    answer = iam(
        "SimulatePrincipalPolicy",
        PolicySourceArn=caller.arn,
        ActionNames=["s3:GetObject"],
        ResourceArns=[f"{BUCKET}/input/k", f"{BUCKET}/other/k"],
    )
    assert [result["EvalDecision"] for result in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]
