"""Every operation asks whether its caller may, on the resource and with the condition keys AWS names."""

from typing import Any

import pytest

from grants.sandbox.access_grants.service import OPERATIONS
from tests.sandbox.access_grants.test_instances import WITHOUT_INSTANCE
from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, wish
from tests.support.sts import allow

EVERYTHING: dict[str, dict[str, Any]] = {
    **WITHOUT_INSTANCE,
    "CreateAccessGrantsInstance": {},
    "ListAccessGrantsInstances": {},
}


def test_this_is_every_operation() -> None:
    assert EVERYTHING.keys() == OPERATIONS.keys()
    assert len(OPERATIONS) == 24


@pytest.mark.parametrize("operation", sorted(EVERYTHING))
def test_who_may_nothing_is_denied(lab: GrantsLab, operation: str) -> None:
    with refused("AccessDenied", f"not authorized to perform: s3:{operation} on resource: {INSTANCE}"):
        lab.do(operation, lab.user(allow("s3:GetObject")), **EVERYTHING[operation])


def test_the_permission_is_asked_for_the_grant_itself(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    one, two = lab.grant(location, "a/*", reader), lab.grant(location, "b/*", reader)
    curator = lab.user(allow("s3:DeleteAccessGrant", f"{INSTANCE}/grant/{one}"))
    with refused("AccessDenied", two):
        lab.do("DeleteAccessGrant", curator, AccessGrantId=two)
    lab.do("DeleteAccessGrant", curator, AccessGrantId=one)


def test_the_permission_is_asked_for_the_location_itself(lab: GrantsLab) -> None:
    reader = lab.reader()
    one, two = lab.location(f"s3://{BUCKET}/a/"), lab.location(f"s3://{BUCKET}/b/")
    curator = lab.user(allow(["s3:GetAccessGrantsLocation", "s3:CreateAccessGrant"], f"{INSTANCE}/location/{one}"))
    lab.do("GetAccessGrantsLocation", curator, AccessGrantsLocationId=one)
    lab.do("CreateAccessGrant", curator, **wish(one, "*", reader))
    with refused("AccessDenied", two):
        lab.do("GetAccessGrantsLocation", curator, AccessGrantsLocationId=two)
    with refused("AccessDenied", two):
        lab.do("CreateAccessGrant", curator, **wish(two, "*", reader))


def test_a_grants_scope_bounds_who_may_make_and_delete_it(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    scope = {"StringLike": {"s3:AccessGrantScope": f"s3://{BUCKET}/atlas/*"}}
    curator = lab.user(allow(["s3:CreateAccessGrant", "s3:DeleteAccessGrant"], Condition=scope))
    mine = lab.do("CreateAccessGrant", curator, **wish(location, "atlas/a/*", reader))["AccessGrantId"]
    with refused("AccessDenied", "s3:CreateAccessGrant"):
        lab.do("CreateAccessGrant", curator, **wish(location, "other/*", reader))
    other = lab.grant(location, "other/*", reader)
    with refused("AccessDenied", "s3:DeleteAccessGrant"):
        lab.do("DeleteAccessGrant", curator, AccessGrantId=other)
    lab.do("DeleteAccessGrant", curator, AccessGrantId=mine)


def test_the_instance_is_a_condition(lab: GrantsLab) -> None:
    here = lab.user(allow("s3:*", Condition={"StringEquals": {"s3:AccessGrantsInstanceArn": INSTANCE}}))
    lab.do("ListAccessGrants", here)
    there = lab.user(allow("s3:*", Condition={"StringEquals": {"s3:AccessGrantsInstanceArn": f"{INSTANCE}2"}}))
    with refused("AccessDenied"):
        lab.do("ListAccessGrants", there)


def test_tags_of_the_request_are_conditions(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    marked = {
        "StringEquals": {"aws:RequestTag/managed-by": "us"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "managed-by"},
    }
    curator = lab.user(allow("s3:CreateAccessGrant", Condition=marked))
    with refused("AccessDenied"):
        lab.do("CreateAccessGrant", curator, **wish(location, "a/*", reader))
    mark = {"Key": "managed-by", "Value": "us"}
    with refused("AccessDenied"):
        lab.do("CreateAccessGrant", curator, **wish(location, "a/*", reader), Tags=[mark, {"Key": "b", "Value": ""}])
    lab.do("CreateAccessGrant", curator, **wish(location, "a/*", reader), Tags=[mark])


def test_tags_of_the_resource_are_conditions(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    curator = lab.user(allow("s3:DeleteAccessGrant", Condition={"StringEquals": {"aws:ResourceTag/managed-by": "us"}}))
    ours = lab.grant(location, "a/*", reader, Tags=[{"Key": "managed-by", "Value": "us"}])
    theirs = lab.grant(location, "b/*", reader, Tags=[{"Key": "managed-by", "Value": "them"}])
    with refused("AccessDenied"):
        lab.do("DeleteAccessGrant", curator, AccessGrantId=theirs)
    lab.do("DeleteAccessGrant", curator, AccessGrantId=ours)


def test_nobody_learns_which_grants_exist(lab: GrantsLab) -> None:
    with refused("AccessDenied"):
        lab.do("GetAccessGrant", lab.user(), AccessGrantId="none")


def test_a_denial_in_the_resource_policy_counts(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    statement = {"Effect": "Deny", "Principal": {"AWS": reader.arn}, "Action": "s3:GetDataAccess", "Resource": INSTANCE}
    policy = str({"Version": "2012-10-17", "Statement": [statement]}).replace("'", '"')
    lab.do("PutAccessGrantsInstanceResourcePolicy", Policy=policy)
    with refused("AccessDenied", "explicit deny in a resource-based policy"):
        lab.access(reader, f"s3://{BUCKET}/a/*")
