"""What holds for all policies and requests."""

import dataclasses
import fnmatch
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from grants.evaluator import Policy, evaluate
from grants.evaluator import Request as Asked
from tests.support.policies import (
    ANYBODY,
    NEIGHBOUR,
    ROOT,
    ROOT_ARN,
    SESSION,
    USER,
    allows,
    decide,
    document,
    policy,
    statement,
)

LETTERS = "ab/:.*?"
PATTERN = some.text(LETTERS + "[]+$\\", max_size=8)
KEY = some.text("ab/:.*?[]+$\\", min_size=1, max_size=8)
PRINCIPALS = some.sampled_from([USER, NEIGHBOUR, SESSION, ROOT, ANYBODY])
ACTIONS = some.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
NAMED: Any = some.sampled_from(
    ["*", *({"AWS": arn} for arn in (USER.arn, SESSION.arn, SESSION.principal_arn, ROOT_ARN))]
)
CONDITIONS = some.sampled_from(
    [{}, {"StringLike": {"s3:prefix": "a*"}}, {"StringNotEquals": {"s3:prefix": "a"}}, {"Null": {"s3:prefix": "true"}}]
)


@some.composite
def statements(draw: Any, *, effect: str | None = None, resource: bool = False) -> dict[str, Any]:
    """Make a statement about one bucket."""
    made = {
        "Effect": effect or draw(some.sampled_from(["Allow", "Allow", "Deny"])),
        draw(some.sampled_from(["Action", "Action", "NotAction"])): draw(
            some.sampled_from(["s3:*", "s3:GetObject", ["s3:Get*", "s3:PutObject"], "*"])
        ),
        draw(some.sampled_from(["Resource", "Resource", "NotResource"])): draw(
            some.sampled_from(["*", "arn:aws:s3:::studies/*", "arn:aws:s3:::studies/a*", "arn:aws:s3:::studies"])
        ),
        "Condition": draw(CONDITIONS),
    }
    return {**made, "Principal": draw(NAMED)} if resource else made


def policies(**kind: Any) -> Any:
    """Make a policy of a few statements."""
    return some.lists(statements(**kind), min_size=1, max_size=3).map(
        lambda made: Policy.parse(document(*made), "resource" if kind.get("resource") else "identity")
    )


IDENTITY = some.lists(policies(), max_size=2).map(tuple)
SESSIONS = some.none() | IDENTITY
RESOURCES = some.none() | policies(resource=True)
REQUESTS = some.builds(
    Asked,
    principal=PRINCIPALS,
    action=ACTIONS,
    resource=some.sampled_from(["arn:aws:s3:::studies", "arn:aws:s3:::studies/a", "arn:aws:s3:::studies/b"]),
    context=some.sampled_from([{}, {"s3:prefix": "a"}, {"s3:prefix": "b"}, {"S3:Prefix": ""}]),
)


