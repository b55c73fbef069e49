"""Requests of which not all is known: a certain answer is the evaluator's, whatever the rest of the request is.

The reference is the evaluator with the whole request: what is hidden from the judge is known to it.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from grants.evaluator import Policy, Request, evaluate
from grants.reach_doubt import Asker, Bound, judge
from tests.support.policies import USER, document, statement

KEYS = ("aws:SourceIp", "aws:username", "aws:PrincipalTag/team", "s3:prefix")
VALUES = {
    "aws:SourceIp": ["192.0.2.1", "203.0.113.9"],
    "aws:username": ["uploader", "neighbour"],
    "aws:PrincipalTag/team": ["cells", "uploader"],
    "s3:prefix": ["a/", "b/", ""],
}
RESOURCES = (
    "*", "arn:aws:s3:::studies/a/*", "arn:aws:s3:::studies/${aws:username}/*",
    "arn:aws:s3:::studies/${aws:PrincipalTag/team}/*", "arn:aws:s3:::studies/${aws:PrincipalTag/team, 'a'}/*",
)  # fmt: skip
TARGETS = ("a/x", "uploader/x", "cells/x", "x")


@some.composite
def conditions(draw: Any) -> dict[str, Any]:
    """Make a condition on one or two keys, whose values may be variables."""
    made: dict[str, Any] = {}
    for key in draw(some.lists(some.sampled_from(KEYS), max_size=2, unique=True)):
        if key == "aws:SourceIp":
            operator = draw(some.sampled_from(["IpAddress", "NotIpAddress", "IpAddressIfExists"]))
            value = draw(some.sampled_from(["192.0.2.0/24", "203.0.113.0/24"]))
        else:
            operator = draw(some.sampled_from(["StringEquals", "StringNotLike", "ForAllValues:StringLike", "Null"]))
            value = draw(some.sampled_from([*VALUES[key], "${aws:username}", "${aws:PrincipalTag/team}"]))
            value = draw(some.sampled_from(["true", "false"])) if operator == "Null" else value
        made.setdefault(operator, {})[key] = value
    return made


@some.composite
def policies(draw: Any, *, resource: bool = False) -> Policy:
    """Make a policy of up to three statements."""
    made = []
    for number in range(draw(some.integers(1, 3))):
        element = draw(some.sampled_from(["Resource", "Resource", "NotResource"]))
        texts = draw(some.lists(some.sampled_from(RESOURCES), min_size=1, max_size=2, unique=True))
        one = statement(draw(some.sampled_from(["Allow", "Allow", "Deny"])), **{element: texts})
        named = {"Principal": {"AWS": USER.arn}} if resource else {}
        sid = {"Sid": f"s{number}"} if draw(some.booleans()) else {}
        made.append({**one, **named, **sid, "Condition": draw(conditions())})
    version = draw(some.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]))
    return Policy.parse(document(*made, version=version), "resource" if resource else "identity")


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    identity=some.lists(policies(), max_size=2),
    limit=some.none() | policies(),
    own=some.none() | policies(resource=True),
    truth=some.fixed_dictionaries({}, optional={key: some.sampled_from(VALUES[key]) for key in KEYS}),
    hidden=some.sets(some.sampled_from(KEYS)),
    target=some.sampled_from(TARGETS),
)
def test_what_is_certain_is_so_whatever_the_rest_is(
    identity: list[Policy],
    limit: Policy | None,
    own: Policy | None,
    truth: dict[str, str],
    hidden: set[str],
    target: str,
) -> None:
    resource = f"arn:aws:s3:::studies/{target}"
    asker = Asker(
        principal=USER,
        identity=tuple(Bound(f"policy {number}", policy) for number, policy in enumerate(identity)),
        limits=() if limit is None else (Bound("the boundary", limit),),
        context={key: value for key, value in truth.items() if key not in hidden},
        absent=frozenset(key.lower() for key in KEYS if key not in truth and key not in hidden),
    )
    verdict = judge(asker, "s3:GetObject", resource, policy=None if own is None else Bound("the bucket's", own))
    really = evaluate(
        Request(USER, "s3:GetObject", resource, truth),
        identity=tuple(identity),
        session=None if limit is None else (limit,),
        resource=own,
    ).allowed
    if verdict.certain:
        assert verdict.possible == really
        assert verdict.depends_on == ()
    else:
        assert verdict.possible
        assert verdict.depends_on
        assert set(verdict.depends_on) <= {key.lower() for key in hidden}
    if not hidden:
        assert verdict.certain
    assert verdict.because


@pytest.mark.parametrize(
    ("condition", "resource", "depends_on"),
    [
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, "*", ("aws:sourceip",)),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "*", ("aws:multifactorauthpresent",)),
        ({"StringEquals": {"aws:username": "${aws:SourceIdentity}"}}, "*", ("aws:sourceidentity",)),
        ({}, "arn:aws:s3:::studies/${aws:SourceIdentity}/*", ("aws:sourceidentity",)),
        ({"StringEquals": {"aws:username": "uploader"}}, "*", ()),
    ],
)
def test_the_keys_an_answer_depends_on_are_named(
    condition: dict[str, Any], resource: str, depends_on: tuple[str, ...]
) -> None:
    allow = Policy.parse(document(statement(Condition=condition, Resource=resource, Sid="mine")))
    asker = Asker(principal=USER, identity=(Bound("the policy", allow),), context={"aws:username": "uploader"})
    verdict = judge(asker, "s3:GetObject", "arn:aws:s3:::studies/uploader/x")
    assert (verdict.possible, verdict.certain, verdict.depends_on) == (True, not depends_on, depends_on)
    assert verdict.because == "statement mine of the policy"
    assert bool(verdict.otherwise) == bool(depends_on)


def test_a_deny_on_something_unknown_leaves_an_allow_uncertain_and_names_its_keys_alone() -> None:
    allow = Policy.parse(document(statement()))
    far = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    elsewhere = statement("Deny", Resource="arn:aws:s3:::other/*", Condition={"Null": {"aws:Referer": "true"}})
    deny = Policy.parse(document(statement("Deny", Condition=far), elsewhere))
    asker = Asker(principal=USER, identity=(Bound("wide", allow), Bound("narrow", deny)))
    verdict = judge(asker, "s3:GetObject", "arn:aws:s3:::studies/x")
    assert (verdict.possible, verdict.certain, verdict.depends_on) == (True, False, ("aws:sourceip",))
    assert verdict.otherwise == "statement Statement[0] of narrow denies s3:GetObject"


def test_a_deny_that_is_certain_is_named() -> None:
    allow, deny = (Policy.parse(document(statement(effect, Sid="mine"))) for effect in ("Allow", "Deny"))
    asker = Asker(principal=USER, identity=(Bound("one", allow), Bound("two", deny)))
    verdict = judge(asker, "s3:GetObject", "arn:aws:s3:::studies/x")
    assert (verdict.possible, verdict.explicit) == (False, True)
    assert verdict.because == "statement mine of two denies s3:GetObject"
