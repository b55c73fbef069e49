"""What a sceptical reading of the outbox and of reconcile has found, each proven once and kept from coming back."""

from typing import Any
from unittest import mock

import pytest

from cellenium_admin.core.exceptions import ConflictError, UnavailableError
from cellenium_admin.core.models import AuditEvent, User
from grants.models import Grant, Operation, Principal
from grants.services import (
    credentials,
    grants,
    keys,
    locations,
    operation_queue,
    operations,
    principals,
    reconcile,
    requests,
)
from grants.services.executors import EXECUTORS
from grants.services.operation_calls import NotYetError
from tests.builders.people import person
from tests.grants.failures.conftest import World
from tests.grants.services.test_keys_cuts_and_credentials import role_grant, service, uploader
from tests.support import crashes

__all__ = ["role_grant", "service", "uploader"]
pytestmark = pytest.mark.django_db(transaction=True)
DENIED = {"code": "AccessDenied", "status": 403, "message": "no"}


def kinds(world: World) -> list[str]:
    """Give what reconcile finds about our principal's grants; others' tests leave things in the same account."""
    found = reconcile.plan(aws=world.aws, actor=world.actor).plan
    return [entry["kind"] for entry in found if entry["subject"].endswith(world.principal.arn)]


def test_a_grant_that_failed_without_an_answer_is_reported(world: World, settings: Any, state: Any) -> None:
    settings.OPERATION_MAX_ATTEMPTS = 1
    world.goes_wrong("CreateAccessGrant", "reset", when="after")
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert (state(grant), world.in_aws()) == ("failed", ["data/*"])
    assert "grant_leftover" in kinds(world)


def test_a_grant_of_others_in_the_place_of_a_failed_one_is_reported(world: World, state: Any) -> None:
    world.aws.access_grants.create_grant(
        location_id=world.location.aws_id,
        sub_prefix="data/*",
        grantee=world.principal.arn,
        permission="READ",
        is_object=False,
        tags={},
    )
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert state(grant) == "failed"
    assert "grant_foreign" in kinds(world)


def test_an_old_deletion_tried_again_leaves_the_new_grant_alone(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrant", **DENIED)
    old, operation = world.wish()
    crashes.execute(operation, world.aws)
    deletion = world.revoke(old)
    world.goes_wrong("ListAccessGrants", **DENIED)
    assert crashes.execute(deletion, world.aws).state == "failed"
    new = world.given()
    operations.retry(operation=deletion, actor=world.actor, reason="again")
    crashes.settle(world.aws)
    assert (state(old), state(new), world.in_aws()) == ("deleted", "active", ["data/*"])


def test_a_user_without_our_tag_is_still_the_one_we_made(world: World, state: Any) -> None:
    name = world.principal.name
    client = world.stack.aws("iam")
    client.untag_user(UserName=name, TagKeys=["cellenium-admin:deployment"])
    keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    found = principals.remove(principal=world.principal, actor=world.actor, reason="left")
    world.done(*found)
    assert state(world.principal) == "deleted"
    assert world.aws.iam.user(name) is None


def test_a_deletion_is_not_given_up(world: World, state: Any) -> None:
    grant = world.given()
    deletion = world.revoke(grant)
    world.goes_wrong("DeleteAccessGrant", **DENIED)
    failed = crashes.execute(deletion, world.aws)
    assert failed.state == "failed"
    with pytest.raises(ConflictError):
        operations.give_up(operation=failed, actor=world.actor, reason="never mind")
    operations.retry(operation=failed, actor=world.actor, reason="mended")
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])


def test_what_breaks_each_time_ends_for_a_person_to_see(world: World, settings: Any, state: Any) -> None:
    settings.OPERATION_MAX_ATTEMPTS = 3
    _, operation = world.wish()
    executor = mock.Mock(
        wraps=EXECUTORS[Operation.Kind.CREATE_GRANT], perform=mock.Mock(side_effect=ValueError("s3cret"))
    )
    with mock.patch.dict(operations.EXECUTORS, {Operation.Kind.CREATE_GRANT: executor}):
        for _ in range(5):
            operation_queue.drain(aws=world.aws)
            crashes.bury_the_dead()
    operation.refresh_from_db()
    assert (operation.state, executor.perform.call_count) == ("failed", 3)
    assert "s3cret" not in operation.error_detail


