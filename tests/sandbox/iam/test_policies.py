"""Managed policies: versions, attachments, AWS's own."""

import json
from urllib.parse import unquote

import pytest

from grants.sandbox.authorization import decide
from tests.support.iam import Driver, allow, trusting

NAME = "uploader@example.org"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def create(iam: Driver, name: str = "m", action: str = "s3:GetObject", **more: str) -> str:
    made = iam("CreatePolicy", PolicyName=name, PolicyDocument=json.dumps(allow(action)), **more)
    return str(made["Policy"]["Arn"])


def version(iam: Driver, arn: str, action: str, *, default: bool = False) -> str:
    text = json.dumps(allow(action))
    made = iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=text, SetAsDefault=default)
    return str(made["PolicyVersion"]["VersionId"])


def may(iam: Driver, key: str, action: str) -> bool:
    return decide(iam.caller(key), action, "arn:aws:s3:::b/k", {}).allowed


def test_a_policy_is_shown_with_what_it_was_made_with(iam: Driver) -> None:
    arn = create(iam, Path="/cellenium/", Description="for uploaders")
    shown = iam("GetPolicy", PolicyArn=arn)["Policy"]
    assert shown["Description"] == "for uploaders"
    assert shown["PolicyId"].startswith("ANPA")
    assert (shown["DefaultVersionId"], shown["AttachmentCount"], shown["IsAttachable"]) == ("v1", 0, True)
    assert "Description" not in iam("ListPolicies", Scope="Local")["Policies"][0]


def test_the_default_version_is_what_counts(iam: Driver) -> None:
    arn, key = create(iam), iam.user(NAME).access_key_id
    iam("AttachUserPolicy", UserName=NAME, PolicyArn=arn)
    assert may(iam, key, "s3:GetObject")
    assert version(iam, arn, "s3:PutObject") == "v2"
    assert not may(iam, key, "s3:PutObject")
    iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    iam("SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v2")
    assert may(iam, key, "s3:PutObject")
    assert not may(iam, key, "s3:GetObject")
    assert iam.seaweed.users[NAME] == [allow("s3:PutObject")]
    assert iam.iam.managed_policy(arn) == allow("s3:PutObject")
    assert version(iam, arn, "s3:DeleteObject", default=True) == "v3"
    assert may(iam, key, "s3:DeleteObject")
    shown = {one["VersionId"]: one["IsDefaultVersion"] for one in iam("ListPolicyVersions", PolicyArn=arn)["Versions"]}
    assert shown == {"v1": False, "v2": False, "v3": True}


def test_there_are_five_versions_at_most_and_numbers_are_not_used_twice(iam: Driver) -> None:
    arn = create(iam)
    for _ in range(4):
        version(iam, arn, "s3:PutObject")
    text = json.dumps(allow("s3:PutObject"))
    message = iam.refused("CreatePolicyVersion", "LimitExceeded", PolicyArn=arn, PolicyDocument=text)
    assert message.startswith("A managed policy can have up to 5 versions.")
    iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v5")
    assert version(iam, arn, "s3:PutObject") == "v6"


def test_the_default_version_cannot_be_deleted(iam: Driver) -> None:
    arn = create(iam)
    message = iam.refused("DeletePolicyVersion", "DeleteConflict", PolicyArn=arn, VersionId="v1")
    assert message == "Cannot delete the default version of a policy."
    iam.refused("DeletePolicyVersion", "NoSuchEntity", PolicyArn=arn, VersionId="v9")
    iam.refused("GetPolicyVersion", "ValidationError", PolicyArn=arn, VersionId="nine")


