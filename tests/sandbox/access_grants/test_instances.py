"""The instance, its Identity Center, its resource policy, and the order of deletion."""

import re
from typing import Any

import pytest

from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, text, wish
from tests.support.sts import ACCOUNT

CENTER = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "210987654321"}, "Action": "s3:GetDataAccess", "Resource": INSTANCE}
    ],
}
WITHOUT_INSTANCE: dict[str, dict[str, Any]] = {
    "GetAccessGrantsInstance": {},
    "DeleteAccessGrantsInstance": {},
    "GetAccessGrantsInstanceForPrefix": {"S3Prefix": f"s3://{BUCKET}/a"},
    "AssociateAccessGrantsIdentityCenter": {"IdentityCenterArn": CENTER},
    "DissociateAccessGrantsIdentityCenter": {},
    "PutAccessGrantsInstanceResourcePolicy": {"Policy": text(POLICY)},
    "GetAccessGrantsInstanceResourcePolicy": {},
    "DeleteAccessGrantsInstanceResourcePolicy": {},
    "CreateAccessGrantsLocation": {"LocationScope": "s3://", "IAMRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"},
    "GetAccessGrantsLocation": {"AccessGrantsLocationId": "x"},
    "UpdateAccessGrantsLocation": {"AccessGrantsLocationId": "x", "IAMRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"},
    "DeleteAccessGrantsLocation": {"AccessGrantsLocationId": "x"},
    "ListAccessGrantsLocations": {},
    "CreateAccessGrant": wish("x", "a/*", f"arn:aws:iam::{ACCOUNT}:user/u"),
    "GetAccessGrant": {"AccessGrantId": "x"},
    "DeleteAccessGrant": {"AccessGrantId": "x"},
    "ListAccessGrants": {},
    "ListCallerAccessGrants": {},
    "GetDataAccess": {"Target": f"s3://{BUCKET}/a", "Permission": "READ"},
    "TagResource": {"ResourceArn": INSTANCE, "Tags": []},
    "UntagResource": {"ResourceArn": INSTANCE, "TagKeys": []},
    "ListTagsForResource": {"ResourceArn": INSTANCE},
}


@pytest.mark.parametrize("operation", sorted(WITHOUT_INSTANCE))
def test_without_an_instance_there_is_nothing(empty: GrantsLab, operation: str) -> None:
    with refused("AccessGrantsInstanceNotExistsError"):
        empty.do(operation, **WITHOUT_INSTANCE[operation])


def test_every_operation_is_there(empty: GrantsLab) -> None:
    assert len(WITHOUT_INSTANCE) == 22
    assert empty.do("ListAccessGrantsInstances") == {"AccessGrantsInstancesList": []}


def test_an_instance_is_called_default(empty: GrantsLab) -> None:
    made = empty.instance()
    assert made["AccessGrantsInstanceId"] == "default"
    assert made["AccessGrantsInstanceArn"] == INSTANCE
    assert empty.do("GetAccessGrantsInstance") == made
    assert empty.do("ListAccessGrantsInstances") == {"AccessGrantsInstancesList": [made]}


def test_there_is_one_instance(lab: GrantsLab) -> None:
    with refused("AccessGrantsInstanceAlreadyExists"):
        lab.instance()


def test_deletion_goes_from_grants_to_locations_to_the_instance(lab: GrantsLab) -> None:
    location = lab.location()
    grant = lab.grant(location, "a/*", lab.reader())
    with refused("AccessGrantsInstanceNotEmptyError", "Please clean up locations before deleting the access grants"):
        lab.do("DeleteAccessGrantsInstance")
    with refused("AccessGrantsLocationNotEmptyError", "Please clean up access grants before deleting access grants"):
        lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)
    lab.do("DeleteAccessGrantsInstance")
    with refused("AccessGrantsInstanceNotExistsError"):
        lab.do("GetAccessGrantsInstance")


def test_an_identity_center_is_kept_and_has_to_go_first(lab: GrantsLab) -> None:
    lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn=CENTER)
    found = lab.do("GetAccessGrantsInstance")
    assert found["IdentityCenterArn"] == found["IdentityCenterInstanceArn"] == CENTER
    assert re.fullmatch(rf"arn:aws:sso::{ACCOUNT}:application/.+", found["IdentityCenterApplicationArn"])
    with refused("AccessGrantsInstanceNotEmptyError", "dissociate"):
        lab.do("DeleteAccessGrantsInstance")
    with refused("InvalidIdentityCenterInstance", "Another"):
        lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn=f"{CENTER}0")
    lab.do("DissociateAccessGrantsIdentityCenter")
    with refused("InvalidIdentityCenterInstance", "No Identity Center"):
        lab.do("DissociateAccessGrantsIdentityCenter")
    lab.do("DeleteAccessGrantsInstance")


