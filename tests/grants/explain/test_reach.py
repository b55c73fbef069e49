"""Ways that are no grants: policies of identities and of the bucket, roles, the root, and whom IAM does not hold."""

from typing import Any

import pytest

from grants import scopes
from grants.reach import Reach, Way, reach_of, who_can_reach
from tests.support.explanations import (
    ASK,
    BUCKET,
    SERVE,
    UPLOADER,
    account,
    bucket,
    grant,
    role,
    trusting,
    user,
)  # fmt: skip
from tests.support.policies import ACCOUNT, statement

KEY = scopes.parse(f"s3://{BUCKET}/a/b/x")
HERE, KEYS = f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
READ_KEYS = statement(Action="s3:GetObject", Resource=KEYS, Sid="reading")


def told(*users: Any, where: Any = None, target: scopes.Scope = KEY, **more: Any) -> list[Reach]:
    """Ask who reaches the key, the root left out."""
    return [
        one
        for one in who_can_reach(account(*users, **more), target, [], where or bucket())
        if one.principal_arn != ROOT
    ]


def test_a_policy_of_a_user_is_named_with_its_statement() -> None:
    [answer] = told(user("uploader", READ_KEYS), user("neighbour"))
    assert answer == Reach(
        principal_arn=UPLOADER,
        way=Way.IDENTITY,
        scope=str(KEY),
        actions=("s3:GetObject",),
        because="statement reading of inline policy own of user uploader",
    )


def test_a_bucket_is_a_way_of_its_own() -> None:
    allow = {**READ_KEYS, "Principal": {"AWS": UPLOADER}}
    [answer] = told(user("uploader"), where=bucket(allow))
    assert (answer.way, answer.because) == (Way.BUCKET, "statement reading of the policy of bucket studies")
    # The account named there leaves it to the user's own policies.
    assert told(user("uploader"), where=bucket({**READ_KEYS, "Principal": {"AWS": ROOT}})) == []


def test_what_is_allowed_for_several_reasons_is_told_reason_by_reason() -> None:
    office = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    write = statement(Action="s3:PutObject", Resource=KEYS, Condition=office, Sid="writing")
    certain, perhaps = sorted(told(user("uploader", READ_KEYS, write)), key=lambda one: not one.certain)
    assert (certain.actions, perhaps.actions) == (("s3:GetObject",), ("s3:PutObject",))
    assert perhaps.because == "statement writing of inline policy own of user uploader"
    otherwise = f"otherwise no policy of {UPLOADER} allows that there"
    assert perhaps.doubts == (f"depends on aws:sourceip of the request ({perhaps.because}; {otherwise})",)


@pytest.mark.parametrize(
    ("condition", "prefix"),
    [
        ({"StringLike": {"s3:prefix": ["a/*", "c/*"]}}, "a/"),
        ({"StringLike": {"s3:prefix": "a/b/*"}}, "a/b/"),
        ({"StringEquals": {"s3:prefix": ["a/b", ""]}}, ""),
        ({"StringLike": {"s3:prefix": "?/b*"}}, "a/b"),
        ({"StringLike": {"s3:prefix": "*x"}}, "a/b/x"),
        ({"StringNotLike": {"s3:prefix": "a*"}}, None),
        ({"StringNotEquals": {"s3:prefix": ["", "a/", "a/b/", "a/b/x"]}, "Null": {"s3:prefix": "false"}}, "a"),
        ({"Null": {"s3:prefix": "false"}, "StringNotEquals": {"s3:prefix": ""}}, "a"),
        ({}, None),
    ],
)
def test_the_widest_list_that_shows_the_key_is_told(condition: Any, prefix: str | None) -> None:
    [answer] = told(user("uploader", statement(Action="s3:ListBucket", Resource=HERE, Condition=condition)))
    assert (answer.actions, answer.list_prefix) == (("s3:ListBucket",), prefix)


def test_a_list_of_other_prefixes_shows_nothing_of_the_key() -> None:
    other = {"StringLike": {"s3:prefix": ["c/*", "a/c*", "b?"]}}
    assert told(user("uploader", statement(Action="s3:ListBucket", Resource=HERE, Condition=other))) == []