def test_a_policy_that_is_attached_or_has_versions_cannot_be_deleted(iam: Driver) -> None:
    arn = create(iam)
    iam("CreateUser", UserName=NAME)
    iam("AttachUserPolicy", UserName=NAME, PolicyArn=arn)
    assert "attached to entities" in iam.refused("DeletePolicy", "DeleteConflict", PolicyArn=arn)
    iam("DetachUserPolicy", UserName=NAME, PolicyArn=arn)
    version(iam, arn, "s3:PutObject")
    assert "more than one version" in iam.refused("DeletePolicy", "DeleteConflict", PolicyArn=arn)
    iam("DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
    iam("DeletePolicy", PolicyArn=arn)
    iam.refused("GetPolicy", "NoSuchEntity", PolicyArn=arn)
    assert iam.iam.managed_policy(arn) is None


@pytest.mark.parametrize("kind", ["User", "Group", "Role"])
def test_ten_policies_can_be_attached_and_attaching_twice_counts_once(iam: Driver, kind: str) -> None:
    more = {"AssumeRolePolicyDocument": json.dumps(trusting("*"))} if kind == "Role" else {}
    iam(f"Create{kind}", **{f"{kind}Name": "one"}, **more)
    arns = [create(iam, f"m{number}") for number in range(11)]
    for arn in [*arns[:10], arns[0]]:
        iam(f"Attach{kind}Policy", **{f"{kind}Name": "one"}, PolicyArn=arn)
    message = iam.refused(f"Attach{kind}Policy", "LimitExceeded", **{f"{kind}Name": "one"}, PolicyArn=arns[10])
    assert message == f"Cannot exceed quota for PoliciesPer{kind}: 10"
    assert iam("GetPolicy", PolicyArn=arns[0])["Policy"]["AttachmentCount"] == 1
    iam(f"Detach{kind}Policy", **{f"{kind}Name": "one"}, PolicyArn=arns[0])
    iam(f"Attach{kind}Policy", **{f"{kind}Name": "one"}, PolicyArn=arns[10])
    listed = iam(f"ListAttached{kind}Policies", **{f"{kind}Name": "one"})["AttachedPolicies"]
    assert {policy["PolicyArn"] for policy in listed} == set(arns[1:])
    iam.refused(f"Detach{kind}Policy", "NoSuchEntity", **{f"{kind}Name": "one"}, PolicyArn=arns[0])


def test_an_unknown_policy_cannot_be_attached(iam: Driver) -> None:
    iam("CreateUser", UserName=NAME)
    for arn in ("arn:aws:iam::123456789012:policy/none", "arn:aws:iam::aws:policy/NoSuchPolicyOfAws"):
        message = iam.refused("AttachUserPolicy", "NoSuchEntity", UserName=NAME, PolicyArn=arn)
        assert message == f"Policy {arn} does not exist or is not attachable."


def test_awss_own_policies_can_be_read_and_attached_but_not_changed(iam: Driver) -> None:
    key = iam.user(NAME).access_key_id
    iam("AttachUserPolicy", UserName=NAME, PolicyArn=READ_ONLY)
    assert may(iam, key, "s3:GetObject")
    assert not may(iam, key, "s3:PutObject")
    text = unquote(iam("GetPolicyVersion", PolicyArn=READ_ONLY, VersionId="v3")["PolicyVersion"]["Document"])
    assert "s3:Get*" in json.dumps(json.loads(text))
    iam.refused("DeletePolicy", "InvalidInput", PolicyArn=READ_ONLY)
    iam.open()
    assert may(iam, key, "s3:GetObject")
    assert iam("GetPolicy", PolicyArn=READ_ONLY)["Policy"]["AttachmentCount"] == 1
    iam("DetachUserPolicy", UserName=NAME, PolicyArn=READ_ONLY)
    assert iam("GetPolicy", PolicyArn=READ_ONLY)["Policy"]["AttachmentCount"] == 0


def test_lists_tell_whose_policy_it_is_and_whether_it_is_attached(iam: Driver) -> None:
    arn = create(iam)
    assert [policy["Arn"] for policy in iam("ListPolicies", Scope="Local")["Policies"]] == [arn]
    assert iam("ListPolicies", Scope="Local", OnlyAttached=True)["Policies"] == []
    first = iam("ListPolicies", Scope="AWS", MaxItems=1)
    assert first["IsTruncated"]
    assert first["Policies"][0]["Arn"].startswith("arn:aws:iam::aws:policy/")
    iam.refused("ListPolicies", "ValidationError", Scope="Mine")


def test_a_policy_tells_to_whom_it_is_attached(iam: Driver) -> None:
    arn = create(iam)
    iam("CreateUser", UserName=NAME, Path="/people/")
    iam("CreateGroup", GroupName="g")
    iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(trusting("*")))
    for kind, name in (("User", NAME), ("Group", "g"), ("Role", "r")):
        iam(f"Attach{kind}Policy", **{f"{kind}Name": name}, PolicyArn=arn)
    shown = iam("ListEntitiesForPolicy", PolicyArn=arn)
    assert [user["UserName"] for user in shown["PolicyUsers"]] == [NAME]
    assert [group["GroupName"] for group in shown["PolicyGroups"]] == ["g"]
    assert [role["RoleName"] for role in shown["PolicyRoles"]] == ["r"]
    only = iam("ListEntitiesForPolicy", PolicyArn=arn, EntityFilter="Role")
    assert (only["PolicyUsers"], len(only["PolicyRoles"])) == ([], 1)
    assert iam("ListEntitiesForPolicy", PolicyArn=arn, PathPrefix="/people/")["PolicyRoles"] == []
