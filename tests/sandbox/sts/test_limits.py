"""AWS's limits on what AssumeRole is given."""

import json
import random
import string

import pytest

from tests.support.sts import ACCOUNT, StsLab, allow, may, refused

GET = allow("s3:GetObject", "arn:aws:s3:::gallery/input/uploader/*")


@pytest.mark.parametrize("name", ["bad name", "pat*", "a/b@x.org", "${aws:username}", "ünï", 'a"@x', "a\n"])
@pytest.mark.parametrize("parameter", ["RoleSessionName", "SourceIdentity"])
def test_names_have_a_pattern(lab: StsLab, parameter: str, name: str) -> None:
    with refused("ValidationError", "failed to satisfy constraint: Member must satisfy regular expression pattern"):
        lab.assume(lab.user(), lab.role("*"), **{parameter: name})


@pytest.mark.parametrize(("name", "why"), [("x", "greater than or equal to 2"), ("x" * 65, "less than or equal to 64")])
@pytest.mark.parametrize("parameter", ["RoleSessionName", "SourceIdentity"])
def test_names_have_a_length(lab: StsLab, parameter: str, name: str, why: str) -> None:
    with refused("ValidationError", why):
        lab.assume(lab.user(), lab.role("*"), **{parameter: name})


@pytest.mark.parametrize("name", ["ab", "x" * 64, "uploader@example.org", "u-1.2_3+4=5,6"])
def test_good_names(lab: StsLab, name: str) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user), RoleSessionName=name, SourceIdentity=name)
    assert (answer["SourceIdentity"], answer["AssumedRoleUser"]["Arn"].split("/")[-1]) == (name, name)


@pytest.mark.parametrize("external", ["x", "has space", "x" * 1225])
def test_the_external_id_has_a_pattern_and_a_length(lab: StsLab, external: str) -> None:
    with refused("ValidationError", "externalId"):
        lab.assume(lab.user(), lab.role("*"), ExternalId=external)


def test_everything_wrong_is_named_at_once(lab: StsLab) -> None:
    with refused("ValidationError", "2 validation errors detected: .*roleSessionName.*durationSeconds"):
        lab.assume(lab.user(), lab.role("*"), RoleSessionName="bad name", DurationSeconds=1)


@pytest.mark.parametrize("seconds", [0, 899, 43_201, 99_999])
def test_a_session_lasts_15_minutes_to_12_hours(lab: StsLab, seconds: int) -> None:
    with refused("ValidationError", "durationSeconds"):
        lab.assume(lab.user(), lab.role("*", MaxSessionDuration=43_200), DurationSeconds=seconds)


@pytest.mark.parametrize("seconds", [900, 7200])
def test_a_session_lasts_as_long_as_asked(lab: StsLab, seconds: int) -> None:
    user = lab.user()
    answer = lab.assume(user, lab.role(user, MaxSessionDuration=7200), DurationSeconds=seconds)
    left = (answer["Credentials"]["Expiration"] - lab.world.clock.now()).total_seconds()
    assert seconds - 2 <= left <= seconds
    assert lab.seaweed.assumed[-1]["duration"] == seconds


def test_a_session_lasts_an_hour_by_itself(lab: StsLab) -> None:
    user = lab.user()
    lab.assume(user, lab.role(user, MaxSessionDuration=43_200))
    assert lab.seaweed.assumed[-1]["duration"] == 3600


def test_a_session_lasts_no_longer_than_the_role_allows(lab: StsLab) -> None:
    user = lab.user()
    with refused("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."):
        lab.assume(user, lab.role(user, MaxSessionDuration=7200), DurationSeconds=7201)


def test_the_roles_maximum_is_told_only_to_whom_it_trusts(lab: StsLab) -> None:
    with refused("AccessDenied"):
        lab.assume(lab.user(), lab.role(lab.user()), DurationSeconds=7201)


def test_a_chained_session_lasts_an_hour_at_most(lab: StsLab) -> None:
    user = lab.user()
    first = lab.role(user)
    second = lab.role(first, MaxSessionDuration=43_200)
    session = lab.session(user, first)
    with refused("ValidationError", "exceeds the 1 hour session limit for roles assumed by role chaining"):
        lab.assume(session, second, DurationSeconds=3601)
    assert lab.assume(session, second, DurationSeconds=3600)


@pytest.mark.parametrize(
    "document", ["no json", "{", "[]", '{"Version":"2012-10-17"}', '{"Statement":[{"Effect":"May"}]}']
)
def test_a_session_policy_is_a_policy(lab: StsLab, document: str) -> None:
    user = lab.user()
    with refused("MalformedPolicyDocument"):
        lab.assume(user, lab.role(user), Policy=document)


def test_a_session_policy_names_no_principal(lab: StsLab) -> None:
    user = lab.user()
    with refused("MalformedPolicyDocument"):
        lab.assume(user, lab.role(user), Policy=json.dumps(allow("s3:*", Principal="*")))


def test_a_session_policy_has_2048_characters_at_most(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user)
    text = json.dumps(GET)
    assert lab.assume(user, role, Policy=text + " " * (2048 - len(text)))
    with refused("ValidationError", "less than or equal to 2048"):
        lab.assume(user, role, Policy=text + " " * (2049 - len(text)))


def test_managed_session_policies_count_as_well(lab: StsLab) -> None:
    user = lab.user()
    text = json.dumps(GET)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/reading"
    with refused("ValidationError", "at most 2048 characters"):
        lab.assume(user, lab.role(user), Policy=text + " " * (2048 - len(text)), PolicyArns=[{"arn": arn}])


def test_a_session_policy_is_written_in_latin_letters(lab: StsLab) -> None:
    with refused("ValidationError", "at 'policy'"):
        lab.assume(lab.user(), lab.role("*"), Policy=json.dumps(GET).replace("uploader", "u\u0142"))


