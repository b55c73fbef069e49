"""What a grant gives, what it lacks, and which grant a caller gets.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from grants import policies, scopes
from grants.reach import Reach, Way, who_can_reach
from grants.reach_answers import HeldGrant, place_in
from grants.reach_choice import chosen
from grants.reach_grants import of_grant
from grants.reach_keys import Place
from tests.support.explanations import (
    ASK,
    BUCKET,
    INSTANCE,
    NOW,
    ROLE,
    SERVE,
    UPLOADER,
    account,
    bucket,
    grant,
    managed,
    role,
    trusting,
    user,
)  # fmt: skip
from tests.support.policies import ACCOUNT, statement

READ = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")
WRITE = ("s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", "s3:DeleteObjectVersion")
KEY = scopes.parse(f"s3://{BUCKET}/a/x")


def told(
    *held: HeldGrant, where: Place | None = None, uploader: Mapping[str, Any] | None = None, **more: Any
) -> list[Reach]:
    """Ask who reaches a/x by these grants."""
    answers = who_can_reach(account(uploader or user("uploader", ASK), **more), KEY, held, where or bucket())
    return [answer for answer in answers if answer.way is Way.GRANT]


@pytest.mark.parametrize(("permission", "actions"), [("READ", READ), ("WRITE", WRITE), ("READWRITE", (*READ, *WRITE))])
def test_a_grant_gives_its_permission(permission: str, actions: tuple[str, ...]) -> None:
    [answer] = told(grant(permission=permission, origin="foreign", id="g1"))
    assert answer.actions == actions
    assert (answer.reaches, answer.certain, answer.needs, answer.doubts) == (True, True, (), ())
    assert (answer.principal_arn, answer.grant_id, answer.origin) == (UPLOADER, "g1", "foreign")
    assert answer.because == f"grant g1: {permission} on s3://{BUCKET}/a/*, by the role {ROLE}"
    assert answer.list_prefix == (None if permission == "WRITE" else "a/")


def test_read_and_write_do_not_add_up() -> None:
    held = [grant(permission="READ"), grant(permission="WRITE")]
    assert sorted(answer.actions for answer in told(*held)) == sorted([READ, WRITE])
    assert chosen(held, KEY, "READWRITE") is None


def test_a_grant_on_one_object_allows_no_list() -> None:
    [answer] = told(grant(f"s3://{BUCKET}/a/x"))
    assert answer.actions == READ[:2]


def test_without_the_right_to_ask_a_grant_gives_nothing_and_says_so() -> None:
    [answer] = told(grant(), uploader=user("uploader"))
    assert not answer.reaches
    assert answer.needs == (f"s3:GetDataAccess on {INSTANCE}: no policy of {UPLOADER} allows s3:GetDataAccess there",)
    denied = user("uploader", ASK, statement("Deny", Action="s3:*", Sid="stop"))
    [answer] = told(grant(), uploader=denied)
    assert "statement stop of inline policy own of user uploader denies s3:GetDataAccess" in answer.needs[0]
    office = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    [answer] = told(grant(), uploader=user("uploader", {**ASK, "Condition": office}))
    assert (answer.needs, answer.certain) == ((), False)
    assert "s3:GetDataAccess depends on aws:sourceip" in answer.doubts[0]


def test_a_permissions_boundary_bounds_who_asks() -> None:
    boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{ACCOUNT}:policy/m"}}
    asked = {"uploader": user("uploader", ASK, **boundary)}
    [answer] = told(grant(), managed=[managed("m", statement(Action="s3:GetObject"))], **asked)
    assert "the permissions boundary" in answer.needs[0]
    [answer] = told(grant(), managed=[managed("m", ASK)], **asked)
    assert answer.reaches


def test_the_role_of_the_location_limits_what_a_grant_gives() -> None:
    upload = role("location", SERVE, statement("Deny", Action="s3:Delete*", Resource="*", Sid="keep"))
    [answer] = told(grant(permission="WRITE"), roles=[upload])
    assert answer.actions == WRITE[:2]
    assert answer.notes == (
        "not s3:DeleteObject, s3:DeleteObjectVersion: statement keep of inline policy own of role location denies that",
    )
    [answer] = told(grant(), roles=[role("location")])
    assert not answer.reaches
    assert answer.needs[0].startswith(f"not {', '.join(READ)}: no policy of {ROLE} allows")


@pytest.mark.parametrize(
    ("roles", "needs"),
    [
        ([], "IAM has none"),
        ([role("location", SERVE, trust=trusting({"AWS": ACCOUNT}))], "has to trust access-grants.s3.amazonaws.com"),
        (
            [role("location", SERVE, trust=policies.location_trust(INSTANCE.replace("central", "west")))],
            "has to trust access-grants.s3.amazonaws.com",
        ),
    ],
)
def test_a_role_that_s3_access_grants_cannot_assume_gives_nothing(roles: list[Any], needs: str) -> None:
    [answer] = told(grant(), roles=roles)
    assert not answer.reaches
    assert needs in answer.needs[0]


def test_the_bucket_applies_to_the_session() -> None:
    deny = statement("Deny", Principal="*", Action="s3:GetObject*", Resource=f"arn:aws:s3:::{BUCKET}/*", Sid="no")
    [answer] = told(grant(), where=bucket(deny))
    assert answer.actions == ("s3:ListBucket",)
    assert "statement no of the policy of bucket studies denies that" in answer.notes[0]
    insecure = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert told(grant(), where=bucket(insecure))[0].actions == READ
    far = {**deny, "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}
    certain, perhaps = sorted(told(grant(), where=bucket(far)), key=lambda answer: not answer.certain)
    assert (certain.actions, perhaps.actions) == (("s3:ListBucket",), READ[:2])
    assert "aws:sourceip" in perhaps.doubts[0]


def test_a_role_may_ask_for_sessions_of_the_instance_alone() -> None:
    only = {"StringEquals": {"s3:AccessGrantsInstanceArn": INSTANCE}}
    assert told(grant(), roles=[role("location", {**SERVE, "Condition": only})])[0].actions == READ
    other = {"StringEquals": {"s3:AccessGrantsInstanceArn": "another"}}
    assert not told(grant(), roles=[role("location", {**SERVE, "Condition": other})])[0].reaches


@pytest.mark.parametrize(
    ("cut", "new_sessions_too"),
    [
        (policies.cut_policy([], NOW - timedelta(minutes=1)), False),
        (policies.cut_policy(["AROALOCATION:access-grants-1"], None), False),
        (policies.cut_policy([], NOW + timedelta(minutes=1)), True),
    ],
)
def test_a_cut_is_told_and_stops_new_sessions_only_while_it_means_them(cut: Any, new_sessions_too: bool) -> None:
    inline = [{"PolicyName": "cut", "PolicyDocument": cut}]
    serving = role("location", SERVE)
    [answer] = told(grant(), roles=[{**serving, "RolePolicyList": [*serving["RolePolicyList"], *inline]}])
    assert answer.reaches is not new_sessions_too
    if new_sessions_too:
        assert "statement Statement[0] of inline policy cut of role location denies that" in answer.needs[0]
    else:
        why = "statement Statement[0] of inline policy cut of role location denies that"
        assert answer.notes == (f"sessions handed out before are cut, or some of them: {why}",)
        assert answer.certain


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({"expires_at": NOW - timedelta(hours=1)}, "notes", "past its expiry of 2026-03-01 11:00 UTC but still in AWS"),
        ({"state": "pending_delete"}, "notes", "being taken away"),
        ({"state": "pending_create"}, "doubts", "not confirmed it yet"),
        ({"state": "failed"}, "doubts", "could not be made"),
        ({"drift": "missing"}, "doubts", "did not find it in AWS"),
        ({"drift": "grantee_replaced"}, "notes", "made anew"),
        ({"application_arn": "arn:aws:sso::1:application/x"}, "doubts", "only for callers who come through"),
        ({"is_directory": True, "principal_arn": "9067"}, "doubts", "in a directory"),
        ({"principal_arn": f"arn:aws:iam::{ACCOUNT}:user/gone"}, "needs", "IAM has no"),
    ],
)
def test_what_is_peculiar_about_a_grant_is_told(fields: dict[str, Any], where: str, says: str) -> None:
    [answer] = told(grant(**fields))
    assert says in getattr(answer, where)[0]
    assert answer.certain == (where != "doubts")
    assert answer.reaches == (where != "needs")


def test_without_an_instance_no_grant_gives_anything() -> None:
    [answer] = told(grant(), has_instance=False)
    assert not answer.reaches
    assert answer.needs == ("an S3 Access Grants instance in eu-central-1: there is none",)


def test_the_closest_scope_is_chosen_and_told() -> None:
    wide, near = grant(f"s3://{BUCKET}/*", "READWRITE"), grant(f"s3://{BUCKET}/a/*", "READ")
    assert chosen([wide, near], KEY, "READ") is near
    assert chosen([wide, near], KEY, "WRITE") is wide
    notes = {answer.grant_id: answer.notes for answer in told(wide, near)}
    assert notes[near.id] == ()
    assert notes[wide.id] == (
        (
            f"whoever asks for s3://{BUCKET}/a/x with READ gets the closer grant {near.id} on {near.scope}; "
            f"to use this one, ask for {wide.scope}"
        ),
    )


def test_of_two_grants_on_one_scope_the_exact_permission_is_chosen_then_the_older() -> None:
    def made(permission: str, day: int) -> HeldGrant:
        return grant(
            permission=permission, id=f"{permission} {day}", created_at=datetime(2026, 2, day, tzinfo=NOW.tzinfo)
        )

    old, new, both = made("READ", 1), made("READ", 2), made("READWRITE", 1)
    assert chosen([both, new, old], KEY, "READ") is old
    assert chosen([old, both], KEY, "READWRITE") is both


def test_a_caller_may_ask_for_less_than_the_grant_gives() -> None:
    held = grant(permission="READWRITE")
    [answer] = of_grant(account(user("uploader", ASK)), held, place_in(KEY), requested="READ")
    assert (answer.actions, answer.permission) == (READ, "READ")
