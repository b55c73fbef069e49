"""What explanations say, compared with what the sandbox does: every principal, key, permission, by every way.

The sandbox decides on its own copies of everything, request by request, and SeaweedFS behind it decides again.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import pytest

from grants.aws.gateway import Aws as Gateway
from grants.reach import Reach, Way
from grants.services import explain
from tests.support.access_worlds import ACTIONS, KEYS, PERMISSIONS, Somebody, World
from tests.support.sandbox import Aws

pytestmark = pytest.mark.django_db


class Comparison:
    """Counts what was compared, and keeps what differs."""

    def __init__(self) -> None:
        self.compared = self.reached = self.doubtful = 0
        self.differences: list[str] = []

    def compare(self, about: str, told: Sequence[Reach], done: set[str]) -> None:
        """Hold the actions that S3 allowed against those told: certain ones must be, others may be, no more."""
        certain = {action for answer in told if answer.reaches and answer.certain for action in answer.actions}
        possible = {action for answer in told if answer.reaches for action in answer.actions}
        self.compared += len(ACTIONS)
        self.reached += len(done)
        self.doubtful += len((possible - certain) & set(ACTIONS))
        for action in ACTIONS:
            if (action in certain and action not in done) or (action in done and action not in possible):
                self.differences.append(f"{about} {action}: {'done' if action in done else 'refused'}; told {told}")
        unreasoned = [answer for answer in told if answer.certain == bool(answer.doubts)]
        self.differences += [f"{about}: not certain, and no reason: {answer}" for answer in unreasoned]

    def compare_lists(self, about: str, told: Sequence[Reach], world: World, credentials: Mapping[str, str]) -> None:
        """Ask for every list that is told of as certain, with the prefix that is told."""
        for answer in told:
            if answer.reaches and answer.certain and "s3:ListBucket" in answer.actions:
                self.compared += 1
                if not world.lists(credentials, answer.list_prefix):
                    self.differences.append(f"{about}: no list of {answer.list_prefix}; told {answer}")


def prefixes(key: str) -> tuple[str | None, ...]:
    """Give what a list that shows the key may ask for: no prefix, and every beginning of the key."""
    return (None, *(key[:end] for end in range(len(key) + 1)))


def check(world: World, gateway: Gateway, comparison: Comparison) -> None:
    """Compare everything in one world."""
    for key in KEYS:
        answers = explain.who_can_reach(key_uri=world.uri(key), aws=gateway)
        for user in world.users:
            own = [answer for answer in answers if answer.principal_arn == user.arn]
            policies = [answer for answer in own if answer.way in {Way.IDENTITY, Way.BUCKET}]
            comparison.compare(f"{user.name} {key}", policies, world.done(user.credentials, key, prefixes(key)))
            comparison.compare_lists(f"{user.name} {key}", policies, world, user.credentials)
            grants = [answer for answer in own if answer.way is Way.GRANT]
            check_grants(world, user, key, grants, comparison)
            sessions = [answer for answer in own if answer.way is Way.ROLE]
            check_roles(world, user, key, sessions, comparison)


def check_grants(world: World, who: Somebody, key: str, told: Sequence[Reach], comparison: Comparison) -> None:
    """Ask for data access under each grant by its own scope, and for the key itself with each permission."""
    for grant_id in {answer.grant_id for answer in told}:
        answers = [answer for answer in told if answer.grant_id == grant_id]
        one = answers[0]
        session = world.data_access(who.credentials, one.scope, one.permission)
        if session is None:
            comparison.compare(f"{who.name} {key} {one.scope}", answers, set())
        elif not ambiguous(one, told):
            done = world.done(session["Credentials"], key, prefixes(key))
            comparison.compare(f"{who.name} {key} {one.permission} {one.scope}", answers, done)
            comparison.compare_lists(f"{who.name} {key} {one.scope}", answers, world, session["Credentials"])
    for permission in PERMISSIONS:
        session = world.data_access(who.credentials, world.uri(key), permission)
        fitting = [answer for answer in told if answer.permission in {permission, "READWRITE"}]
        if session is not None:
            expected = {answer.scope for answer in fitting if not closer(answer, permission)}
            if expected != {session["MatchedGrantTarget"]}:
                found = session["MatchedGrantTarget"]
                comparison.differences.append(f"{who.name} {key} {permission}: {found}; told {expected} of {told}")
        elif any(answer.certain and not answer.needs for answer in fitting):
            comparison.differences.append(f"{who.name} {key} {permission}: no data access; told {fitting}")


def closer(grant: Reach, permission: str) -> bool:
    """Tell whether it is said that another grant is closer to the key for a permission."""
    asked = (re.search(r" with (.*) gets the closer grant ", note) for note in grant.notes)
    return any(match is not None and permission in match[1].split(" or ") for match in asked)


def ambiguous(grant: Reach, told: Sequence[Reach]) -> bool:
    """Tell whether another grant on the same scope could be taken in its place: AWS does not say which is."""
    return any(other.scope == grant.scope and other.grant_id != grant.grant_id for other in told)


def check_roles(world: World, who: Somebody, key: str, told: Sequence[Reach], comparison: Comparison) -> None:
    """Assume every role, and do there what can be done without a grant and with one."""
    for role in world.roles:
        answers = [answer for answer in told if answer.via == (role.arn,)]
        session = world.assume(role, who.credentials)
        if session is None:
            comparison.compare(f"{who.name} as {role.name} {key}", answers, set())
            continue
        direct = [answer for answer in answers if not answer.grant_id]
        done = world.done(session, key, prefixes(key))
        comparison.compare(f"{who.name} as {role.name} {key}", direct, done)
        comparison.compare_lists(f"{who.name} as {role.name} {key}", direct, world, session)
        somebody = Somebody(f"{who.name} as {role.name}", role.arn, session)
        check_grants(world, somebody, key, [answer for answer in answers if answer.grant_id], comparison)


def run(aws: Aws, gateway: Gateway, seeds: Iterable[int]) -> Comparison:
    """Compare in several worlds."""
    comparison = Comparison()
    for seed in seeds:
        world = World(aws, gateway, seed)
        check(world, gateway, comparison)
        world.tear_down()
    return comparison


@pytest.mark.parametrize("seed", [22, 24, 32])
def test_explanations_and_the_sandbox_agree(aws: Aws, gateway: Gateway, seed: int) -> None:
    comparison = run(aws, gateway, [seed])
    assert comparison.differences == []
    assert comparison.reached > 25


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 140, 5))
def test_explanations_and_the_sandbox_agree_in_many_accounts(aws: Aws, gateway: Gateway, first: int) -> None:
    comparison = run(aws, gateway, range(first, first + 5))
    print(f"{comparison.compared} compared, {comparison.reached} done, {comparison.doubtful} depend on the request")
    assert comparison.differences == []
    assert comparison.reached > 50
    assert comparison.doubtful < comparison.compared / 4