def test_at_most_ten_managed_session_policies(lab: StsLab) -> None:
    arns = [{"arn": f"arn:aws:iam::{ACCOUNT}:policy/p{number}"} for number in range(11)]
    with refused("ValidationError", "policyArns"):
        lab.assume(lab.user(), lab.role("*"), PolicyArns=arns)


def test_a_managed_session_policy_must_exist(lab: StsLab) -> None:
    user = lab.user()
    with refused("ValidationError", "policy/missing does not exist"):
        lab.assume(user, lab.role(user), PolicyArns=[{"arn": f"arn:aws:iam::{ACCOUNT}:policy/missing"}])


def test_managed_session_policies_add_up_and_stay_what_they_were(lab: StsLab) -> None:
    user = lab.user()
    managed = lab.call("iam", "CreatePolicy", PolicyName="reading", PolicyDocument=json.dumps(GET))["Policy"]["Arn"]
    put = allow("s3:PutObject", "arn:aws:s3:::gallery/input/uploader/*")
    role = lab.role(user, allow("s3:*"))
    answer = lab.assume(user, role, Policy=json.dumps(put), PolicyArns=[{"arn": managed}])
    lab.call("iam", "DeletePolicy", PolicyArn=managed)
    session = lab.caller(answer)
    key = "arn:aws:s3:::gallery/input/uploader/a"
    assert may(session, "s3:GetObject", key)
    assert may(session, "s3:PutObject", key)
    assert not may(session, "s3:DeleteObject", key)


def test_how_full_the_token_is_grows_with_what_is_packed(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user)
    small = lab.assume(user, role, Policy=json.dumps(GET))["PackedPolicySize"]
    larger = lab.assume(user, role, Policy=json.dumps(GET), Tags=[{"Key": "project", "Value": "cpg0012"}])
    assert 0 < small < larger["PackedPolicySize"] < 100
    assert "PackedPolicySize" not in lab.assume(user, role)


def test_the_same_policy_takes_the_same_room(lab: StsLab) -> None:
    user = lab.user()
    role = lab.role(user)
    sizes = {
        lab.assume(user, role, Policy=json.dumps(GET, indent=indent))["PackedPolicySize"] for indent in (0, 2, None)
    }
    assert len(sizes) == 1


def test_a_policy_that_compresses_badly_is_too_large(lab: StsLab) -> None:
    user = lab.user()
    chance = random.Random(1)
    noise = "".join(chance.choices(string.ascii_letters + string.digits, k=1900))
    with refused("PackedPolicyTooLarge", r"Packed policy consumes \d{3}% of allotted space"):
        lab.assume(user, lab.role(user), Policy=json.dumps(allow("s3:*", f"arn:aws:s3:::{noise}")))


def test_tags_that_compress_badly_are_too_large(lab: StsLab) -> None:
    user = lab.user()
    chance = random.Random(1)
    tags = [{"Key": f"k{number}", "Value": "".join(chance.choices(string.ascii_letters, k=256))} for number in range(8)]
    with refused("PackedPolicyTooLarge", r"Packed size of session tags consumes \d{3}% of allotted space"):
        lab.assume(user, lab.role(user), Tags=tags)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", "x"),
        ("k" * 129, "x"),
        ("aws:x", "x"),
        ("AWS:x", "x"),
        ("a*", "x"),
        ("a", "x" * 257),
        ("a", "x*"),
        ("a", "{"),
    ],
)
def test_tags_have_patterns(lab: StsLab, key: str, value: str) -> None:
    with refused("ValidationError", "tags.member"):
        lab.assume(lab.user(), lab.role("*"), Tags=[{"Key": key, "Value": value}])


def test_tags_may_be_in_any_script_and_empty(lab: StsLab) -> None:
    user = lab.user()
    session = lab.session(
        user, lab.role(user), Tags=[{"Key": "größe", "Value": ""}, {"Key": "k", "Value": "ł 1_.:/=+-@"}]
    )
    assert session.context["aws:PrincipalTag/k"] == "ł 1_.:/=+-@"


def test_tag_keys_are_not_told_apart_by_case(lab: StsLab) -> None:
    with refused("ValidationError", "given twice"):
        lab.assume(lab.user(), lab.role("*"), Tags=[{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}])


def test_at_most_50_tags(lab: StsLab) -> None:
    user = lab.user()
    tags = [{"Key": f"k{number}", "Value": "x"} for number in range(51)]
    with refused("ValidationError", "at 'tags'"):
        lab.assume(user, lab.role(user), Tags=tags)
    assert lab.assume(user, lab.role(user), Tags=tags[1:])


def test_a_transitive_tag_is_one_of_the_tags(lab: StsLab) -> None:
    with refused("ValidationError", "not among the session tags"):
        lab.assume(lab.user(), lab.role("*"), Tags=[{"Key": "a", "Value": "b"}], TransitiveTagKeys=["c"])


@pytest.mark.parametrize(
    "operation", ["GetSessionToken", "GetFederationToken", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"]
)
def test_what_is_left_out_says_so(lab: StsLab, operation: str) -> None:
    with refused("NotImplemented", f"the STS operation {operation}; docs/sandbox.md") as caught:
        lab.call("sts", operation, lab.user())
    assert caught.value.status == 501


@pytest.mark.parametrize("parameter", [{"SerialNumber": "x" * 9}, {"TokenCode": "123456"}, {"ProvidedContexts": []}])
def test_what_assume_role_leaves_out_says_so(lab: StsLab, parameter: dict[str, object]) -> None:
    with refused("NotImplemented", next(iter(parameter))):
        lab.assume(lab.user(), lab.role("*"), **parameter)
