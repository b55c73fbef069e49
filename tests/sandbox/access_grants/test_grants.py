"""Grants: scopes, grantees, duplicates, limits."""

import uuid

import pytest

from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, wish
from tests.support.sts import ACCOUNT

B = f"s3://{BUCKET}"
CENTER = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
SOMEBODY = "12345678-1234-1234-1234-123456789abc"


def test_a_grant_is_read_as_it_was_made(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    made = lab.granted(location, "a/*", reader, "READWRITE")
    identifier = made["AccessGrantId"]
    assert str(uuid.UUID(identifier)) == identifier
    assert made["AccessGrantArn"] == f"{INSTANCE}/grant/{identifier}"
    assert made["Grantee"] == {"GranteeType": "IAM", "GranteeIdentifier": reader.arn}
    assert made["GrantScope"] == f"{B}/a/*"
    assert made["AccessGrantsLocationConfiguration"] == {"S3SubPrefix": "a/*"}
    assert lab.do("GetAccessGrant", AccessGrantId=identifier) == made
    assert lab.do("ListAccessGrants") == {"AccessGrantsList": [made]}


@pytest.mark.parametrize(
    ("location", "sub_prefix", "scope"),
    [
        (B, "PrefixA/*", f"{B}/PrefixA/*"),
        (f"{B}/", "cpg/*", f"{B}/cpg/*"),
        (f"{B}/", "/cpg/*", f"{B}/cpg/*"),
        (f"{B}/prefixA*", "", f"{B}/prefixA*"),
        (f"{B}/prefixA*", "prefixB*", f"{B}/prefixAprefixB*"),
        (B, "", B),
        ("s3://", f"{BUCKET}/*", f"{B}/*"),
        ("s3://", f"{BUCKET}/a/b*", f"{B}/a/b*"),
    ],
)
def test_a_scope_is_location_and_sub_prefix(lab: GrantsLab, location: str, sub_prefix: str, scope: str) -> None:
    assert lab.granted(lab.location(location), sub_prefix, lab.reader())["GrantScope"] == scope


@pytest.mark.parametrize("sub_prefix", ["", "*", BUCKET, f"{BUCKET}*", f"{BUCKET}/", "/*"])
def test_a_grant_on_the_default_location_has_to_be_narrower(lab: GrantsLab, sub_prefix: str) -> None:
    with refused("InvalidAccessGrant"):
        lab.grant(lab.location("s3://"), sub_prefix, lab.reader())


def test_the_bucket_of_a_grant_has_to_exist(lab: GrantsLab) -> None:
    with refused("InvalidAccessGrant", "elsewhere does not exist"):
        lab.grant(lab.location("s3://"), "elsewhere/*", lab.reader())


def test_a_scope_has_a_longest_length(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    with refused("InvalidAccessGrant", "2000"):
        lab.grant(location, "x" * 1990 + "*", reader)
    with refused("InvalidRequest", "S3SubPrefix must have at most 2000"):
        lab.grant(location, "x" * 2001, reader)


def test_an_object_needs_its_prefix_type(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    with refused("InvalidRequest", "S3PrefixType=Object"):
        lab.grant(location, "a/x", reader)
    assert "S3PrefixType" not in lab.granted(location, "a/x", reader, S3PrefixType="Object")


@pytest.mark.parametrize("sub_prefix", ["a/*", ""])
def test_a_prefix_and_a_bucket_are_no_object(lab: GrantsLab, sub_prefix: str) -> None:
    with refused("InvalidRequest", "leave out S3PrefixType"):
        lab.grant(lab.location(), sub_prefix, lab.reader(), S3PrefixType="Object")


def test_the_empty_configuration_is_answered_as_an_empty_sub_prefix(lab: GrantsLab) -> None:
    made = lab.granted(lab.location(f"{B}/p*"), "", lab.reader())
    assert made["AccessGrantsLocationConfiguration"] == {"S3SubPrefix": ""}


@pytest.mark.parametrize(
    "grantee",
    [
        f"arn:aws:iam::{ACCOUNT}:user/nobody",
        f"arn:aws:iam::{ACCOUNT}:role/nobody",
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
        "somebody",
        "",
    ],
)
def test_an_iam_grantee_has_to_exist(lab: GrantsLab, grantee: str) -> None:
    with refused("InvalidRequest", "Invalid Grantee in the request"):
        lab.grant(lab.location(), "a/*", grantee)


def test_a_directory_grantee_needs_an_identity_center(lab: GrantsLab) -> None:
    location = lab.location()
    wanted = {**wish(location, "a/*", ""), "Grantee": {"GranteeType": "DIRECTORY_USER", "GranteeIdentifier": SOMEBODY}}
    with refused("InvalidIdentityCenterInstance"):
        lab.do("CreateAccessGrant", **wanted)
    lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn=CENTER)
    assert lab.do("CreateAccessGrant", **wanted)["Grantee"]["GranteeType"] == "DIRECTORY_USER"
    wanted["Grantee"] = {"GranteeType": "DIRECTORY_GROUP", "GranteeIdentifier": "the curators"}
    with refused("InvalidRequest", "Invalid Grantee"):
        lab.do("CreateAccessGrant", **wanted)


def test_a_grantee_type_is_one_of_three(lab: GrantsLab) -> None:
    wanted = {**wish(lab.location(), "a/*", ""), "Grantee": {"GranteeType": "ROBOT", "GranteeIdentifier": SOMEBODY}}
    with refused("InvalidRequest", "GranteeType must be one of"):
        lab.do("CreateAccessGrant", **wanted)


@pytest.mark.parametrize("wrong", [{"Permission": "ADMIN"}, {"S3PrefixType": "Prefix"}, {"ApplicationArn": "x" * 12}])
def test_enumerations_and_patterns_are_checked(lab: GrantsLab, wrong: dict[str, str]) -> None:
    with refused("InvalidRequest", next(iter(wrong))):
        lab.do("CreateAccessGrant", **{**wish(lab.location(), "a/*", lab.reader()), **wrong})


def test_the_same_grant_is_made_once(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    grant = lab.grant(location, "a/*", reader)
    with refused("AccessGrantAlreadyExists"):
        lab.grant(location, "a/*", reader)
    lab.grant(location, "a/*", reader, "WRITE")
    lab.grant(location, "a/*", lab.reader())
    lab.grant(location, "a/b/*", reader)
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    assert lab.grant(location, "a/*", reader) != grant


def test_unknown_ids(lab: GrantsLab) -> None:
    with refused("NoSuchAccessGrantsLocationError"):
        lab.grant("default", "a/*", lab.reader())
    for operation in ("GetAccessGrant", "DeleteAccessGrant"):
        with refused("NoSuchAccessGrantError"):
            lab.do(operation, AccessGrantId=str(uuid.uuid4()))


@pytest.mark.slow
def test_a_hundred_thousand_grants_are_the_quota(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    grant = lab.grant(location, "first/*", reader)
    with lab.world.state.transaction():
        lab.world.state.many(
            "INSERT INTO access_grant (id, location, sub_prefix, scope, covered, grantee_type, grantee, permission, "
            "application, created) VALUES (?, ?, ?, ?, ?, 'IAM', ?, 'READ', '', '2026-01-01')",
            ((f"g{n}", location, f"{n}/*", f"{B}/{n}/*", f"{B}/{n}/*", reader.arn) for n in range(99_999)),
        )
    with refused("AccessGrantsQuotaExceededError"):
        lab.grant(location, "last/*", reader)
    with refused("AccessGrantsQuotaExceededError"):
        lab.grants.seed_grants([wish(location, "last/*", reader)])
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    lab.grant(location, "last/*", reader)


def test_seeding_checks_as_creating_does(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    good = [wish(location, f"{number}/*", reader) for number in range(50)]
    for wrong, code in [
        (wish(location, "a/*", f"arn:aws:iam::{ACCOUNT}:user/nobody"), "InvalidRequest"),
        (wish("nowhere", "a/*", reader), "NoSuchAccessGrantsLocationError"),
        (wish(location, "a/*", reader, "ADMIN"), "InvalidRequest"),
        (wish(location, "3/*", reader), "AccessGrantAlreadyExists"),
    ]:
        with refused(code):
            lab.grants.seed_grants([*good, wrong])
        assert lab.do("ListAccessGrants")["AccessGrantsList"] == []
    assert lab.grants.seed_grants(good) == 50
    assert lab.access(reader, f"{B}/49/x")["MatchedGrantTarget"] == f"{B}/49/*"