def test_a_deny_leaves_nothing() -> None:
    deny = statement("Deny", Action="s3:*", Resource=KEYS, Principal="*")
    assert told(user("uploader", READ_KEYS), where=bucket(deny)) == []


def test_the_root_is_told_of_once_and_a_bucket_may_deny_it() -> None:
    def root(where: Any) -> list[Reach]:
        return [one for one in who_can_reach(account(), KEY, [], where) if one.principal_arn == ROOT]

    [answer] = root(bucket({**READ_KEYS, "Principal": {"AWS": ROOT}}))
    assert len(answer.actions) == 7
    [answer] = root(bucket(statement("Deny", Action="s3:Put*", Resource=KEYS, Principal={"AWS": ROOT})))
    assert "s3:PutObject" not in answer.actions
    assert root(bucket(statement("Deny", Action="s3:*", Resource=[KEYS, HERE], Principal="*"))) == []


def test_who_may_become_a_role_reaches_what_it_reaches() -> None:
    reader = role("reader", READ_KEYS, trust=trusting({"AWS": UPLOADER}))
    of_role, of_user = told(user("uploader"), roles=[reader])
    assert (of_role.principal_arn, of_role.way) == (READER, Way.IDENTITY)
    assert (of_user.principal_arn, of_user.way, of_user.via) == (UPLOADER, Way.ROLE, (READER,))
    assert of_user.actions == ("s3:GetObject",)
    assert of_user.because.startswith(f"may assume {READER} by ")
    assert of_user.because.endswith("there: statement reading of inline policy own of role reader")


def test_a_role_nobody_may_become_reaches_nothing() -> None:
    assert told(user("uploader"), roles=[role("location", SERVE)]) == []


def test_a_grant_to_a_role_reaches_whoever_may_become_it() -> None:
    roles = [role("location", SERVE), role("reader", ASK, trust=trusting({"AWS": UPLOADER}))]
    answers = who_can_reach(account(user("uploader"), roles=roles), KEY, [grant(principal_arn=READER)], bucket())
    ways = {(one.principal_arn, one.way): one for one in answers if one.grant_id}
    assert set(ways) == {(READER, Way.GRANT), (UPLOADER, Way.ROLE)}
    assert all(one.reaches for one in ways.values())
    # Somebody who assumes it chooses the name of the session, on which a policy may depend.
    named = statement("Deny", Action="*", Resource="*", Condition={"StringLike": {"aws:userid": "*:morning"}})
    roles[1] = role("reader", ASK, named, trust=trusting({"AWS": UPLOADER}))
    answers = who_can_reach(account(user("uploader"), roles=roles), KEY, [grant(principal_arn=READER)], bucket())
    assert all("aws:userid" in one.doubts[0] for one in answers if one.grant_id)


@pytest.mark.parametrize(
    ("principal", "name", "says"),
    [
        ("*", "*", "public access may be blocked"),
        ({"AWS": "210987654321"}, "210987654321", "policies of that account"),
        ({"AWS": "arn:aws:iam::210987654321:user/stranger"}, "arn:aws:iam::210987654321:user/stranger", "that account"),
        ({"Service": "logging.s3.amazonaws.com"}, "logging.s3.amazonaws.com", "up to whoever configures it"),
        ({"CanonicalUser": "79a59d"}, "79a59d", "CanonicalUser principals are not judged"),
    ],
)
def test_a_bucket_may_let_others_in(principal: Any, name: str, says: str) -> None:
    answers = told(where=bucket({**READ_KEYS, "Principal": principal}))
    [answer] = [one for one in answers if one.principal_arn == name]
    assert answer.way is Way.BUCKET
    assert answer.certain == (not says)
    assert any(says in doubt for doubt in answer.doubts) == bool(says)


def test_any_key_of_a_prefix_may_be_asked_about() -> None:
    below = statement(Action="s3:GetObject", Resource=f"{HERE}/a/*")
    [answer] = told(user("uploader", below), target=scopes.parse(f"s3://{BUCKET}/a/*"))
    assert answer.scope == f"s3://{BUCKET}/a/*"
    assert told(user("uploader", below), target=scopes.parse(f"s3://{BUCKET}/*")) == []


