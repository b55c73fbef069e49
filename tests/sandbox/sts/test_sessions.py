"""What a session is, and when it ends."""

import json
import stat
from datetime import UTC, datetime

import pytest

from grants.sandbox.session_views import SessionView
from tests.support.sts import ACCOUNT, StsLab, allow, deny, may, refused, trust

HERE = "arn:aws:s3:::gallery/input/uploader/a"
THERE = "arn:aws:s3:::gallery/input/neighbour/a"
GET = allow("s3:GetObject", "arn:aws:s3:::gallery/input/uploader/*")


def test_a_session_carries_what_conditions_ask_for(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(
        user, name="Uploads", Path="/uploads/", Tags=[{"Key": "team", "Value": "x"}, {"Key": "site", "Value": "y"}]
    )
    answer = lab.assume(user, role, SourceIdentity="u-1", Tags=[{"Key": "Team", "Value": "z"}])
    caller = lab.caller(answer)
    issued = answer["Credentials"]["Expiration"].timestamp() - 3600
    assert dict(caller.context) | {"aws:TokenIssueTime": ""} == {
        "aws:userid": answer["AssumedRoleUser"]["AssumedRoleId"],
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/uploads/Uploads",
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalAccount": ACCOUNT,
        "aws:TokenIssueTime": "",
        "aws:SourceIdentity": "u-1",
        "aws:PrincipalTag/Team": "z",
        "aws:PrincipalTag/site": "y",
    }
    assert caller.context["aws:TokenIssueTime"] == _utc(issued)
    assert (caller.is_session, caller.principal_arn, caller.session_expires) == (
        True,
        role,
        answer["Credentials"]["Expiration"],
    )


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_who_issues_a_session_may_add_condition_keys(lab: StsLab) -> None:
    role = lab.iam.role(lab.role("*"))
    assert role is not None
    arn = f"arn:aws:s3:eu-central-1:{ACCOUNT}:access-grants/default"
    issued = lab.sessions.create(role, session_name="x1", duration=900, context={"s3:AccessGrantsInstanceArn": arn})
    session = lab.sessions.find(issued.access_key_id)
    assert session is not None
    assert lab.sessions.caller(session).context["s3:AccessGrantsInstanceArn"] == arn


def test_a_source_identity_stays_along_a_chain(lab: StsLab) -> None:
    user = lab.user()
    roles = [lab.role(user)]
    for _ in range(2):
        roles.append(lab.role(roles[-1]))
    session = lab.session(user, roles[0], SourceIdentity="u-1")
    for role in roles[1:]:
        answer = lab.assume(session, role)
        assert answer["SourceIdentity"] == "u-1"
        session = lab.caller(answer)
        assert session.context["aws:SourceIdentity"] == "u-1"


def test_a_source_identity_cannot_be_changed_along_a_chain(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    second = lab.role(first)
    session = lab.session(user, first, SourceIdentity="u-1")
    with refused("AccessDenied", "cannot be changed"):
        lab.assume(session, second, SourceIdentity="u-2")
    assert lab.assume(session, second, SourceIdentity="u-1")


def test_an_inherited_source_identity_must_be_allowed_too(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    second = lab.role([{"Effect": "Allow", "Principal": {"AWS": first}, "Action": "sts:AssumeRole"}])
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        lab.assume(lab.session(user, first, SourceIdentity="u-1"), second)
    assert lab.assume(lab.session(user, first), second)


def test_transitive_tags_go_along_a_chain_and_the_others_do_not(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    second = lab.role(first)
    third = lab.role(second)
    tags = [{"Key": "project", "Value": "cpg0012"}, {"Key": "day", "Value": "1"}]
    session = lab.session(user, first, Tags=tags, TransitiveTagKeys=["project"])
    assert session.context["aws:PrincipalTag/day"] == "1"
    for role in (second, third):
        session = lab.session(session, role)
        assert session.context["aws:PrincipalTag/project"] == "cpg0012"
        assert "aws:PrincipalTag/day" not in session.context


def test_a_transitive_tag_cannot_be_given_again(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    tag = {"Key": "project", "Value": "cpg0012"}
    session = lab.session(user, first, Tags=[tag], TransitiveTagKeys=["project"])
    with refused("ValidationError", "transitive"):
        lab.assume(session, lab.role(first), Tags=[{**tag, "Key": "Project"}])


def test_a_session_may_what_role_and_session_policy_both_say(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, allow("s3:*", "arn:aws:s3:::gallery/*"))
    narrowed, whole = lab.session(user, role, Policy=json.dumps(GET)), lab.session(user, role)
    assert may(narrowed, "s3:GetObject", HERE)
    assert not may(narrowed, "s3:GetObject", THERE)
    assert not may(narrowed, "s3:PutObject", HERE)
    assert may(whole, "s3:PutObject", THERE)
    assert not may(whole, "s3:PutObject", "arn:aws:s3:::elsewhere/a")


def test_a_session_policy_adds_nothing(lab: StsLab) -> None:
    user = lab.user()
    session = lab.session(user, lab.role(user, GET), Policy=json.dumps(allow("*")))
    assert may(session, "s3:GetObject", HERE)
    assert not may(session, "s3:GetObject", THERE)


def test_a_session_has_nothing_of_whom_it_was_issued_to(lab: StsLab) -> None:
    user = lab.user(allow("s3:*"))
    assert not may(lab.session(user, lab.role(user)), "s3:GetObject", HERE)


def test_a_change_of_the_roles_policy_is_felt_at_once(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user, GET, name="Uploads"))
    assert may(lab.caller(answer), "s3:GetObject", HERE)
    lab.call("iam", "PutRolePolicy", RoleName="Uploads", PolicyName="stop", PolicyDocument=json.dumps(deny("s3:*")))
    assert not may(lab.caller(answer), "s3:GetObject", HERE)


def test_sessions_older_than_a_moment_can_be_cut_off(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, GET, name="Uploads")
    old = lab.assume(user, role)
    lab.later(seconds=10)
    moment = lab.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    stop = deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": moment}})
    lab.call("iam", "PutRolePolicy", RoleName="Uploads", PolicyName="stop", PolicyDocument=json.dumps(stop))
    lab.later(seconds=1)
    new = lab.assume(user, role)
    assert not may(lab.caller(old), "s3:GetObject", HERE)
    assert may(lab.caller(new), "s3:GetObject", HERE)


def test_one_session_can_be_cut_off_by_its_id(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, GET, name="Uploads")
    one, other = (lab.assume(user, role, RoleSessionName=name) for name in ("one", "other"))
    stop = deny("*", Condition={"StringEquals": {"aws:userid": one["AssumedRoleUser"]["AssumedRoleId"]}})
    lab.call("iam", "PutRolePolicy", RoleName="Uploads", PolicyName="stop", PolicyDocument=json.dumps(stop))
    assert not may(lab.caller(one), "s3:GetObject", HERE)
    assert may(lab.caller(other), "s3:GetObject", HERE)


def test_a_session_ends_to_the_second(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user), DurationSeconds=900)
    lab.later(seconds=890)
    assert lab.caller(answer)
    lab.later(seconds=10)
    with refused("ExpiredToken") as caught:
        lab.caller(answer)
    assert caught.value.status == 403


def test_a_sessions_end_goes_by_the_sandboxs_clock(lab: StsLab) -> None:
    user = lab.user()
    lab.later(days=400)
    answer = lab.assume(user, lab.role(user))
    assert answer["Credentials"]["Expiration"] > lab.world.clock.now()
    assert lab.caller(answer)


def test_a_session_of_a_deleted_role_is_invalid(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, name="Uploads")
    answer = lab.assume(user, role)
    lab.call("iam", "DeleteRole", RoleName="Uploads")
    with refused("InvalidClientTokenId"):
        lab.caller(answer)


def test_a_role_made_anew_under_the_name_does_not_revive_sessions(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user, name="Uploads"))
    lab.call("iam", "DeleteRole", RoleName="Uploads")
    lab.role(user, allow("*"), name="Uploads")
    with refused("InvalidClientTokenId"):
        lab.caller(answer)


def test_a_session_outlives_its_issuers_key(lab: StsLab) -> None:
    user = lab.user(name="uploader")
    answer = lab.assume(user, lab.role(user, GET))
    lab.call("iam", "UpdateAccessKey", UserName="uploader", AccessKeyId=user.access_key_id, Status="Inactive")
    assert may(lab.caller(answer), "s3:GetObject", HERE)


def test_a_session_outlives_a_change_of_trust(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user, GET, name="Uploads"))
    nobody = json.dumps(trust(f"arn:aws:iam::{ACCOUNT}:root"))
    lab.call("iam", "UpdateAssumeRolePolicy", RoleName="Uploads", PolicyDocument=nobody)
    assert may(lab.caller(answer), "s3:GetObject", HERE)


def test_a_session_outlives_a_restart(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, GET)
    answer = lab.assume(user, role, Policy=json.dumps(GET), SourceIdentity="u-1", Tags=[{"Key": "a", "Value": "b"}])
    before = lab.caller(answer)
    lab.close()
    lab.open()
    assert lab.caller(answer) == before


def test_an_ended_session_is_forgotten_after_a_day(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user)
    ended = lab.assume(user, role)["Credentials"]["AccessKeyId"]
    lab.later(hours=24)
    lab.assume(user, role)
    assert lab.sessions.find(ended)
    lab.later(hours=2)
    lab.assume(user, role)
    assert lab.sessions.find(ended) is None


def test_all_sessions_can_be_forgotten(lab: StsLab) -> None:
    user = lab.user()
    key = lab.assume(user, lab.role(user))["Credentials"]["AccessKeyId"]
    lab.sessions.reset()
    assert lab.sessions.find(key) is None


def test_nobody_finds_a_session_that_was_never_issued(lab: StsLab) -> None:
    assert lab.sessions.find("ASIAUNKNOWNUNKNOWN00") is None


def test_secrets_are_in_a_file_of_the_owners_and_in_no_repr(lab: StsLab) -> None:
    user = lab.user()
    role = lab.iam.role(lab.role(user))
    assert role is not None
    issued = lab.sessions.create(role, session_name="x1", duration=900)
    session = lab.sessions.find(issued.access_key_id)
    assert isinstance(session, SessionView)
    shown = repr(issued) + repr(session)
    assert issued.secret_access_key == session.secret_access_key
    assert not any(secret in shown for secret in (issued.secret_access_key, issued.session_token))
    assert stat.S_IMODE(lab.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("seconds", [3601, 99_999])
def test_whoever_issues_a_session_keeps_to_the_roles_maximum(lab: StsLab, seconds: int) -> None:
    role = lab.iam.role(lab.role("*"))
    assert role is not None
    with refused("ValidationError", "MaxSessionDuration"):
        lab.sessions.create(role, session_name="x1", duration=seconds)
