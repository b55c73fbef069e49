"""How long AWS takes to notice, on the sandbox's clock; without the knobs it notices at once."""

from datetime import timedelta

from grants import policies
from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, text
from tests.support.sts import ACCOUNT

LAG = timedelta(seconds=30)
B = f"s3://{BUCKET}"


def test_a_new_user_is_no_grantee_at_first(lab: GrantsLab) -> None:
    location = lab.location()
    lab.world.knobs.grantee_lag = LAG
    reader = lab.reader()
    with refused("InvalidRequest", "Invalid Grantee in the request"):
        lab.grant(location, "a/*", reader)
    lab.later(seconds=31)
    lab.grant(location, "a/*", reader)


def test_a_new_role_is_invalid_at_first(lab: GrantsLab) -> None:
    lab.world.knobs.role_lag = LAG
    role = lab.location_role()
    with refused("InvalidIamRole"):
        lab.location(role=role)
    lab.later(seconds=31)
    lab.location(role=role)


def test_a_changed_trust_is_invalid_at_first(lab: GrantsLab) -> None:
    role = lab.location_role(name="changing")
    location = lab.location(role=role)
    lab.world.knobs.role_lag = LAG
    lab.later(seconds=31)
    document = text(policies.location_trust(INSTANCE, directory=True))
    lab.call("iam", "UpdateAssumeRolePolicy", RoleName="changing", PolicyDocument=document)
    with refused("InvalidIamRole"):
        lab.do("UpdateAccessGrantsLocation", AccessGrantsLocationId=location, IAMRoleArn=role)
    lab.later(seconds=31)
    lab.do("UpdateAccessGrantsLocation", AccessGrantsLocationId=location, IAMRoleArn=role)


def test_deleted_grants_keep_their_location_for_a_while(lab: GrantsLab) -> None:
    location, reader = lab.location(), lab.reader()
    grant = lab.grant(location, "a/*", reader)
    lab.world.knobs.deletion_lag = LAG
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    with refused("NoSuchAccessGrantError"):
        lab.do("GetAccessGrant", AccessGrantId=grant)
    with refused("AccessDenied"):
        lab.access(reader, f"{B}/a/*")
    with refused("AccessGrantsLocationNotEmptyError"):
        lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)
    lab.later(seconds=31)
    lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)


def test_lists_show_late_what_was_made_and_deleted(lab: GrantsLab) -> None:
    reader = lab.reader()
    location = lab.location()
    lab.world.knobs.list_lag = LAG
    grant = lab.grant(location, "a/*", reader)

    def listed() -> tuple[int, int, int]:
        grants = lab.do("ListAccessGrants")["AccessGrantsList"]
        own = lab.do("ListCallerAccessGrants", reader)["CallerAccessGrantsList"]
        return len(lab.do("ListAccessGrantsLocations")["AccessGrantsLocationsList"]), len(grants), len(own)

    assert listed() == (0, 0, 0)
    assert lab.do("GetAccessGrant", AccessGrantId=grant)["AccessGrantId"] == grant
    lab.access(reader, f"{B}/a/*")
    lab.later(seconds=31)
    assert listed() == (1, 1, 1)
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    lab.do("DeleteAccessGrantsLocation", AccessGrantsLocationId=location)
    assert listed() == (1, 1, 1)
    with refused("NoSuchAccessGrantError"):
        lab.do("GetAccessGrant", AccessGrantId=grant)
    lab.location()
    lab.later(seconds=31)
    assert listed() == (1, 0, 0)


def test_a_clock_that_goes_back_hides_nothing(lab: GrantsLab) -> None:
    lab.later(hours=5)
    location, reader = lab.location(), lab.reader()
    lab.grant(location, "a/*", reader)
    lab.world.clock.move(timedelta(0))
    lab.grant(location, "b/*", reader)
    assert len(lab.do("ListAccessGrants")["AccessGrantsList"]) == 2


def test_dates_of_creation_follow_the_clock(lab: GrantsLab) -> None:
    lab.later(days=365)
    made = lab.granted(lab.location(), "a/*", lab.reader())
    assert abs(made["CreatedAt"] - lab.world.clock.now()) < timedelta(seconds=5)
    assert made["CreatedAt"].utcoffset() == timedelta(0)


def test_a_recreated_user_has_the_grants_of_its_name(lab: GrantsLab) -> None:
    reader = lab.reader(name="returning")
    lab.grant(lab.location(), "a/*", reader)
    lab.call("iam", "DeleteAccessKey", UserName="returning", AccessKeyId=reader.access_key_id)
    lab.call("iam", "DeleteUserPolicy", UserName="returning", PolicyName="p0")
    lab.call("iam", "DeleteUser", UserName="returning")
    again = lab.reader(name="returning")
    assert again.user_id != reader.user_id
    grantee = lab.access(again, f"{B}/a/*")["Grantee"]["GranteeIdentifier"]
    assert grantee == f"arn:aws:iam::{ACCOUNT}:user/returning"
