"""A listing is whole or an error: the worst a reconciler can be told is that what is there is not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from grants.aws.calls import Caller
from grants.aws.errors import AwsError, AwsThrottledError, AwsUnknownOutcomeError
from grants.aws.gateway import Aws
from grants.sandbox.embedded import EmbeddedSandbox
from tests.grants.aws.conftest import Place
from tests.support.sandbox import Aws as Sandbox
from tests.support.sandbox import trusting

PATH = "/cellenium-admin/"


def one_each(service: str, operation: str, times: int = 10_000) -> list[dict[str, Any]]:
    """Let AWS give one thing a page."""
    return [{"service": service, "operation": operation, "kind": "partial_page", "page_size": 1, "times": times}]


@dataclass(frozen=True)
class Listing:
    """A list of AWS's: service and operation, how the gateway asks for it, and what has to be in it."""

    service: str
    operation: str
    ask: Callable[[], set[str]]
    wanted: set[str]


def names_of(place: Place) -> list[str]:
    return [place.sandbox.name("many") for _ in range(3)]


def users(place: Place) -> Listing:
    iam, names = place.gateway.iam, names_of(place)
    for name in names:
        iam.create_user(name, PATH, {})
    return Listing("iam", "ListUsers", lambda: {user.name for user in iam.users(PATH)}, set(names))


def account(place: Place) -> Listing:
    def ask() -> set[str]:
        return {user["UserName"] for page in place.gateway.iam.account_details() for user in page["UserDetailList"]}

    return Listing("iam", "GetAccountAuthorizationDetails", ask, users(place).wanted)


def members(place: Place) -> Listing:
    iam, group, names = place.gateway.iam, place.sandbox.name("group"), users(place).wanted
    iam.create_group(group, PATH)
    for name in names:
        iam.add_to_group(name, group)
    return Listing("iam", "GetGroup", lambda: {user.name for user in iam.group_members(group)}, names)


def groups_of(place: Place) -> Listing:
    iam, user, names = place.gateway.iam, place.sandbox.make_user()["UserName"], names_of(place)
    for name in names:
        iam.create_group(name, PATH)
        iam.add_to_group(user, name)
    return Listing("iam", "ListGroupsForUser", lambda: set(iam.groups_of(user)), set(names))


def belongings(place: Place) -> Listing:
    iam, user = place.gateway.iam, place.sandbox.make_user()
    keys = {user["AccessKeyId"], iam.create_key(user["UserName"])[0].id}
    return Listing("iam", "ListAccessKeys", lambda: set(iam.user_belongings(user["UserName"]).keys), keys)


def roles(place: Place) -> Listing:
    iam, names = place.gateway.iam, names_of(place)
    trust = trusting(f"arn:aws:iam::{place.gateway.account}:root")
    for name in names:
        iam.create_role(name, path=PATH, trust=trust, max_session_seconds=3600, description="", tags={})
    return Listing("iam", "ListRoles", lambda: {role.name for role in iam.roles(PATH)}, set(names))


def locations(place: Place) -> Listing:
    grants = place.gateway.access_grants
    scopes = [f"s3://{place.bucket}/{name}/*" for name in names_of(place)]
    made = {grants.create_location(scope, place.role_arn, {})[0].id for scope in scopes}
    return Listing("s3control", "ListAccessGrantsLocations", lambda: {one.id for one in grants.locations()}, made)


def grants(place: Place) -> Listing:
    made = {place.grant(place.sandbox.make_user()["Arn"]).id for _ in range(3)}
    return Listing("s3control", "ListAccessGrants", lambda: {g.id for g in place.gateway.access_grants.grants()}, made)


@pytest.mark.parametrize("make", [users, account, members, groups_of, belongings, roles, locations, grants])
def test_every_page_is_read(sandbox: EmbeddedSandbox, place: Place, make: Callable[[Place], Listing]) -> None:
    listing = make(place)
    whole = listing.ask()
    assert listing.wanted <= whole
    sandbox.control.clear_calls()
    sandbox.control.faults(one_each(listing.service, listing.operation))
    assert listing.ask() == whole
    assert len(sandbox.control.calls(operation=listing.operation)) >= len(listing.wanted)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"code": "InternalError", "status": 500}, AwsUnknownOutcomeError),
        ({"kind": "throttle"}, AwsThrottledError),
        ({"kind": "reset"}, AwsUnknownOutcomeError),
    ],
)
def test_a_second_page_that_fails_is_an_error(
    sandbox: EmbeddedSandbox,
    gateway: Aws,
    aws: Sandbox,
    fault: dict[str, Any],
    kind: type[AwsError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    for _ in range(3):
        gateway.iam.create_user(aws.name("user"), PATH, {})
    strike = {"service": "iam", "operation": "ListUsers", "nth": 2, "times": 20, **fault}
    sandbox.control.faults([strike, *one_each("iam", "ListUsers", times=1)])
    with pytest.raises(kind):
        list(gateway.iam.users(PATH))


def test_a_page_that_fails_once_is_read_again(sandbox: EmbeddedSandbox, place: Place, aws: Sandbox) -> None:
    wanted = {place.grant(aws.make_user()["Arn"]).id for _ in range(3)}
    fault = {"service": "s3control", "operation": "ListAccessGrants", "nth": 2, "kind": "status", "status": 503}
    sandbox.control.faults([fault, *one_each("s3control", "ListAccessGrants")])
    assert wanted <= {grant.id for grant in place.gateway.access_grants.grants()}


class Scripted(Caller):
    """Answers page after page as told."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.left = list(pages)

    def _call(self, attempts: int, operation: str, parameters: Any) -> dict[str, Any]:
        return self.left.pop(0)


def test_a_token_given_twice_is_an_error() -> None:
    caller = Scripted(*({"NextToken": token} for token in ("a", "b", "a")))
    with pytest.raises(AwsError, match="RepeatedToken") as refused:
        list(caller.pages("list_access_grants"))
    assert refused.value.operation == "ListAccessGrants"


def test_more_without_a_token_is_an_error() -> None:
    caller = Scripted({"IsTruncated": True, "Users": []})
    with pytest.raises(AwsError, match="MissingToken"):
        list(caller.pages("list_users", sent="Marker", got="Marker"))


def test_an_empty_page_in_the_middle_is_no_end() -> None:
    caller = Scripted({"Users": [], "Marker": "a", "IsTruncated": True}, {"Users": [1]})
    pages = list(caller.pages("list_users", sent="Marker", got="Marker"))
    assert [page["Users"] for page in pages] == [[], [1]]


@pytest.mark.slow
def test_more_than_a_thousand_users_and_grants(place: Place, gateway: Aws, aws: Sandbox) -> None:
    path, grantee = f"/{aws.name('many')}/", aws.make_user()["Arn"]
    names = {f"{path[1:-1]}-{number}" for number in range(1_003)}
    for name in names:
        gateway.iam.create_user(name, path, {})
    assert {user.name for user in gateway.iam.users(path)} == names
    given = {place.grant(grantee, f"{number}/*").id for number in range(1_003)}
    found = [grant.id for grant in gateway.access_grants.grants(grantee=grantee)]
    assert sorted(found) == sorted(given)
