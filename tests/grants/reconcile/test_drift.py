"""Differences, by pure functions over two snapshots: none where both are equal, and the right one for each change."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grants.drift import (
    Finding,
    Seen,
    SeenGrant,
    SeenIdentity,
    SeenLocation,
    Wanted,
    WantedGrant,
    WantedKey,
    WantedLocation,
    WantedPrincipal,
    ordered,
    plan_hash,
)
from grants.drift_grants import of_grants, of_locations
from grants.drift_identities import of_cuts, of_keys, of_principals

PATH = "/cellenium-admin/"
ROLE, CUT = "arn:aws:iam::1:role/location", {"Version": "2012-10-17", "Statement": []}


def user(number: int, unique_id: str = "") -> SeenIdentity:
    return SeenIdentity(f"u{number}", f"arn:u{number}", unique_id or f"AIDA{number}", PATH)


def world(grants: int = 4) -> tuple[Wanted, Seen]:
    """Make two sides that are equal."""
    wanted = Wanted(
        grants=tuple(
            WantedGrant(f"g{n}", f"id{n}", f"arn:g{n}", "loc", f"arn:u{n % 2}", "READ", f"s3://b/{n}/*", "managed",
                        "active", settled=True)
            for n in range(grants)
        ),
        locations=(WantedLocation("l", "loc", "arn:loc", "s3://b/", ROLE, "managed", "active", settled=True),),
        principals=tuple(
            WantedPrincipal(f"p{n}", "user", f"u{n}", f"arn:u{n}", f"AIDA{n}", "managed", "active", settled=True)
            for n in range(2)
        ),
        keys=(WantedKey("k", "u0", "AKIA0", "active", is_old=False),),
        cuts={ROLE: CUT},
    )  # fmt: skip
    seen = Seen(
        grants=tuple(
            SeenGrant(g.aws_id, g.arn, g.location_id, "IAM", g.grantee, g.permission, g.scope, "", "")
            for g in wanted.grants
        ),
        locations=(SeenLocation("loc", "arn:loc", "s3://b/", ROLE),),
        users={one.arn: one for one in (user(0), user(1))},
        keys={"u0": ("AKIA0",), "u1": ()},
        group_members=frozenset({"u0", "u1"}),
        cuts={ROLE: CUT},
        ours={},
    )
    return wanted, seen


def findings(wanted: Wanted, seen: Seen) -> list[Finding]:
    return ordered(
        (
            *of_locations(wanted, seen),
            *of_grants(wanted, seen),
            *of_principals(wanted, seen, path=PATH),
            *of_keys(wanted, seen),
            *of_cuts(wanted, seen),
        )
    )


def strange_grant(scope: str = "s3://b/strange/*") -> SeenGrant:
    return SeenGrant("strange", "arn:strange", "loc", "IAM", "arn:u0", "READ", scope, "", "")


CHANGES: dict[str, tuple[Callable[[Seen], Seen], str, bool]] = {
    "a grant was deleted": (lambda s: replace(s, grants=s.grants[1:]), "grant_missing", False),
    "somebody gave a grant": (lambda s: replace(s, grants=(*s.grants, strange_grant())), "grant_foreign", False),
    "a lost operation gave one": (
        lambda s: replace(s, grants=(*s.grants, strange_grant()), ours={"arn:strange": True}),
        "grant_leftover",
        True,
    ),
    "a grant was made anew by others": (
        lambda s: replace(s, grants=(*s.grants[1:], strange_grant("s3://b/0/*"))),
        "grant_changed",
        False,
    ),
    "a grant shows another scope": (
        lambda s: replace(s, grants=(replace(s.grants[0], scope="s3://b/*"), *s.grants[1:])),
        "grant_changed",
        False,
    ),
    "a tag was taken away": (lambda s: replace(s, ours={"arn:g0": False}), "tag_lost", False),
    "the location was deleted": (lambda s: replace(s, locations=()), "location_missing", False),
    "another role serves it": (
        lambda s: replace(s, locations=(replace(s.locations[0], role_arn="arn:other"),)),
        "role_changed",
        False,
    ),
    "somebody registered a location": (
        lambda s: replace(s, locations=(*s.locations, SeenLocation("l2", "arn:l2", "s3://c/", ROLE))),
        "location_foreign",
        False,
    ),
    "a user is gone": (
        lambda s: replace(s, users={"arn:u0": user(0)}, keys={"u0": ("AKIA0",)}),
        "grantee_gone",
        True,
    ),
    "a user was made anew": (
        lambda s: replace(s, users={**s.users, "arn:u1": user(1, "AIDAother")}),
        "grantee_replaced",
        True,
    ),
    "a user left the group": (lambda s: replace(s, group_members=frozenset({"u0"})), "group_drift", False),
    "a user of ours nobody wants": (
        lambda s: replace(s, users={**s.users, "arn:u9": user(9)}, ours={"arn:u9": True}),
        "user_leftover",
        True,
    ),
    "a user on our path": (lambda s: replace(s, users={**s.users, "arn:u9": user(9)}), "user_foreign", False),
    "a key nobody knows": (lambda s: replace(s, keys={**s.keys, "u1": ("AKIA9",)}), "key_unknown", True),
    "a key was deleted": (lambda s: replace(s, keys={"u0": (), "u1": ()}), "key_missing", False),
    "a Deny was taken away": (lambda s: replace(s, cuts={ROLE: None}), "cut_stale", False),
}


def test_two_equal_sides_differ_in_nothing() -> None:
    assert findings(*world()) == []


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_one_finding_of_its_kind(name: str) -> None:
    change, kind, destructive = CHANGES[name]
    wanted, seen = world()
    found = findings(wanted, change(seen))
    assert [(one.kind, one.destructive) for one in found] == [(kind, destructive)]
    assert found[0].remedy
    assert not (found[0].is_foreign and found[0].repair)


@pytest.mark.parametrize("state", ["pending_create", "pending_delete", "failed"])
def test_what_is_on_its_way_is_no_difference(state: str) -> None:
    wanted, seen = world()
    waiting = replace(wanted, grants=(replace(wanted.grants[0], state=state, settled=False), *wanted.grants[1:]))
    assert findings(waiting, replace(seen, grants=seen.grants[1:])) == []
    assert findings(waiting, seen) == []


def test_what_replaced_ours_with_our_tag_is_taken_over() -> None:
    wanted, seen = world()
    anew = replace(seen, grants=(*seen.grants[1:], strange_grant("s3://b/0/*")), ours={"arn:strange": True})
    [found] = findings(wanted, anew)
    assert found.kind == "grant_changed"
    assert found.repair is not None
    assert found.repair.kind == "create_grant"


def test_adopted_grants_are_reported_and_never_made_again() -> None:
    wanted, seen = world()
    adopted = replace(wanted, grants=tuple(replace(grant, origin="adopted") for grant in wanted.grants))
    found = findings(adopted, replace(seen, grants=()))
    assert {one.kind for one in found} == {"grant_missing"}
    assert all(one.repair is None for one in found)


def test_an_old_key_is_reported() -> None:
    wanted, seen = world()
    old = replace(wanted, keys=(replace(wanted.keys[0], is_old=True),))
    assert [one.kind for one in findings(old, seen)] == ["key_old"]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=4, unique=True), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_listings(names: list[str], random: Any) -> None:
    wanted, seen = world(12)
    for name in names:
        with suppress(IndexError):  # what another change has taken away cannot be changed
            seen = CHANGES[name][0](seen)
    shuffled = list(seen.grants)
    random.shuffle(shuffled)
    plans = [
        [finding.as_json() | {"waits": False} for finding in findings(wanted, side)]
        for side in (seen, replace(seen, grants=tuple(shuffled)))
    ]
    assert plans[0] == plans[1]
    assert plan_hash(plans[0]) == plan_hash(plans[1])


def test_the_hash_is_of_what_would_be_done() -> None:
    wanted, seen = world()
    missing = [one.as_json() | {"waits": False} for one in findings(wanted, replace(seen, grants=seen.grants[1:]))]
    assert plan_hash(missing) != plan_hash([])
    assert plan_hash([missing[0] | {"waits": True}]) == plan_hash([])