def test_an_instance_can_begin_with_an_identity_center(empty: GrantsLab) -> None:
    made = empty.do("CreateAccessGrantsInstance", IdentityCenterArn=CENTER, Tags=[{"Key": "for", "Value": "atlas"}])
    assert made["IdentityCenterInstanceArn"] == CENTER
    assert empty.do("ListTagsForResource", ResourceArn=INSTANCE) == {"Tags": [{"Key": "for", "Value": "atlas"}]}


@pytest.mark.parametrize("arn", ["arn:aws:sso:::application/x", "x", "arn:aws:sso::12:instance/x"])
def test_an_identity_center_has_an_arn(lab: GrantsLab, arn: str) -> None:
    with refused("InvalidRequest", "IdentityCenterArn"):
        lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn=arn)


def test_the_instance_for_a_prefix(lab: GrantsLab) -> None:
    answer = lab.do("GetAccessGrantsInstanceForPrefix", S3Prefix=f"s3://{BUCKET}/some/key")
    assert answer == {"AccessGrantsInstanceArn": INSTANCE, "AccessGrantsInstanceId": "default"}
    with refused("AccessGrantsInstanceNotExistsError"):
        lab.do("GetAccessGrantsInstanceForPrefix", S3Prefix="s3://elsewhere/a")
    with refused("InvalidRequest", "s3://"):
        lab.do("GetAccessGrantsInstanceForPrefix", S3Prefix="gallery/a")


def test_a_resource_policy_is_returned_as_it_was_put(lab: GrantsLab) -> None:
    with refused("AccessGrantsInstanceResourcePolicyNotExists"):
        lab.do("GetAccessGrantsInstanceResourcePolicy")
    put = lab.do("PutAccessGrantsInstanceResourcePolicy", Policy=text(POLICY), Organization="o-1234567890")
    assert lab.do("GetAccessGrantsInstanceResourcePolicy") == put
    assert put["Policy"] == text(POLICY)
    assert put["Organization"] == "o-1234567890"
    lab.do("DeleteAccessGrantsInstanceResourcePolicy")
    lab.do("DeleteAccessGrantsInstanceResourcePolicy")
    with refused("AccessGrantsInstanceResourcePolicyNotExists"):
        lab.do("GetAccessGrantsInstanceResourcePolicy")


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version": "2012-10-17"}', text({**POLICY, "Statement": [{}]})])
def test_a_resource_policy_has_to_be_one(lab: GrantsLab, policy: str) -> None:
    with refused("InvalidResourcePolicy"):
        lab.do("PutAccessGrantsInstanceResourcePolicy", Policy=policy)


def test_a_resource_policy_has_limits(lab: GrantsLab) -> None:
    with refused("InvalidRequest", "350000"):
        lab.do("PutAccessGrantsInstanceResourcePolicy", Policy=" " * 350_001)
    with refused("InvalidRequest", "Organization"):
        lab.do("PutAccessGrantsInstanceResourcePolicy", Policy=text(POLICY), Organization="o-UPPERCASE1")


def test_another_account_is_denied(lab: GrantsLab) -> None:
    with refused("AccessDenied", "210987654321"):
        lab.do("GetAccessGrantsInstance", AccountId="210987654321")


def test_all_of_it_outlives_a_crash(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    lab.grant(location, "a/*", reader)
    lab.grant(location, "b/*", reader)
    first = lab.do("ListAccessGrants", MaxResults=1)
    before = list(lab.pages("ListAccessGrants", "AccessGrantsList"))
    lab.open()
    assert list(lab.pages("ListAccessGrants", "AccessGrantsList")) == before
    rest = lab.do("ListAccessGrants", MaxResults=1, NextToken=first["NextToken"])
    assert rest["AccessGrantsList"] == before[0][1:]


def test_reset_leaves_an_empty_account(lab: GrantsLab) -> None:
    lab.grant(lab.location(), "a/*", lab.reader())
    lab.grants.reset()
    assert lab.do("ListAccessGrantsInstances") == {"AccessGrantsInstancesList": []}
    lab.instance()
    assert lab.do("ListAccessGrants") == {"AccessGrantsList": []}
