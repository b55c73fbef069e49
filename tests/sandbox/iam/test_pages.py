"""Every list is complete, in pages.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html
"""

import json
from typing import Any

import pytest

from tests.support.iam import MODEL, Driver, allow, trusting

NAME = "uploader@example.org"
TRUST = json.dumps(trusting("*"))
POLICY = json.dumps(allow("s3:GetObject"))


def users(iam: Driver) -> dict[str, Any]:
    for number in range(7):
        iam("CreateUser", UserName=f"u{number}")
    return {}


def roles(iam: Driver) -> dict[str, Any]:
    for number in range(7):
        iam("CreateRole", RoleName=f"r{number}", AssumeRolePolicyDocument=TRUST)
    return {}


def groups(iam: Driver) -> dict[str, Any]:
    iam("CreateUser", UserName=NAME)
    for number in range(7):
        iam("CreateGroup", GroupName=f"g{number}")
        iam("AddUserToGroup", GroupName=f"g{number}", UserName=NAME)
    return {}


def groups_for_user(iam: Driver) -> dict[str, Any]:
    groups(iam)
    return {"UserName": NAME}


def members(iam: Driver) -> dict[str, Any]:
    users(iam)
    iam("CreateGroup", GroupName="g")
    for number in range(7):
        iam("AddUserToGroup", GroupName="g", UserName=f"u{number}")
    return {"GroupName": "g"}


def inline(iam: Driver) -> dict[str, Any]:
    iam("CreateUser", UserName=NAME)
    for number in range(7):
        iam("PutUserPolicy", UserName=NAME, PolicyName=f"p{number}", PolicyDocument=POLICY)
    return {"UserName": NAME}


def policies(iam: Driver) -> dict[str, Any]:
    for number in range(7):
        iam("CreatePolicy", PolicyName=f"m{number}", PolicyDocument=POLICY)
    return {"Scope": "Local"}


def attached(iam: Driver) -> dict[str, Any]:
    policies(iam)
    iam("CreateUser", UserName=NAME)
    for number in range(7):
        iam("AttachUserPolicy", UserName=NAME, PolicyArn=f"arn:aws:iam::123456789012:policy/m{number}")
    return {"UserName": NAME}


def tags(iam: Driver) -> dict[str, Any]:
    iam("CreateUser", UserName=NAME, Tags=[{"Key": f"k{number}", "Value": ""} for number in range(7)])
    return {"UserName": NAME}


def entities(iam: Driver) -> dict[str, Any]:
    iam("CreatePolicy", PolicyName="m", PolicyDocument=POLICY)
    arn = "arn:aws:iam::123456789012:policy/m"
    users(iam)
    for number in range(7):
        iam("AttachUserPolicy", UserName=f"u{number}", PolicyArn=arn)
    return {"PolicyArn": arn}


def devices(iam: Driver) -> dict[str, Any]:
    for number in range(7):
        iam("CreateVirtualMFADevice", VirtualMFADeviceName=f"d{number}")
    return {}


LISTS = {
    "ListUsers": ("Users", users),
    "ListRoles": ("Roles", roles),
    "ListGroups": ("Groups", groups),
    "ListGroupsForUser": ("Groups", groups_for_user),
    "GetGroup": ("Users", members),
    "ListUserPolicies": ("PolicyNames", inline),
    "ListPolicies": ("Policies", policies),
    "ListAttachedUserPolicies": ("AttachedPolicies", attached),
    "ListUserTags": ("Tags", tags),
    "ListEntitiesForPolicy": ("PolicyUsers", entities),
    "ListVirtualMFADevices": ("VirtualMFADevices", devices),
}


@pytest.mark.parametrize("operation", LISTS)
def test_pages_together_are_the_list_without_gaps_or_repeats(iam: Driver, operation: str) -> None:
    member, furnish = LISTS[operation]
    parameters = furnish(iam)
    whole = iam(operation, **parameters)
    assert not whole["IsTruncated"]
    assert "Marker" not in whole
    shown, marker, sizes = [], {}, []
    while True:
        page = iam(operation, **parameters, MaxItems=3, **marker)
        shown += page[member]
        sizes.append(len(page[member]))
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert shown == whole[member]
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize("size", [1, 7])
def test_a_page_that_ends_with_the_list_is_the_last(iam: Driver, size: int) -> None:
    users(iam)
    marker: dict[str, str] = {}
    for _ in range(7 // size):
        page = iam("ListUsers", MaxItems=size, **marker)
        marker = {"Marker": page.get("Marker", "")}
    assert not page["IsTruncated"]


def test_what_is_deleted_between_two_pages_hides_nothing(iam: Driver) -> None:
    users(iam)
    first = iam("ListUsers", MaxItems=3)
    iam("DeleteUser", UserName="u0")
    iam("DeleteUser", UserName="u2")
    rest = iam("ListUsers", Marker=first["Marker"])
    assert [user["UserName"] for user in rest["Users"]] == ["u3", "u4", "u5", "u6"]


@pytest.mark.parametrize("size", [0, 1_001, -1])
def test_a_page_has_1_to_1000_items(iam: Driver, size: int) -> None:
    iam.refused("ListUsers", "ValidationError", MaxItems=size)


def test_a_page_has_100_items_unless_said_otherwise(iam: Driver) -> None:
    for number in range(101):
        iam("CreateGroup", GroupName=f"g{number}")
    page = iam("ListGroups")
    assert len(page["Groups"]) == 100
    assert page["IsTruncated"]
    assert not iam("ListGroups", MaxItems=1_000)["IsTruncated"]


@pytest.mark.parametrize("marker", ["%%%", "abc", "ł"])
def test_a_marker_that_was_not_given_out_is_refused(iam: Driver, marker: str) -> None:
    iam.refused("ListUsers", "ValidationError", Marker=marker)


def test_every_list_iam_does_takes_pages_where_aws_does(iam: Driver) -> None:
    """No list of the sandbox forgets its pages: each with MaxItems in the model answers IsTruncated."""
    from grants.sandbox.iam.operations import ALL

    paged = {
        name
        for name in ALL
        if (shape := MODEL.operation_model(name).input_shape) is not None and "MaxItems" in shape.members
    }
    assert set(LISTS) <= paged
    plain = [name for name in paged if not (MODEL.operation_model(name).input_shape.required_members)]
    for name in plain:
        if name != "ListServiceSpecificCredentials":
            assert "IsTruncated" in iam(name, **({"UserName": NAME} if needs_user(iam, name) else {})), name


def needs_user(iam: Driver, operation: str) -> bool:
    members = MODEL.operation_model(operation).input_shape.members
    if "UserName" in members and not iam("ListUsers")["Users"]:
        iam("CreateUser", UserName=NAME)
    return "UserName" in members
