"""Who may become which role, by how many steps, and who outside of the account."""

from typing import Any

import pytest

from grants.reach_roles import Path, Roles
from tests.support.explanations import UPLOADER, account, role, trusting, user
from tests.support.policies import ACCOUNT, statement

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
READER, WRITER = f"arn:aws:iam::{ACCOUNT}:role/reader", f"arn:aws:iam::{ACCOUNT}:role/writer"
ANYTHING = statement(Action="sts:AssumeRole", Resource="*")


def who(trust: Any, *users: Any, **more: Any) -> dict[str, Path]:
    """Give all who may become the reader, by name."""
    made = account(*users, roles=[role("reader", trust=trust), *more.get("roles", ())])
    return {path.principal_arn: path for path in Roles(made).assumers(READER)}


def test_the_trust_policy_must_agree_and_naming_the_account_leaves_it_to_the_users_policies() -> None:
    uploader, neighbour = user("uploader", ANYTHING), user("neighbour")
    assert set(who(trusting({"AWS": ROOT}), uploader, neighbour)) == {UPLOADER}
    assert set(who(trusting({"AWS": ACCOUNT}), uploader, neighbour)) == {UPLOADER}
    assert set(who(trusting({"AWS": neighbour["Arn"]}), uploader, neighbour)) == {neighbour["Arn"]}
    refusing = user("neighbour", statement("Deny", Action="sts:*", Resource=READER))
    assert who(trusting({"AWS": refusing["Arn"]}), refusing) == {}


def test_the_statements_that_let_somebody_in_are_named() -> None:
    [path] = who(trusting({"AWS": UPLOADER}), user("uploader")).values()
    assert path == Path(
        UPLOADER, (READER,), f"may assume {READER} by statement Statement[0] of the trust policy of role reader"
    )


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ({"StringEquals": {"sts:ExternalId": "7"}}, "sts:externalid"),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "aws:multifactorauthpresent"),
    ],
)
def test_what_it_depends_on_is_told(condition: Any, keys: str) -> None:
    [path] = who(trusting({"AWS": UPLOADER}, Condition=condition), user("uploader")).values()
    assert keys in path.doubts[0]


def test_roles_are_followed_one_after_another() -> None:
    made = account(
        user("uploader"),
        roles=[role("reader", trust=trusting({"AWS": WRITER})), role("writer", trust=trusting({"AWS": UPLOADER}))],
    )
    chain = {path.principal_arn: path.roles for path in Roles(made).assumers(READER)}
    assert chain == {WRITER: (READER,), UPLOADER: (WRITER, READER)}
    assert [path.roles for path in Roles(made).assumable(UPLOADER)] == [(WRITER,), (WRITER, READER)]
    assert Roles(made).assumable(READER) == []


def test_roles_that_trust_one_another_come_to_an_end() -> None:
    made = account(
        roles=[role("reader", trust=trusting({"AWS": WRITER})), role("writer", trust=trusting({"AWS": READER}))]
    )
    assert [path.principal_arn for path in Roles(made).assumers(READER)] == [WRITER]
    assert [path.roles for path in Roles(made).assumable(READER)] == [(WRITER,)]


def test_a_certain_way_goes_before_a_shorter_one_that_depends_on_something() -> None:
    doubtful = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    reader = trusting({"AWS": [UPLOADER]}, Condition=doubtful)
    reader["Statement"].append(trusting({"AWS": WRITER})["Statement"][0])
    made = account(
        user("uploader"), roles=[role("reader", trust=reader), role("writer", trust=trusting({"AWS": UPLOADER}))]
    )
    paths = {path.principal_arn: path for path in Roles(made).assumers(READER)}
    assert (paths[UPLOADER].roles, paths[UPLOADER].doubts) == ((WRITER, READER), ())


@pytest.mark.parametrize(
    ("principal", "name", "says"),
    [
        ({"Service": "ec2.amazonaws.com"}, "ec2.amazonaws.com", "up to whoever configures it"),
        ({"AWS": "210987654321"}, "210987654321", "policies of that account"),
        ({"AWS": "arn:aws:iam::210987654321:role/x"}, "arn:aws:iam::210987654321:role/x", "policies of that account"),
        ({"Federated": "cognito-identity.amazonaws.com"}, "cognito-identity.amazonaws.com", "not judged here"),
        (
            {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/other/morning"},
            f"arn:aws:sts::{ACCOUNT}:assumed-role/other/morning",
            "session of that very name",
        ),
    ],
)
def test_who_is_not_of_the_account_is_named_with_what_is_not_known(principal: Any, name: str, says: str) -> None:
    [path] = who(trusting(principal)).values()
    assert path.principal_arn == name
    assert any(says in doubt for doubt in path.doubts)


@pytest.mark.parametrize("principal", [{"Service": "access-grants.s3.amazonaws.com"}, {"AWS": "AIDAEXAMPLEEXAMPLE123"}])
def test_s3_access_grants_and_deleted_identities_are_not_named(principal: Any) -> None:
    assert who(trusting(principal)) == {}
