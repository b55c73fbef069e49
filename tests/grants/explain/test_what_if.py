"""What a grant would add, what it meets, and whose session a caller would get."""

from typing import Any

from grants.reach import HeldGrant, WhatIf, what_if
from tests.support.explanations import ASK, BUCKET, SERVE, account, bucket, grant, role, user
from tests.support.policies import ACCOUNT, statement

OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/other"
WIDE, NEAR, OTHER = f"s3://{BUCKET}/*", f"s3://{BUCKET}/a/*", f"s3://{BUCKET}/b/*"
READ = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")
WRITE = ("s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", "s3:DeleteObjectVersion")


def asked(new: HeldGrant, *held: HeldGrant, statements: Any = (ASK,)) -> WhatIf:
    """Ask what a grant would add to those the uploader has."""
    made = account(user("uploader", *statements), roles=[role("location", SERVE), role("other", SERVE)])
    return what_if(made, new, held, bucket())


def test_a_first_grant_adds_all_it_gives() -> None:
    found = asked(grant(NEAR, "READWRITE"))
    assert (found.adds, found.already, found.rules, found.overlaps) == ((*READ, *WRITE), (), (), ())


def test_what_is_reached_already_is_not_added() -> None:
    found = asked(grant(NEAR, "READWRITE", id="new"), grant(WIDE, "READ"))
    assert (found.adds, found.already) == (WRITE, READ)
    direct = statement(Action="s3:GetObject", Resource=f"arn:aws:s3:::{BUCKET}/*")
    assert asked(grant(NEAR), statements=(ASK, direct)).adds == READ[1:]
    # A grant beside it, or within it, gives nothing for any key of it.
    assert asked(grant(NEAR, id="new"), grant(OTHER), grant(f"{NEAR[:-1]}deep/*")).adds == READ


def test_without_the_right_to_ask_it_says_what_is_missing_and_old_grants_count_for_nothing() -> None:
    found = asked(grant(NEAR, id="new"), grant(WIDE), statements=())
    assert (found.adds, found.already) == (READ, ())
    assert "s3:GetDataAccess" in found.needs[0]


def test_a_narrower_read_grant_below_a_wider_one_changes_whose_session_a_caller_gets() -> None:
    found = asked(grant(NEAR, "READ", id="new"), grant(WIDE, "READWRITE", id="wide"))
    assert found.adds == ()
    assert [(one.relation, one.grant_id) for one in found.overlaps] == [("wider", "wide")]
    assert found.rules == (
        (
            f"READ of a key in {NEAR} will give a session for {NEAR} alone; "
            f"by now it gives one for {WIDE} (grant wide, READWRITE)"
        ),
    )
    [rule] = asked(grant(NEAR, "READ", id="new", role_arn=OTHER_ROLE), grant(WIDE, "READWRITE", id="wide")).rules
    assert f"alone, by the role {OTHER_ROLE} instead" in rule


def test_a_wider_grant_leaves_the_narrower_ones_in_their_places() -> None:
    found = asked(grant(WIDE, "READWRITE", id="new"), grant(NEAR, "READ", id="near"), grant(OTHER, "WRITE", id="far"))
    assert [(one.relation, one.grant_id) for one in found.overlaps] == [("narrower", "near"), ("narrower", "far")]
    assert found.rules == (
        f"READ of a key in {NEAR} will still give the session of grant near, which is closer than {WIDE}",
        f"WRITE of a key in {OTHER} will still give the session of grant far, which is closer than {WIDE}",
    )


def test_another_permission_on_the_same_scope_adds_a_session_of_its_own() -> None:
    found = asked(grant(NEAR, "WRITE", id="new"), grant(NEAR, "READ", id="old"))
    assert (found.adds, found.already) == (WRITE, READ)
    assert [one.relation for one in found.overlaps] == ["same"]
    assert found.rules == ("READWRITE of a key in s3://studies/a/* will give no session: READ and WRITE do not add up",)
