"""Locations: scopes, roles, limits."""

import uuid

import pytest

from grants import policies
from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused
from tests.support.sts import ACCOUNT, allow, trusts

GIVEN = {"Service": "access-grants.s3.amazonaws.com"}


def test_a_location_is_read_as_it_was_made(lab: GrantsLab) -> None:
    role = lab.location_role()
    made = lab.do("CreateAccessGrantsLocation", LocationScope=f"s3://{BUCKET}/a/", IAMRoleArn=role)
    identifier = made["AccessGrantsLocationId"]
    assert str(uuid.UUID(identifier)) == identifier
    assert made["AccessGrantsLocationArn"] == f"{INSTANCE}/location/{identifier}"
    assert made["LocationScope"] == f"s3://{BUCKET}/a/"
    assert lab.do("GetAccessGrantsLocation", AccessGrantsLocationId=identifier) == made
    assert lab.do("ListAccessGrantsLocations") == {"AccessGrantsLocationsList": [made]}


def test_the_default_location_is_called_default(lab: GrantsLab) -> None:
    assert lab.location("s3://") == "default"


@pytest.mark.parametrize("scope", [f"s3://{BUCKET}", f"s3://{BUCKET}/", f"s3://{BUCKET}/p", f"s3://{BUCKET}/p*"])
def test_scopes_that_aws_takes(lab: GrantsLab, scope: str) -> None:
    lab.location(scope)


@pytest.mark.parametrize(
    "scope", [BUCKET, "S3://gallery", "s3://*", "s3://gallery/a*b", "s3://gallery/**", "s3:///a", "s3://Gallery/"]
)
def test_scopes_that_name_nothing(lab: GrantsLab, scope: str) -> None:
    with refused("InvalidAccessGrantsLocation"):
        lab.location(scope)


def test_the_bucket_has_to_exist(lab: GrantsLab) -> None:
    with refused("InvalidAccessGrantsLocation", "elsewhere does not exist"):
        lab.location("s3://elsewhere")


@pytest.mark.parametrize(
    ("first", "second"),
    [("s3://", "s3://"), (f"s3://{BUCKET}", f"s3://{BUCKET}/"), (f"s3://{BUCKET}/p*", f"s3://{BUCKET}/p*")],
)
def test_a_scope_is_registered_once(lab: GrantsLab, first: str, second: str) -> None:
    lab.location(first)
    with refused("AccessGrantsLocationAlreadyExistsError"):
        lab.location(second)


def test_locations_may_lie_in_one_another(lab: GrantsLab) -> None:
    for scope in ("s3://", f"s3://{BUCKET}", f"s3://{BUCKET}/a*", f"s3://{BUCKET}/a"):
        lab.location(scope)


def test_the_role_has_to_exist(lab: GrantsLab) -> None:
    with refused("InvalidIamRole"):
        lab.location(role=f"arn:aws:iam::{ACCOUNT}:role/nobody")


@pytest.mark.parametrize(
    "trust",
    [
        [trusts({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, ["sts:AssumeRole", "sts:SetSourceIdentity"])],
        [trusts(GIVEN, "sts:AssumeRole")],
        [trusts(GIVEN, "sts:SetSourceIdentity")],
        [trusts({"Service": "s3.amazonaws.com"}, ["sts:AssumeRole", "sts:SetSourceIdentity"])],
        policies.location_trust(INSTANCE.replace(ACCOUNT, "210987654321"))["Statement"],
    ],
)
def test_the_role_has_to_trust_access_grants(lab: GrantsLab, trust: object) -> None:
    with refused("InvalidIamRole"):
        lab.location(role=lab.role(trust))


def test_a_trust_without_conditions_will_do(lab: GrantsLab) -> None:
    lab.location(role=lab.role([trusts(GIVEN, ["sts:AssumeRole", "sts:SetSourceIdentity"])]))


@pytest.mark.parametrize("arn", ["role", f"arn:aws:iam::{ACCOUNT}:user/u", "arn:aws:iam::12:role/r", "a" * 2049])
def test_the_role_has_an_arn(lab: GrantsLab, arn: str) -> None:
    with refused("InvalidRequest", "IAMRoleArn"):
        lab.location(role=arn)


def test_the_caller_has_to_be_allowed_to_pass_the_role(lab: GrantsLab) -> None:
    role = lab.location_role()
    create = allow("s3:CreateAccessGrantsLocation", INSTANCE)
    curator = lab.user(create)
    wanted = {"LocationScope": f"s3://{BUCKET}", "IAMRoleArn": role}
    with refused("AccessDenied", "iam:PassRole"):
        lab.do("CreateAccessGrantsLocation", curator, **wanted)
    to_s3 = {"StringEquals": {"iam:PassedToService": "access-grants.s3.amazonaws.com"}}
    passing = lab.user(create, allow("iam:PassRole", role, Condition=to_s3))
    lab.do("CreateAccessGrantsLocation", passing, **wanted)


def test_only_the_role_can_be_changed(lab: GrantsLab) -> None:
    location, other = lab.location(), lab.location_role()
    changed = lab.do("UpdateAccessGrantsLocation", AccessGrantsLocationId=location, IAMRoleArn=other)
    assert changed["IAMRoleArn"] == other
    assert changed["LocationScope"] == f"s3://{BUCKET}"
    reader = lab.reader()
    lab.grant(location, "a/*", reader)
    assert lab.given(reader, f"s3://{BUCKET}/a/*").principal_arn == other
    with refused("InvalidIamRole"):
        lab.do("UpdateAccessGrantsLocation", AccessGrantsLocationId=location, IAMRoleArn=lab.role(lab.root))


@pytest.mark.parametrize("operation", ["Get", "Delete", "Update"])
def test_unknown_ids(lab: GrantsLab, operation: str) -> None:
    more = {"IAMRoleArn": lab.location_role()} if operation == "Update" else {}
    with refused("NoSuchAccessGrantsLocationError"):
        lab.do(f"{operation}AccessGrantsLocation", AccessGrantsLocationId="default", **more)


@pytest.mark.parametrize("identifier", ["with space", "x" * 65, "a/b"])
def test_ids_have_a_pattern(lab: GrantsLab, identifier: str) -> None:
    with refused("InvalidRequest", "AccessGrantsLocationId"):
        lab.do("GetAccessGrantsLocation", AccessGrantsLocationId=identifier)


def test_a_deleted_location_can_be_made_again(lab: GrantsLab) -> None:
    location, role = lab.location(), lab.location_role()
    lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)
    assert lab.location(role=role) != location


def test_a_list_can_be_asked_for_one_scope(lab: GrantsLab) -> None:
    lab.location(f"s3://{BUCKET}/a")
    wanted = lab.location(f"s3://{BUCKET}/a/b")
    found = lab.do("ListAccessGrantsLocations", LocationScope=f"s3://{BUCKET}/a/b")["AccessGrantsLocationsList"]
    assert [location["AccessGrantsLocationId"] for location in found] == [wanted]


def test_a_thousand_locations_are_the_quota(lab: GrantsLab) -> None:
    role = lab.location_role()
    for number in range(1000):
        lab.world.state.run(
            "INSERT INTO access_grants_location (id, scope, covered, role, created) VALUES (?, ?, ?, ?, '2026-01-01')",
            (f"location{number}", f"s3://{BUCKET}/{number}/*", f"s3://{BUCKET}/{number}/*", role),
        )
    with refused("AccessGrantsLocationsQuotaExceededError"):
        lab.location(role=role)
    lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId="location7")
    lab.location(role=role)