def test_policies_that_could_not_be_read_leave_an_answer_uncertain() -> None:
    odd = [{"PolicyName": "odd", "PolicyArn": "arn:aws:iam::aws:policy/Odd"}]
    [answer] = told(user("uploader", READ_KEYS, AttachedManagedPolicies=odd))
    assert not answer.certain
    assert "is not among what AWS showed" in answer.doubts[0]


def test_policies_that_could_not_be_read_are_told_even_where_nothing_else_is() -> None:
    odd = [{"PolicyName": "odd", "PolicyArn": "arn:aws:iam::aws:policy/Odd"}]
    [answer] = told(user("uploader", AttachedManagedPolicies=odd), user("neighbour"))
    assert (answer.principal_arn, answer.actions, answer.certain, answer.reaches) == (UPLOADER, (), False, False)
    [answer] = told(user("neighbour"), where=bucket(doubts=("the policy of bucket studies could not be read",)))
    assert (answer.principal_arn, answer.way, answer.certain) == ("*", Way.BUCKET, False)


def test_a_closed_bucket_lets_nobody_in_whom_no_policy_names() -> None:
    [answer] = told(where=bucket({**READ_KEYS, "Principal": "*"}, is_closed=True))
    assert (answer.principal_arn, answer.reaches, answer.certain) == ("*", False, True)


def of(*statements: Any, where: Any = None, roles: Any = None, held: Any = ()) -> dict[str, Reach]:
    """Ask what the uploader reaches, by scope and first action."""
    made = account(user("uploader", *statements), roles=roles)
    return {one.scope: one for one in reach_of(made, UPLOADER, list(held), {BUCKET: where or bucket()})}


def test_what_somebody_reaches_is_told_by_the_resources_their_policies_name() -> None:
    lists = statement(Action="s3:ListBucket", Resource=HERE, Condition={"StringLike": {"s3:prefix": "a/*"}})
    own = statement(Action="s3:*Object", Resource=f"{HERE}/${{aws:username}}/*")
    found = of(READ_KEYS, lists, own, statement(Action="s3:GetObject", Resource="arn:aws:s3:::other/x"))
    assert {scope: one.actions for scope, one in found.items()} == {
        f"s3://{BUCKET}/*": ("s3:GetObject",),
        f"s3://{BUCKET}/a/* (lists)": ("s3:ListBucket",),
        f"s3://{BUCKET}/uploader/*": ("s3:PutObject", "s3:DeleteObject"),
        "s3://other/x": ("s3:GetObject",),
    }
    assert found["s3://other/x"].doubts == ("policies of other buckets are not looked at",)


def test_everything_is_told_for_the_buckets_known_and_for_all_others() -> None:
    found = of(statement(Action="*", Resource="*"))
    assert set(found) == {f"s3://{BUCKET}/*", "s3://*/*"}
    assert found[f"s3://{BUCKET}/*"].certain
    assert not found["s3://*/*"].certain


def test_a_deny_that_stands_in_the_way_is_told() -> None:
    deny = statement("Deny", Action="s3:*", Resource=KEYS, Principal="*", Sid="closed")
    found = of(READ_KEYS, where=bucket(deny))[f"s3://{BUCKET}/*"]
    assert not found.reaches
    assert found.needs == ("statement closed of the policy of bucket studies denies s3:GetObject",)


def test_grants_bucket_policies_and_roles_are_told_too() -> None:
    roles = [role("location", SERVE), role("reader", READ_KEYS, trust=trusting({"AWS": UPLOADER}))]
    allow = statement(Action="s3:PutObject", Resource=f"{HERE}/in/*", Principal={"AWS": UPLOADER})
    made = account(user("uploader", ASK), roles=roles)
    answers = reach_of(made, UPLOADER, [grant(), grant(principal_arn=READER)], {BUCKET: bucket(allow)})
    ways = [(one.way, one.scope, one.via, one.reaches) for one in answers]
    assert (Way.GRANT, f"s3://{BUCKET}/a/*", (), True) in ways
    assert (Way.BUCKET, f"s3://{BUCKET}/in/*", (), True) in ways
    assert (Way.ROLE, f"s3://{BUCKET}/*", (READER,), True) in ways
    # The role has a grant, and no right to ask for data access.
    assert (Way.ROLE, f"s3://{BUCKET}/a/*", (READER,), False) in ways
