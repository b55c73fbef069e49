"""Condition operators, absent keys, sets of values.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import pytest

from tests.support.policies import holds

ONE_VALUE = [
    ("StringEquals", "a", "a", True),
    ("StringEquals", "a", "A", False),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a*", "a*", True),
    ("StringNotEquals", "a", "a", False),
    ("StringNotEquals", "a", "A", True),
    ("StringEqualsIgnoreCase", "a", "A", True),
    ("StringEqualsIgnoreCase", "a*", "ab", False),
    ("StringNotEqualsIgnoreCase", "a", "A", False),
    ("StringNotEqualsIgnoreCase", "a", "b", True),
    ("StringLike", "input/*", "input/a/b", True),
    ("StringLike", "input/*", "Input/a", False),
    ("StringLike", "input/?", "input/", False),
    ("StringLike", "a.c", "abc", False),
    ("StringLike", "", "", True),
    ("StringLike", "*", "", True),
    ("StringNotLike", "input/*", "input/a", False),
    ("StringNotLike", "input/*", "output/a", True),
    ("NumericEquals", "10", "10", True),
    ("NumericEquals", "10", "10.0", True),
    ("NumericEquals", "10", "11", False),
    ("NumericEquals", "10", "ten", False),
    ("NumericEquals", "nan", "nan", False),
    ("NumericNotEquals", "10", "11", True),
    ("NumericNotEquals", "10", "10", False),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "10", False),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericLessThanEquals", "10", "11", False),
    ("NumericLessThanEquals", "10", "9.5", True),
    ("NumericGreaterThan", "10", "11", True),
    ("NumericGreaterThan", "10", "10", False),
    ("NumericGreaterThanEquals", "10", "10", True),
    ("NumericGreaterThanEquals", "-1", "-2", False),
    ("DateEquals", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", True),
    ("DateEquals", "2026-05-01T00:00:00Z", "2026-05-01T02:00:00+02:00", True),
    ("DateEquals", "2026-05-01", "2026-05-01T00:00:00Z", True),
    ("DateEquals", "1777593600", "2026-05-01T00:00:00Z", True),
    ("DateNotEquals", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", True),
    ("DateLessThan", "2026-05-01T00:00:00Z", "2026-04-30T23:59:59Z", True),
    ("DateLessThan", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", False),
    ("DateLessThan", "2026-05-01T00:00:00Z", "2026-04-30T23:59:59.999Z", True),
    ("DateLessThanEquals", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", True),
    ("DateGreaterThan", "2026-05-01T00:00:00Z", "2026-05-01T00:00:01Z", True),
    ("DateGreaterThan", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", False),
    ("DateGreaterThanEquals", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z", True),
    ("DateLessThan", "yesterday", "2026-05-01T00:00:00Z", False),
    ("DateLessThan", "99999999999999999999", "2026-05-01T00:00:00Z", False),
    ("Bool", "true", "true", True),
    ("Bool", "TRUE", "true", True),
    ("Bool", "true", "false", False),
    ("Bool", "false", "false", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJ6", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
    ("IpAddress", "203.0.113.0/24", "203.0.114.7", False),
    ("IpAddress", "203.0.113.7", "203.0.113.7", True),
    ("IpAddress", "203.0.113.99/24", "203.0.113.7", True),
    ("IpAddress", "2001:db8:1234:5678::/64", "2001:db8:1234:5678::1", True),
    ("IpAddress", "2001:db8:1234:5678::/64", "203.0.113.7", False),
    ("IpAddress", "203.0.113.0/24", "2001:db8::1", False),
    ("IpAddress", "203.0.113.0/24", "unknown", False),
    ("NotIpAddress", "203.0.113.0/24", "203.0.113.7", False),
    ("NotIpAddress", "203.0.113.0/24", "198.51.100.1", True),
    ("ArnEquals", "arn:aws:iam::*:user/a", "arn:aws:iam::1:user/a", True),
    ("ArnLike", "arn:aws:iam::*:user/*", "arn:aws:iam::1:user/path/a", True),
    ("ArnLike", "arn:aws:iam::*:user/a", "arn:aws:iam::1:user/A", False),
    ("ArnLike", "arn:aws:s3:*:*:b", "arn:aws:s3:::a:b", False),
    ("ArnNotEquals", "arn:aws:iam::1:user/a", "arn:aws:iam::1:user/a", False),
    ("ArnNotLike", "arn:aws:iam::*:user/*", "arn:aws:iam::1:role/a", True),
    # Operators are not sensitive to case.
    ("stringlike", "a*", "ab", True),
    ("STRINGNOTEQUALSIFEXISTS", "a", "b", True),
]
NEGATED = [
    "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals", "DateNotEquals",
    "NotIpAddress", "ArnNotEquals", "ArnNotLike",
]  # fmt: skip
PLAIN = [
    "StringEquals", "StringEqualsIgnoreCase", "StringLike", "NumericEquals", "NumericLessThan", "NumericLessThanEquals",
    "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateLessThan", "DateLessThanEquals",
    "DateGreaterThan", "DateGreaterThanEquals", "Bool", "BinaryEquals", "IpAddress", "ArnEquals", "ArnLike",
]  # fmt: skip


@pytest.mark.parametrize(("operator", "wanted", "value", "expected"), ONE_VALUE)
def test_one_value(operator: str, wanted: str, value: str, expected: bool) -> None:
    assert holds({operator: {"aws:key": wanted}}, {"aws:key": value}) is expected


@pytest.mark.parametrize("operator", PLAIN)
def test_an_absent_key_does_not_match(operator: str) -> None:
    assert not holds({operator: {"aws:key": "*"}}, {})
    assert holds({f"{operator}IfExists": {"aws:key": "*"}}, {})
    assert not holds({f"ForAnyValue:{operator}": {"aws:key": "*"}}, {})
    assert holds({f"ForAllValues:{operator}": {"aws:key": "*"}}, {})


@pytest.mark.parametrize("operator", NEGATED)
def test_an_absent_key_matches_what_is_negated(operator: str) -> None:
    assert holds({operator: {"aws:key": "*"}}, {})
    assert holds({f"{operator}IfExists": {"aws:key": "*"}}, {})
    assert not holds({f"ForAnyValue:{operator}": {"aws:key": "*"}}, {})
    assert holds({f"ForAllValues:{operator}": {"aws:key": "*"}}, {})


def test_ifexists_asks_as_usual_when_the_key_is_there() -> None:
    assert not holds({"StringEqualsIfExists": {"aws:key": "a"}}, {"aws:key": "b"})
    assert not holds({"StringNotEqualsIfExists": {"aws:key": "a"}}, {"aws:key": "a"})


@pytest.mark.parametrize(
    ("wanted", "context", "expected"),
    [
        ("true", {}, True),
        ("true", {"aws:key": "x"}, False),
        ("false", {"aws:key": "x"}, True),
        ("false", {}, False),
        (True, {}, True),
        (False, {"aws:key": ("x",)}, True),
        ("true", {"aws:key": ()}, True),
        (["true", "false"], {}, True),
    ],
)
def test_null(wanted: object, context: dict, expected: bool) -> None:
    assert holds({"Null": {"aws:key": wanted}}, context) is expected


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        # Several values are alternatives, NOR when negated.
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "b"}, True),
        ({"StringEquals": {"k": ["a", "b"]}}, {"k": "c"}, False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "b"}, False),
        ({"StringNotEquals": {"k": ["a", "b"]}}, {"k": "c"}, True),
        ({"NotIpAddress": {"k": ["192.0.2.0/24", "203.0.113.0/24"]}}, {"k": "203.0.113.1"}, False),
        # Several keys and several operators all have to hold.
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a", "l": "b"}, True),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a", "l": "x"}, False),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
        ({"StringEquals": {"k": "a"}, "StringLike": {"l": "b*"}}, {"k": "a", "l": "bb"}, True),
        ({"StringEquals": {"k": "a"}, "StringLike": {"l": "b*"}}, {"k": "x", "l": "bb"}, False),
        ({"StringEquals": {"k": "a"}, "StringNotEquals": {"k": "a"}}, {"k": "a"}, False),
        ({}, {}, True),
        # Keys are not sensitive to case, values of JSON need not be strings.
        ({"StringEquals": {"AWS:Key": "a"}}, {"aws:kEY": "a"}, True),
        ({"Bool": {"k": True}}, {"k": "true"}, True),
        ({"NumericEquals": {"k": 5}}, {"k": "5"}, True),
    ],
)
def test_values_keys_and_operators(condition: dict, context: dict, expected: bool) -> None:
    assert holds(condition, context) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a", "b", "c"], ("a",), True),
        ("ForAllValues:StringEquals", ["a"], ("a", "b"), False),
        ("ForAllValues:StringEquals", ["a"], (), True),
        ("ForAllValues:StringEquals", ["a"], "", True),
        ("ForAllValues:StringEquals", ["a"], "a", True),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "c"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("a", "c"), False),
        ("ForAllValues:StringLike", ["a*", "b"], ("ax", "b"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("b", "x"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("x", "y"), False),
        ("ForAnyValue:StringEquals", ["a"], (), False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
        ("ForAnyValue:StringNotEquals", ["a"], ("a",), False),
        ("ForAnyValue:StringNotEquals", ["a"], (), False),
        ("ForAnyValue:StringLike", ["a*"], ("x", "ab"), True),
        ("foranyvalue:stringlike", ["a*"], ("x", "ab"), True),
        ("ForAllValues:StringEqualsIfExists", ["a"], ("b",), False),
    ],
)
def test_sets_of_values(operator: str, wanted: list, values: object, expected: bool) -> None:
    assert holds({operator: {"aws:TagKeys": wanted}}, {"aws:TagKeys": values}) is expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("input/u/", True), ("input/u/x", True), ("input/u", False), ("input/", False), ("", False), (None, False)],
)
def test_the_prefix_of_a_listing(prefix: str | None, expected: bool) -> None:
    """Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html."""
    condition = {"StringLike": {"s3:prefix": ["input/u/", "input/u/*"]}}
    assert holds(condition, {} if prefix is None else {"s3:prefix": prefix}) is expected


def test_old_sessions_are_cut() -> None:
    """Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html."""
    condition = {"DateLessThan": {"aws:TokenIssueTime": "2026-05-01T10:00:00.000Z"}}
    assert holds(condition, {"aws:TokenIssueTime": "2026-05-01T09:59:59Z"})
    assert not holds(condition, {"aws:TokenIssueTime": "2026-05-01T10:00:01Z"})
    assert not holds(condition, {})