def reference(pattern: str, value: str) -> bool:
    """Match `*` and `?` letter by letter, without a regular expression."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(reference(pattern[1:], value[start:]) for start in range(len(value) + 1))
    return bool(value) and pattern[0] in ("?", value[0]) and reference(pattern[1:], value[1:])


@given(pattern=PATTERN, key=KEY)
def test_wildcards_match_as_the_reference_does(pattern: str, key: str) -> None:
    matched = allows({"Resource": f"arn:aws:s3:::b/{pattern}"}, on=f"arn:aws:s3:::b/{key}")
    assert matched is reference(pattern, key)
    escaped = pattern.replace("[", "[[]")
    assert matched is (re.fullmatch(fnmatch.translate(escaped), key) is not None)


@given(pattern=some.text("ab/*?$.", min_size=1, max_size=8), key=KEY)
def test_a_literal_escape_is_never_a_wildcard(pattern: str, key: str) -> None:
    escaped = "".join(f"${{{letter}}}" if letter in "*?$" else letter for letter in pattern)
    assert allows({"Resource": f"arn:aws:s3:::b/{escaped}"}, on=f"arn:aws:s3:::b/{key}") is (pattern == key)
    assert allows({"Resource": f"arn:aws:s3:::b/{escaped}"}, on=f"arn:aws:s3:::b/{pattern}")


@given(value=some.text("ab*?${}[.", max_size=6), key=KEY)
def test_the_value_of_a_variable_is_never_a_wildcard(value: str, key: str) -> None:
    context = {"aws:username": value}
    found = {"Resource": "arn:aws:s3:::b/${aws:username}"}
    assert allows(found, on=f"arn:aws:s3:::b/{key}", context=context) is (value == key)
    condition = {"Condition": {"StringLike": {"s3:prefix": "${aws:username}/*"}}}
    assert allows(condition, context={**context, "s3:prefix": f"{key}/x"}) is f"{key}/x".startswith(f"{value}/")


@given(request=REQUESTS, identity=IDENTITY, session=SESSIONS, resource=RESOURCES)
def test_a_deny_wins_wherever_it_is(request: Asked, identity: Any, session: Any, resource: Any) -> None:
    stop = policy(statement("Deny", Action="*"))
    refused = evaluate(request, identity=(*identity, stop), session=session, resource=resource)
    assert request.principal.root or (not refused.allowed and refused.explicit)
    if not request.principal.root:
        assert not evaluate(request, identity=identity, session=(*(session or ()), stop), resource=resource).allowed
    everybody = policy(statement("Deny", Action="*", Principal="*"), kind="resource")
    assert not evaluate(request, identity=identity, session=session, resource=everybody).allowed


@given(request=REQUESTS, identity=IDENTITY, session=SESSIONS, resource=RESOURCES, more=policies(effect="Allow"))
def test_one_more_allow_never_takes_anything(
    request: Asked, identity: Any, session: Any, resource: Any, more: Any
) -> None:
    if evaluate(request, identity=identity, session=session, resource=resource).allowed:
        assert evaluate(request, identity=(*identity, more), session=session, resource=resource).allowed
        if session is not None:
            assert evaluate(request, identity=identity, session=(*session, more), resource=resource).allowed


@given(request=REQUESTS, identity=IDENTITY, session=IDENTITY, resource=RESOURCES)
def test_a_session_policy_never_widens(request: Asked, identity: Any, session: Any, resource: Any) -> None:
    if evaluate(request, identity=identity, session=session, resource=resource).allowed:
        assert evaluate(request, identity=identity, session=None, resource=resource).allowed


@given(request=REQUESTS, identity=IDENTITY, session=SESSIONS, resource=RESOURCES)
def test_order_does_not_matter(request: Asked, identity: Any, session: Any, resource: Any) -> None:
    one = evaluate(request, identity=identity, session=session, resource=resource)
    turned = None if session is None else session[::-1]
    other = evaluate(request, identity=identity[::-1], session=turned, resource=resource)
    assert (one.allowed, one.explicit, one.kind) == (other.allowed, other.explicit, other.kind)


@given(request=REQUESTS, identity=IDENTITY, session=SESSIONS, resource=RESOURCES)
def test_nothing_is_allowed_without_an_allow(request: Asked, identity: Any, session: Any, resource: Any) -> None:
    decision = evaluate(request, identity=identity, session=session, resource=resource)
    assert decision.explicit <= (not decision.allowed)
    assert (
        (decision.statement is None) == (request.principal.root and decision.allowed)
        or decision.explicit
        or not (decision.allowed)
    )
    stranger = dataclasses.replace(request, principal=NEIGHBOUR)
    assert not evaluate(stranger).allowed


@given(request=REQUESTS, resource=RESOURCES, identity=IDENTITY)
def test_root_is_stopped_by_a_resource_only(request: Asked, resource: Any, identity: Any) -> None:
    root = dataclasses.replace(request, principal=ROOT)
    assert evaluate(root).allowed
    refused = evaluate(root, resource=resource)
    assert refused.allowed or (refused.explicit and refused.kind == "resource-based")


@given(wanted=some.lists(some.sampled_from("abc"), min_size=1), values=some.lists(some.sampled_from("abc")).map(tuple))
def test_sets_of_values_are_sets(wanted: list[str], values: tuple[str, ...]) -> None:
    def holds(operator: str) -> bool:
        condition = {operator: {"aws:TagKeys": wanted}}
        return decide(identity=[policy(statement(Condition=condition))], context={"aws:TagKeys": values}).allowed

    assert holds("ForAllValues:StringEquals") is (set(values) <= set(wanted))
    assert holds("ForAnyValue:StringEquals") is bool(set(values) & set(wanted))
    assert holds("ForAllValues:StringNotEquals") is not (set(values) & set(wanted))
    assert holds("ForAnyValue:StringNotEquals") is bool(set(values) - set(wanted))