def test_many_that_wait_do_not_starve_the_others(world: World, state: Any) -> None:
    for number in range(101):
        world.wish(f"part-{number}/*")
    _, operation = principals.create_user(name=world.stack.aws.name("last"), actor=world.actor)
    waiting = mock.Mock(perform=mock.Mock(side_effect=NotYetError("not yet")))
    with mock.patch.dict(operations.EXECUTORS, {Operation.Kind.CREATE_GRANT: waiting}):
        operation_queue.drain(aws=world.aws)
    assert state(operation) == "succeeded"


def test_waiting_becomes_rarer(world: World, settings: Any) -> None:
    settings.OPERATION_RETRY_SECONDS = 2.0
    _, operation = world.wish()
    Operation.objects.filter(pk=operation.pk).update(created_at=operation.created_at.replace(year=2020))
    waiting = mock.Mock(perform=mock.Mock(side_effect=NotYetError("not yet")))
    with mock.patch.dict(operations.EXECUTORS, {Operation.Kind.CREATE_GRANT: waiting}):
        done = crashes.execute(operation, world.aws)
    event = AuditEvent.objects.filter(action="operation.delayed").latest("at")
    assert (done.available_at - event.at).total_seconds() > 200


def test_credentials_are_not_given_after_a_revocation(
    world: World, service: Any, role_grant: Grant, uploader: Any
) -> None:
    check = credentials._check

    def revoked_meanwhile(*args: Any) -> None:
        check(*args)
        grants.revoke(grant=role_grant, actor=world.actor, reason="left")

    with mock.patch.object(credentials, "_check", revoked_meanwhile), pytest.raises(ConflictError):
        credentials.issue_data_access(grant=role_grant, user=uploader, actor=world.actor, aws=service)


def test_a_key_made_after_its_lease_was_lost_does_not_stay(world: World) -> None:
    make = type(world.aws.iam).create_key

    def late(*args: Any) -> Any:
        crashes.settle(world.aws)
        return make(world.aws.iam, *args)

    slow = mock.patch.object(type(world.aws.iam), "create_key", lambda self, name: late(name))
    with slow, pytest.raises(UnavailableError):
        keys.create(principal=world.principal, actor=world.actor, aws=world.aws)
    assert world.aws.iam.keys(world.principal.name) == []


def test_a_location_that_failed_can_be_removed_after_a_change(world: World, state: Any) -> None:
    world.goes_wrong("CreateAccessGrantsLocation", **DENIED)
    place, operation = locations.register(
        scope=f"s3://{world.stack.aws.make_bucket()}/", role_arn=world.stack.role_arn, actor=world.actor
    )
    crashes.execute(operation, world.aws)
    locations.change_role(location=place, role_arn=world.stack.make_role(), actor=world.actor)
    locations.remove(location=place, actor=world.actor, reason="never worked")
    crashes.settle(world.aws)
    assert state(place) == "deleted"


def test_a_request_for_a_principal_that_is_anothers_by_now_is_not_granted(world: World) -> None:
    asker, neighbour, curator = person("uploader"), person("neighbour"), User.objects.get(email="curator@example.org")
    principals.link(principal=world.principal, user=asker, actor=world.actor)
    asked = requests.ask(
        requester=asker,
        path=f"{world.stack.scope}data/*",
        permission="READ",
        justification="x",
        principal=Principal.objects.get(pk=world.principal.pk),
    )
    principals.link(principal=world.principal, user=neighbour, actor=world.actor)
    with pytest.raises(ConflictError):
        requests.approve(request=asked, decider=curator)


def test_a_request_on_a_location_that_went_can_be_taken_back(world: World, state: Any) -> None:
    asker = person("uploader")
    asked = requests.ask(requester=asker, path=f"{world.stack.scope}data/*", permission="READ", justification="x")
    world.done(locations.remove(location=world.location, actor=world.actor, reason="gone")[1])
    assert requests.cancel(request=asked, user=asker).state == "cancelled"


def test_a_revocation_after_a_lost_answer_waits_for_what_may_still_appear(
    world: World, settings: Any, state: Any
) -> None:
    settings.PROPAGATION_SECONDS = 300
    world.goes_wrong("CreateAccessGrant", "reset", when="after")
    grant, operation = world.wish()
    crashes.execute(operation, world.aws)
    deletion = world.revoke(grant)
    world.control.set_knobs(list_lag=60)
    try:
        crashes.settle(world.aws, rounds=3)
    finally:
        world.control.set_knobs(list_lag=0)
    assert state(deletion) == "pending"
    crashes.settle(world.aws)
    assert (state(grant), world.in_aws()) == ("deleted", [])
