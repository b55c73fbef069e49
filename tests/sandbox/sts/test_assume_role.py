"""Who may assume a role."""

import pytest

from tests.support.sts import ACCOUNT, ASSUME, IDENTIFY, TAG, StsLab, allow, deny, refused, trusts

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NOBODY = f"arn:aws:iam::{ACCOUNT}:role/nobody"


def test_a_session_of_a_role_names_the_role_and_the_session(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user, name="Uploads", Path="/uploads/")
    answer = lab.assume(user, role, RoleSessionName="u-1.abc")
    role_id = lab.call("iam", "GetRole", RoleName="Uploads")["Role"]["RoleId"]
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:u-1.abc",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Uploads/u-1.abc",
    }
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_a_session_knows_itself(lab: StsLab) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user))
    assert lab.call("sts", "GetCallerIdentity", lab.caller(answer)) == {
        "UserId": answer["AssumedRoleUser"]["AssumedRoleId"],
        "Account": ACCOUNT,
        "Arn": answer["AssumedRoleUser"]["Arn"],
    }


def test_a_user_knows_itself_whatever_is_denied(lab: StsLab) -> None:
    user = lab.user(deny("*"), name="stranger")
    assert lab.call("sts", "GetCallerIdentity", user)["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/stranger"


def test_root_knows_itself(lab: StsLab) -> None:
    assert lab.call("sts", "GetCallerIdentity") == {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": ROOT}


def test_root_may_not_assume_roles(lab: StsLab) -> None:
    role = lab.role(ROOT)
    with refused("AccessDenied", "Roles may not be assumed by root accounts."):
        lab.assume(lab.root, role)


def test_a_role_that_names_the_user_needs_nothing_of_the_users_own_policies(lab: StsLab) -> None:
    user = lab.user()
    assert lab.assume(user, lab.role(user))


def test_a_role_that_names_the_account_leaves_it_to_the_users_own_policies(lab: StsLab) -> None:
    role = lab.role(ROOT)
    with refused("AccessDenied"):
        lab.assume(lab.user(), role)
    assert lab.assume(lab.user(allow(ASSUME, role)), role)


def test_the_accounts_number_is_the_account(lab: StsLab) -> None:
    role = lab.role([trusts({"AWS": ACCOUNT})])
    assert lab.assume(lab.user(allow(ASSUME, role)), role)
    with refused("AccessDenied"):
        lab.assume(lab.user(), role)


def test_the_users_own_policies_do_not_help_where_the_role_does_not_trust(lab: StsLab) -> None:
    role = lab.role(lab.user())
    with refused("AccessDenied"):
        lab.assume(lab.user(allow("*")), role)


def test_the_users_policies_may_forbid_what_the_role_allows(lab: StsLab) -> None:
    user = lab.user(deny(ASSUME))
    with refused("AccessDenied"):
        lab.assume(user, lab.role(user))


def test_the_trust_policy_may_forbid_what_the_user_may(lab: StsLab) -> None:
    user = lab.user(allow("*"))
    role = lab.role([trusts({"AWS": ROOT}), trusts({"AWS": user.principal_arn}, Effect="Deny")])
    with refused("AccessDenied"):
        lab.assume(user, role)


def test_everybody_may_assume_a_role_that_trusts_everybody(lab: StsLab) -> None:
    assert lab.assume(lab.user(), lab.role([trusts({"AWS": "*"})]))


def test_a_role_that_trusts_a_service_trusts_no_user(lab: StsLab) -> None:
    role = lab.role([trusts({"Service": "access-grants.s3.amazonaws.com"})])
    with refused("AccessDenied"):
        lab.assume(lab.user(allow("*")), role)


def test_a_role_that_does_not_exist_is_refused_in_the_words_of_one_that_does_not_trust(lab: StsLab) -> None:
    user, role = lab.user(allow("*")), lab.role(lab.user())
    words = []
    for arn in (role, NOBODY):
        with refused("AccessDenied") as caught:
            lab.assume(user, arn)
        words.append(caught.value.message.replace(arn, "ROLE"))
        assert caught.value.status == 403
    assert words == [f"User: {user.arn} is not authorized to perform: sts:AssumeRole on resource: ROLE"] * 2


@pytest.mark.parametrize(
    "arn", [f"arn:aws:iam::{ACCOUNT}:role/other/Uploads", "arn:aws:iam::999999999999:role/Uploads"]
)
def test_a_role_is_meant_by_its_whole_arn(lab: StsLab, arn: str) -> None:
    user = lab.user()
    lab.role(user, name="Uploads")
    with refused("AccessDenied"):
        lab.assume(user, arn)


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:user/uploader", "Uploads-is-not-an-arn", f"{NOBODY} x"])
def test_what_is_no_roles_arn_is_invalid(lab: StsLab, arn: str) -> None:
    with refused("ValidationError", "is invalid"):
        lab.assume(lab.user(), arn)


def test_the_external_id_is_asked_for(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role([trusts({"AWS": user.arn}, Condition={"StringEquals": {"sts:ExternalId": "project-7"}})])
    assert lab.assume(user, role, ExternalId="project-7")
    for wrong in ({}, {"ExternalId": "project-8"}):
        with refused("AccessDenied"):
            lab.assume(user, role, **wrong)


def test_the_session_name_can_be_bound_to_the_user(lab: StsLab) -> None:
    role = lab.role([trusts({"AWS": ROOT}, Condition={"StringLike": {"sts:RoleSessionName": "${aws:username}"}})])
    user = lab.user(allow(ASSUME), name="uploader")
    assert lab.assume(user, role, RoleSessionName="uploader")
    with refused("AccessDenied"):
        lab.assume(user, role, RoleSessionName="neighbour")


def test_the_principal_can_be_bound_by_its_arn(lab: StsLab) -> None:
    condition = {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/uploader*"}}
    role = lab.role([trusts({"AWS": "*"}, Condition=condition)])
    assert lab.assume(lab.user(name="uploader-x"), role)
    with refused("AccessDenied"):
        lab.assume(lab.user(name="stranger"), role)


def test_a_role_can_be_bound_by_its_tags(lab: StsLab) -> None:
    mine = lab.role(ROOT, Tags=[{"Key": "team", "Value": "imaging"}])
    theirs = lab.role(ROOT, Tags=[{"Key": "team", "Value": "genomics"}])
    user = lab.user(allow(ASSUME, Condition={"StringEquals": {"iam:ResourceTag/team": "imaging"}}))
    assert lab.assume(user, mine)
    with refused("AccessDenied"):
        lab.assume(user, theirs)


def test_a_source_identity_must_be_allowed_by_the_trust_policy(lab: StsLab) -> None:
    user = lab.user(allow(IDENTIFY))
    role = lab.role([trusts({"AWS": user.arn})])
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        lab.assume(user, role, SourceIdentity="u-1")


def test_only_the_right_source_identity_may_be_set(lab: StsLab) -> None:
    user = lab.user()
    condition = {"StringEquals": {"sts:SourceIdentity": "u-1"}}
    role = lab.role([trusts({"AWS": user.arn}), trusts({"AWS": user.arn}, IDENTIFY, Condition=condition)])
    assert lab.assume(user, role, SourceIdentity="u-1")["SourceIdentity"] == "u-1"
    with refused("AccessDenied", "sts:SetSourceIdentity"):
        lab.assume(user, role, SourceIdentity="u-2")


def test_tags_must_be_allowed_by_the_trust_policy(lab: StsLab) -> None:
    user = lab.user(allow(TAG))
    role = lab.role([trusts({"AWS": user.arn})])
    with refused("AccessDenied", "sts:TagSession"):
        lab.assume(user, role, Tags=[{"Key": "project", "Value": "cpg0012"}])


def test_tags_can_be_bound_by_value_and_by_key(lab: StsLab) -> None:
    user = lab.user()
    condition = {
        "StringEquals": {"aws:RequestTag/project": "cpg0012"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["project"], "sts:TransitiveTagKeys": ["project"]},
    }
    role = lab.role([trusts({"AWS": user.arn}), trusts({"AWS": user.arn}, TAG, Condition=condition)])
    good, other = {"Key": "project", "Value": "cpg0012"}, {"Key": "team", "Value": "x"}
    assert lab.assume(user, role, Tags=[good], TransitiveTagKeys=["project"])
    for tags in ([{**good, "Value": "cpg0013"}], [good, other], [other]):
        with refused("AccessDenied", "sts:TagSession"):
            lab.assume(user, role, Tags=tags)


def test_tags_can_be_asked_to_be_handed_on(lab: StsLab) -> None:
    user = lab.user()
    condition = {"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": "project"}}
    role = lab.role([trusts({"AWS": user.arn}), trusts({"AWS": user.arn}, TAG, Condition=condition)])
    tags = [{"Key": "project", "Value": "cpg0012"}]
    assert lab.assume(user, role, Tags=tags, TransitiveTagKeys=["project"])
    with refused("AccessDenied", "sts:TagSession"):
        lab.assume(user, role, Tags=tags)


def test_a_session_policy_that_does_not_say_so_bars_the_next_role(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user, allow("*"))
    second = lab.role(ROOT)
    narrowed = lab.session(user, first, Policy='{"Version":"2012-10-17","Statement":[]}'.replace("[]", _GET))
    with refused("AccessDenied"):
        lab.assume(narrowed, second)
    assert lab.assume(lab.session(user, first), second)


_GET = '[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]'


def test_a_role_may_be_named_as_the_one_that_assumes(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    assert lab.assume(lab.session(user, first), lab.role(first))


def test_a_session_may_be_named_as_the_one_that_assumes(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user, name="first")
    second = lab.role(f"arn:aws:sts::{ACCOUNT}:assumed-role/first/day")
    assert lab.assume(lab.session(user, first, RoleSessionName="day"), second)
    with refused("AccessDenied"):
        lab.assume(lab.session(user, first, RoleSessionName="night"), second)
