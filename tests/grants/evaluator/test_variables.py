"""Policy variables and literal escapes.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import pytest

from tests.support.policies import allows, decide, policy, statement

HOME = "arn:aws:s3:::studies/input/${aws:username}/*"
MINE = "arn:aws:s3:::studies/input/uploader/x"
THEIRS = "arn:aws:s3:::studies/input/neighbour/x"
ME = {"aws:username": "uploader"}

CASES = [
    # resource of the policy, resource of the request, context, expected
    (HOME, MINE, ME, True),
    (HOME, THEIRS, ME, False),
    (HOME, MINE, {"AWS:UserName": "uploader"}, True),
    ("arn:aws:s3:::studies/input/${AWS:USERNAME}/*", MINE, ME, True),
    (HOME, MINE, {}, False),
    (HOME, MINE, {"aws:username": ("uploader",)}, False),
    (HOME, "arn:aws:s3:::studies/input/${aws:username}/x", ME, False),
    # What a variable holds is never a wildcard, nor another variable.
    (HOME, THEIRS, {"aws:username": "*"}, False),
    (HOME, "arn:aws:s3:::studies/input/*/x", {"aws:username": "*"}, True),
    (HOME, THEIRS, {"aws:username": "neighbou?"}, False),
    (HOME, MINE, {"aws:username": "${aws:userid}", "aws:userid": "uploader"}, False),
    (HOME, "arn:aws:s3:::studies/input/a.b+c/x", {"aws:username": "a.b+c"}, True),
    (HOME, "arn:aws:s3:::studies/input/aXb+c/x", {"aws:username": "a.b+c"}, False),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/${aws:username}", "arn:aws:s3:::a/u",
     {"aws:PrincipalTag/team": "a", "aws:username": "u"}, True),
    ("arn:aws:s3:::${aws:PrincipalTag/team}/${aws:username}", "arn:aws:s3:::a/u", {"aws:username": "u"}, False),
    # Default values.
    ("arn:aws:s3:::studies/${aws:PrincipalTag/team, 'company-wide'}/*", "arn:aws:s3:::studies/company-wide/x",
     {}, True),
    ("arn:aws:s3:::studies/${aws:PrincipalTag/team, 'company-wide'}/*", "arn:aws:s3:::studies/company-wide/x",
     {"aws:PrincipalTag/team": "yellow"}, False),
    ("arn:aws:s3:::studies/${aws:PrincipalTag/team, 'company-wide'}/*", "arn:aws:s3:::studies/yellow/x",
     {"aws:PrincipalTag/team": "yellow"}, True),
    ("arn:aws:s3:::studies/${aws:PrincipalTag/team, '*'}/x", "arn:aws:s3:::studies/yellow/x", {}, False),
    # Literal escapes.
    ("arn:aws:s3:::studies/a${*}b", "arn:aws:s3:::studies/a*b", {}, True),
    ("arn:aws:s3:::studies/a${*}b", "arn:aws:s3:::studies/aXb", {}, False),
    ("arn:aws:s3:::studies/a${?}b", "arn:aws:s3:::studies/a?b", {}, True),
    ("arn:aws:s3:::studies/a${?}b", "arn:aws:s3:::studies/aXb", {}, False),
    ("arn:aws:s3:::studies/${$}{aws:username}", "arn:aws:s3:::studies/${aws:username}", ME, True),
    ("arn:aws:s3:::studies/${$}{aws:username}", "arn:aws:s3:::studies/uploader", ME, False),
    ("arn:aws:s3:::studies/${*}*", "arn:aws:s3:::studies/*anything", {}, True),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "on", "context", "expected"), CASES)
def test_in_resources(resource: str, on: str, context: dict, expected: bool) -> None:
    assert allows({"Resource": resource}, on=on, context=context) is expected


@pytest.mark.parametrize(
    ("version", "on", "expected"),
    [
        ("2012-10-17", MINE, True),
        ("2008-10-17", MINE, False),
        ("2008-10-17", "arn:aws:s3:::studies/input/${aws:username}/x", True),
    ],
)
def test_the_old_version_has_none(version: str, on: str, expected: bool) -> None:
    found = policy(statement(Resource=HOME), version=version)
    assert decide(identity=[found], on=on, context=ME).allowed is expected


@pytest.mark.parametrize(
    ("operator", "value", "context", "expected"),
    [
        ("StringEquals", "${aws:username}", {"s3:prefix": "uploader", **ME}, True),
        ("StringEquals", "${aws:username}", {"s3:prefix": "neighbour", **ME}, False),
        ("StringEquals", "${aws:username}", {"s3:prefix": "${aws:username}"}, False),
        ("StringLike", "${aws:username}/*", {"s3:prefix": "uploader/x", **ME}, True),
        ("StringLike", "${aws:username}/*", {"s3:prefix": "x/x", "aws:username": "*"}, False),
        ("StringLike", "a${*}", {"s3:prefix": "a*"}, True),
        ("StringLike", "a${*}", {"s3:prefix": "ab"}, False),
        ("StringEqualsIgnoreCase", "${aws:username}", {"s3:prefix": "UPLOADER", **ME}, True),
        ("ArnLike", "arn:aws:iam::*:user/${aws:username}", {"s3:prefix": "arn:aws:iam::1:user/uploader", **ME}, True),
        # A variable without a value is equal to nothing: the negated operators hold.
        ("StringNotEquals", "${aws:username}", {"s3:prefix": "x"}, True),
        ("StringNotLike", "${aws:username}*", {"s3:prefix": "x"}, True),
        ("StringEquals", "${aws:username}", {"s3:prefix": ""}, False),
        # Variables stand in values of string and ARN operators only.
        ("NumericEquals", "${aws:username}", {"s3:prefix": "1", "aws:username": "1"}, False),
        ("Bool", "${aws:username}", {"s3:prefix": "true", "aws:username": "true"}, False),
    ],
)
def test_in_conditions(operator: str, value: str, context: dict, expected: bool) -> None:
    assert allows({"Condition": {operator: {"s3:prefix": value}}}, context=context) is expected


def test_a_notresource_without_a_value_for_its_variable_excepts_nothing() -> None:
    denial = statement("Deny", NotResource=HOME)
    assert decide(identity=[policy(statement(), denial)], on=MINE, context=ME).allowed
    assert not decide(identity=[policy(statement(), denial)], on=MINE).allowed


def test_many_values_of_a_variable_do_not_disturb_each_other() -> None:
    found = policy(statement(Resource=HOME))
    for number in range(600):
        name, other = f"u{number}", f"u{number + 1}"
        on = f"arn:aws:s3:::studies/input/{name}/x"
        assert decide(identity=[found], on=on, context={"aws:username": name}).allowed
        assert not decide(identity=[found], on=on, context={"aws:username": other}).allowed
