"""GetDataAccess: the documentation's own table, and what a session can do."""

import base64
import random

import pytest

from grants import policies
from tests.support.access_grants import BUCKET, INSTANCE, GrantsLab, refused, wish
from tests.support.sts import ACCOUNT, allow, deny, may, trusts

B = f"s3://{BUCKET}"
GET, PUT, DELETE, LIST = "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"


def key(name: str) -> str:
    return f"arn:aws:s3:::{BUCKET}/{name}"


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
TABLE = [
    (["neighbour/*"], "neighbour/*", {}, "neighbour/*"),
    (["neighbour/*"], "neighbour/", {"Privilege": "Minimal"}, "neighbour/"),
    (["neighbour/*"], "neighbour/images/*", {"Privilege": "Minimal"}, "neighbour/images/*"),
    (["neighbour/*", "neighbour/reports/*"], "neighbour/reports/file.txt", {}, "neighbour/reports/*"),
    (
        ["neighbour/*", "neighbour/reports/*"],
        "neighbour/reports/file.txt",
        {"Privilege": "Minimal", "TargetType": "Object"},
        "neighbour/reports/file.txt",
    ),
]


@pytest.mark.parametrize(("grants", "target", "more", "matched"), TABLE)
def test_the_documentations_table(
    lab: GrantsLab, grants: list[str], target: str, more: dict[str, str], matched: str
) -> None:
    reader, location = lab.reader(), lab.location()
    for sub_prefix in grants:
        lab.grant(location, sub_prefix, reader)
    answer = lab.access(reader, f"{B}/{target}", **more)
    assert answer["MatchedGrantTarget"] == f"{B}/{matched}"
    assert answer["Grantee"] == {"GranteeType": "IAM", "GranteeIdentifier": reader.arn}
    session = lab.caller(answer)
    wide = matched.endswith("*")
    assert may(session, GET, key(matched.removesuffix("*")))
    assert may(session, GET, key(matched.removesuffix("*") + "more")) == wide
    assert not may(session, GET, key("neighbou"))


def test_the_session_is_the_location_roles(lab: GrantsLab) -> None:
    reader, role = lab.reader(), lab.location_role(name="reaching")
    lab.grant(lab.location(role=role), "a/*", reader)
    session = lab.given(reader, f"{B}/a/*")
    assert session.principal_arn == role
    assert session.arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/reaching/access-grants-")
    assert session.context["s3:AccessGrantsInstanceArn"] == INSTANCE


