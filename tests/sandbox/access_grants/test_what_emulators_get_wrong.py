"""What the one open emulator of S3 Access Grants gets wrong, and what moto lacks, named one by one."""

import uuid

import pytest
from botocore.exceptions import ClientError

from grants import policies
from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, wish
from tests.support.sandbox import Aws, allow
from tests.support.sts import ACCOUNT, may

B = f"s3://{BUCKET}"


def test_not_empty_is_400(lab: GrantsLab) -> None:
    lab.grant(lab.location(), "a/*", lab.reader())
    with refused("AccessGrantsInstanceNotEmptyError") as error:
        lab.do("DeleteAccessGrantsInstance")
    assert error.value.status == 400


def test_error_codes_have_awss_irregular_suffixes(lab: GrantsLab) -> None:
    with refused("NoSuchAccessGrantError"):
        lab.do("GetAccessGrant", AccessGrantId="none")
    with refused("NoSuchAccessGrantsLocationError"):
        lab.do("GetAccessGrantsLocation", AccessGrantsLocationId="none")
    with refused("AccessGrantsInstanceAlreadyExists"):
        lab.instance()


def test_the_whole_default_location_cannot_be_granted(lab: GrantsLab) -> None:
    location = lab.location("s3://")
    for sub_prefix in ("", "*"):
        with refused("InvalidAccessGrant"):
            lab.grant(location, sub_prefix, lab.reader())


def test_a_duplicate_is_refused(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    lab.grant(location, "a/*", reader)
    with refused("AccessGrantAlreadyExists"):
        lab.grant(location, "a/*", reader)


def test_an_unknown_grantee_type_is_refused(lab: GrantsLab) -> None:
    wanted = {**wish(lab.location(), "a/*", ""), "Grantee": {"GranteeType": "USER", "GranteeIdentifier": "x"}}
    with refused("InvalidRequest"):
        lab.do("CreateAccessGrant", **wanted)


def test_privilege_narrows_the_session(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    session = lab.given(reader, f"{B}/a/b/*", Privilege="Minimal")
    assert may(session, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a/b/x")
    assert not may(session, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a/c")


def test_target_type_is_read(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    session = lab.given(reader, f"{B}/a/x", Privilege="Minimal", TargetType="Object")
    assert not may(session, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a/xx")
    with refused("InvalidRequest"):
        lab.access(reader, f"{B}/a/*", Privilege="Minimal", TargetType="Object")


def test_duration_is_bounded_by_aws_and_by_the_role(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    with refused("InvalidRequest"):
        lab.access(reader, f"{B}/a/*", DurationSeconds=99_999)
    with refused("StsValidationError"):
        lab.access(reader, f"{B}/a/*", DurationSeconds=43_200)


def test_nobody_matches_another_ones_grant(lab: GrantsLab) -> None:
    lab.grant(lab.location(), "a/*", lab.reader())
    for caller in (lab.reader(), lab.root):
        with refused("AccessDenied", "You do not have READ"):
            lab.access(caller, f"{B}/a/*")


def test_a_session_is_limited_to_its_scope(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    session = lab.given(reader, f"{B}/a/*")
    assert may(session, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/a/x")
    assert not may(session, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/b/x")
    assert not may(session, "s3:GetObject", "arn:aws:s3:::neighbour/a/x")


def test_lists_have_pages(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    for number in range(3):
        lab.grant(location, f"{number}/*", reader)
    assert [len(page) for page in lab.pages("ListAccessGrants", "AccessGrantsList", MaxResults=2)] == [2, 1]


def test_ids_are_uuids(lab: GrantsLab) -> None:
    location = lab.location()
    for identifier in (location, lab.grant(location, "a/*", lab.reader())):
        assert uuid.UUID(identifier).version == 4


def test_a_tag_needs_a_grant_that_exists(lab: GrantsLab) -> None:
    with refused("NoSuchAccessGrantError"):
        lab.do("TagResource", ResourceArn=f"{INSTANCE}/grant/{uuid.uuid4()}", Tags=[])


def test_through_the_front_all_of_it_works(aws: Aws) -> None:
    """moto answers 404 to every one of these calls."""
    control, account = aws("s3control"), {"AccountId": ACCOUNT}
    ensure_instance(aws)
    bucket, reader = aws.make_bucket(), aws.make_user(allow("s3:GetDataAccess"))
    role = aws.make_role(policies.location_trust(INSTANCE), allow("s3:*"))
    location = control.create_access_grants_location(**account, LocationScope=f"s3://{bucket}", IAMRoleArn=role)
    wanted = wish(location["AccessGrantsLocationId"], "a/*", reader["Arn"], "READWRITE")
    grant = control.create_access_grant(**account, **wanted)
    asking = aws("s3control", reader)
    credentials = asking.get_data_access(**account, Target=f"s3://{bucket}/a/*", Permission="READWRITE")["Credentials"]
    s3 = aws("s3", credentials)
    s3.put_object(Bucket=bucket, Key="a/x", Body=b"cells")
    assert s3.get_object(Bucket=bucket, Key="a/x")["Body"].read() == b"cells"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix="a/")["Contents"]] == ["a/x"]
    for outside in (
        lambda: s3.put_object(Bucket=bucket, Key="b/x", Body=b""),
        lambda: s3.list_objects_v2(Bucket=bucket),
        lambda: aws("s3", reader).get_object(Bucket=bucket, Key="a/x"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            outside()
    control.delete_access_grant(**account, AccessGrantId=grant["AccessGrantId"])
    with pytest.raises(ClientError, match=r"AccessDenied.*You do not have READ permissions"):
        asking.get_data_access(**account, Target=f"s3://{bucket}/a/*", Permission="READ")
    control.delete_access_grants_location(**account, AccessGrantsLocationId=location["AccessGrantsLocationId"])


def ensure_instance(aws: Aws) -> None:
    """Make the instance of the worker's sandbox unless another test has."""
    try:
        aws("s3control").create_access_grants_instance(AccountId=ACCOUNT)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessGrantsInstanceAlreadyExists"  # noqa: PT017