def test_read_lists_its_prefix_alone(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    session, bucket = lab.given(reader, f"{B}/a/*"), f"arn:aws:s3:::{BUCKET}"
    assert may(session, LIST, bucket, **{"s3:prefix": "a/"})
    assert may(session, LIST, bucket, **{"s3:prefix": "a/b"})
    assert not may(session, LIST, bucket, **{"s3:prefix": "a"})
    assert not may(session, LIST, bucket, **{"s3:prefix": "b/"})
    assert not may(session, LIST, bucket)
    assert not may(session, PUT, key("a/x"))
    assert not may(session, DELETE, key("a/x"))


def test_write_writes_and_deletes_but_does_not_read(lab: GrantsLab) -> None:
    writer = lab.reader()
    lab.grant(lab.location(), "a/*", writer, "WRITE")
    session = lab.given(writer, f"{B}/a/*", "WRITE")
    assert may(session, PUT, key("a/x"))
    assert may(session, DELETE, key("a/x"))
    assert not may(session, GET, key("a/x"))
    assert not may(session, LIST, f"arn:aws:s3:::{BUCKET}", **{"s3:prefix": "a/"})
    assert not may(session, PUT, key("b/x"))


def test_a_whole_bucket_is_listed_without_a_prefix(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "*", reader)
    assert may(lab.given(reader, B), LIST, f"arn:aws:s3:::{BUCKET}")


def test_readwrite_covers_both_and_gives_what_was_asked_for(lab: GrantsLab) -> None:
    curator = lab.reader()
    lab.grant(lab.location(), "a/*", curator, "READWRITE")
    assert may(lab.given(curator, f"{B}/a/*", "READ"), GET, key("a/x"))
    assert not may(lab.given(curator, f"{B}/a/*", "READ"), PUT, key("a/x"))
    both = lab.given(curator, f"{B}/a/*", "READWRITE")
    assert may(both, GET, key("a/x"))
    assert may(both, PUT, key("a/x"))


def test_a_read_and_a_write_grant_are_no_readwrite_grant(lab: GrantsLab) -> None:
    curator, location = lab.reader(), lab.location()
    lab.grant(location, "a/*", curator, "READ")
    lab.grant(location, "a/*", curator, "WRITE")
    with refused("AccessDenied", f"You do not have READWRITE permissions to the requested S3 Prefix: {B}/a/\\*"):
        lab.access(curator, f"{B}/a/*", "READWRITE")


@pytest.mark.parametrize("target", ["b/*", "a", "a*", "ab/*", "*", ""])
def test_without_a_grant_for_the_target_access_is_denied(lab: GrantsLab, target: str) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    with refused("AccessDenied", "You do not have READ permissions to the requested S3 Prefix"):
        lab.access(reader, f"{B}/{target}")


def test_a_wider_permission_than_granted_is_denied(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader, "READ")
    with refused("AccessDenied", "You do not have WRITE permissions"):
        lab.access(reader, f"{B}/a/*", "WRITE")


def test_nobody_has_another_ones_grant(lab: GrantsLab) -> None:
    reader, neighbour = lab.reader(), lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    with refused("AccessDenied", "You do not have READ"):
        lab.access(neighbour, f"{B}/a/*")


def test_the_root_has_no_grants(lab: GrantsLab) -> None:
    lab.grant(lab.location(), "a/*", lab.reader())
    with refused("AccessDenied", "You do not have READ"):
        lab.access(lab.root, f"{B}/a/*")


def test_a_grant_to_a_role_is_its_sessions(lab: GrantsLab) -> None:
    uploader = lab.user(allow("sts:AssumeRole"))
    role = lab.role(uploader, allow("s3:GetDataAccess"))
    lab.grant(lab.location(), "a/*", role)
    session = lab.session(uploader, role)
    assert lab.access(session, f"{B}/a/*")["Grantee"]["GranteeIdentifier"] == role


def test_the_caller_needs_permission_to_ask(lab: GrantsLab) -> None:
    silent = lab.user()
    lab.grant(lab.location(), "a/*", silent)
    with refused("AccessDenied", "not authorized to perform: s3:GetDataAccess on resource: " + INSTANCE):
        lab.access(silent, f"{B}/a/*")


def test_what_the_role_may_not_the_session_may_not(lab: GrantsLab) -> None:
    reader = lab.reader()
    role = lab.role(policies.location_trust(INSTANCE)["Statement"], allow("s3:*"), deny(GET, key("a/secret")))
    lab.grant(lab.location(role=role), "a/*", reader)
    session = lab.given(reader, f"{B}/a/*")
    assert may(session, GET, key("a/open"))
    assert not may(session, GET, key("a/secret"))


def test_a_key_with_wildcards_is_a_key(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*b?$c/*", reader)
    session = lab.given(reader, f"{B}/a/*b?$c/*")
    assert may(session, GET, key("a/*b?$c/x"))
    assert not may(session, GET, key("a/xb?$c/x"))
    assert not may(session, GET, key("a/*bx$c/x"))


def test_an_object_grant_gives_one_object_and_no_list(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/x", reader, S3PrefixType="Object")
    session = lab.given(reader, f"{B}/a/x")
    assert may(session, GET, key("a/x"))
    assert not may(session, GET, key("a/xx"))
    assert not may(session, LIST, f"arn:aws:s3:::{BUCKET}", **{"s3:prefix": "a/x"})


def test_an_object_is_closer_than_the_prefix_of_its_name(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    lab.grant(location, "a/x*", reader)
    lab.grant(location, "a/x", reader, S3PrefixType="Object")
    assert lab.access(reader, f"{B}/a/x")["MatchedGrantTarget"] == f"{B}/a/x"


def test_a_prefix_without_slash_covers_longer_names(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "cpg0012*", reader)
    assert lab.access(reader, f"{B}/cpg00123/x")["MatchedGrantTarget"] == f"{B}/cpg0012*"


def test_the_sdk_plugins_targets(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "pre/*", reader)
    for target in (f"{B}/pre/", f"{B}/pre/key"):
        assert lab.access(reader, target, Privilege="Default")["MatchedGrantTarget"] == f"{B}/pre/*"
    with refused("AccessDenied"):
        lab.access(reader, B, Privilege="Default")


@pytest.mark.parametrize("target", ["gallery/a", "https://gallery", "s3:///a"])
def test_a_target_is_an_s3_path(lab: GrantsLab, target: str) -> None:
    with refused("InvalidRequest"):
        lab.access(lab.reader(), target)


def test_an_object_target_does_not_end_in_a_star(lab: GrantsLab) -> None:
    with refused("InvalidRequest", "leave out TargetType"):
        lab.access(lab.reader(), f"{B}/a/*", TargetType="Object", Privilege="Minimal")


@pytest.mark.parametrize("seconds", [899, 43_201])
def test_duration_has_limits(lab: GrantsLab, seconds: int) -> None:
    with refused("InvalidRequest", "DurationSeconds must have at"):
        lab.access(lab.reader(), f"{B}/a/*", DurationSeconds=seconds)


def test_duration_is_an_hour_by_default(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    lasting = lab.access(reader, f"{B}/a/*")["Credentials"]["Expiration"] - lab.world.clock.now()
    assert 3590 < lasting.total_seconds() <= 3600


def test_duration_over_the_roles_maximum_is_an_sts_validation_error(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    with refused("StsValidationError", "MaxSessionDuration"):
        lab.access(reader, f"{B}/a/*", DurationSeconds=3601)


def test_a_longer_duration_needs_a_role_that_allows_it(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(role=lab.location_role(MaxSessionDuration=7200)), "a/*", reader)
    lasting = lab.access(reader, f"{B}/a/*", DurationSeconds=7200)["Credentials"]["Expiration"] - lab.world.clock.now()
    assert lasting.total_seconds() > 7190


def test_a_long_scope_does_not_fit_into_a_session(lab: GrantsLab) -> None:
    reader = lab.reader()
    noise = base64.b64encode(random.Random(1).randbytes(1200), b"--").decode()  # too random to be packed
    lab.grant(lab.location(), f"{noise}/*", reader)
    with refused("StsPackedPolicyTooLargeError", "Packed policy consumes"):
        lab.access(reader, f"{B}/{noise}/*")


def test_a_role_that_trusts_no_more_is_not_assumed(lab: GrantsLab) -> None:
    reader, role = lab.reader(), lab.location_role(name="faithless")
    lab.grant(lab.location(role=role), "a/*", reader)
    statement = trusts({"Service": "access-grants.s3.amazonaws.com"}, "sts:AssumeRole")
    changed = '{"Version": "2012-10-17", "Statement": [' + str(statement).replace("'", '"') + "]}"
    lab.call("iam", "UpdateAssumeRolePolicy", RoleName="faithless", PolicyDocument=changed)
    with refused("StsNotAuthorizedError", "sts:SetSourceIdentity"):
        lab.access(reader, f"{B}/a/*")


def test_a_role_that_is_gone_is_not_assumed(lab: GrantsLab) -> None:
    reader, role = lab.reader(), lab.location_role(name="leaving")
    lab.grant(lab.location(role=role), "a/*", reader)
    lab.call("iam", "DeleteRolePolicy", RoleName="leaving", PolicyName="p0")
    lab.call("iam", "DeleteRole", RoleName="leaving")
    with refused("StsNotAuthorizedError", role):
        lab.access(reader, f"{B}/a/*")


def test_audit_context_is_text(lab: GrantsLab) -> None:
    reader = lab.reader()
    lab.grant(lab.location(), "a/*", reader)
    lab.access(reader, f"{B}/a/*", AuditContext="issuance 7\tä😀")
    for wrong in ("line\nline", "x" * 2049, "\u0007"):
        with refused("InvalidRequest", "AuditContext"):
            lab.access(reader, f"{B}/a/*", AuditContext=wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"Permission": "LIST"}, {"Privilege": "Most"}, {"TargetType": "Prefix"}, {"InstanceScope": "MOST"}],
)
def test_enumerations_are_checked(lab: GrantsLab, wrong: dict[str, str]) -> None:
    with refused("InvalidRequest", "must be one of"):
        lab.do("GetDataAccess", lab.reader(), **{"Target": f"{B}/a/*", "Permission": "READ", **wrong})


def test_sessions_outlive_the_grant(lab: GrantsLab) -> None:
    reader = lab.reader()
    grant = lab.grant(lab.location(), "a/*", reader)
    answer = lab.access(reader, f"{B}/a/*")
    lab.do("DeleteAccessGrant", AccessGrantId=grant)
    with refused("AccessDenied", "You do not have READ"):
        lab.access(reader, f"{B}/a/*")
    assert may(lab.caller(answer), GET, key("a/x"))


def test_a_grant_for_an_application_is_not_for_a_caller_without_one(lab: GrantsLab) -> None:
    reader, location = lab.reader(), lab.location()
    lab.do("AssociateAccessGrantsIdentityCenter", IdentityCenterArn="arn:aws:sso:::instance/ssoins-1234567890abcdef")
    application = f"arn:aws:sso::{ACCOUNT}:application/ssoins-1234567890abcdef/apl-1"
    lab.do("CreateAccessGrant", **wish(location, "a/*", reader), ApplicationArn=application)
    with refused("AccessDenied", "You do not have READ"):
        lab.access(reader, f"{B}/a/*")
