"""What somebody who may tag, or who tries old orders again, could have made of us: each once worked."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cellenium_admin.core.exceptions import ConflictError
from grants.models import AccessKey, Grant, Location, Operation
from grants.services import adoption, grants, keys, locations, operations, ownership, principals, reconcile
from tests.grants.failures.conftest import World
from tests.support import crashes

pytestmark = pytest.mark.django_db(transaction=True)


def lost(world: World, operation: Operation) -> None:
    """Carry an operation out so that AWS has done it and nobody knows."""
    with crashes.before_the_outcome(), pytest.raises(crashes.Crash):
        operations.execute(operation_id=operation.pk, aws=world.aws)


def tagged(world: World, name: str, tags: dict[str, str]) -> None:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    world.stack.aws("iam").tag_user(UserName=name, Tags=listed)


def age(operation: Operation, **back: int) -> None:
    Operation.objects.filter(pk=operation.pk).update(created_at=timezone.now() + timedelta(**back))


def failed(operation: Operation) -> Operation:
    operation.refresh_from_db()
    assert operation.state == "failed", operation.error_detail
    return operation


def refuse(world: World, call: str, operation: Operation) -> None:
    """Let AWS refuse the call of an operation once, so that a person has to look."""
    world.goes_wrong(call, code="AccessDenied", status=403)
    crashes.execute(operation, world.aws)
    assert failed(operation).error_code == "AccessDenied"


@pytest.mark.parametrize("path", ["/", ownership.PATH])
def test_a_user_of_others_with_our_tag_is_not_taken_over(path: str, world: World) -> None:
    name = world.stack.aws.name("boss")
    world.stack.aws("iam").create_user(UserName=name, Path=path)
    tagged(world, name, ownership.tags("stack"))
    _, operation = principals.create_user(name=name, actor=world.actor)
    operations.execute(operation_id=operation.pk, aws=world.aws)
    assert "not ours" in failed(operation).error_detail
    assert world.aws.iam.groups_of(name) == []


def test_a_user_that_is_older_than_the_order_is_not_taken_over(world: World) -> None:
    name = world.stack.aws.name("boss")
    _, operation = principals.create_user(name=name, actor=world.actor)
    world.stack.aws("iam").create_user(UserName=name, Path=ownership.PATH)
    tagged(world, name, ownership.tags(operation.pk))
    age(operation, minutes=20)
    operations.execute(operation_id=operation.pk, aws=world.aws)
    assert "not ours" in failed(operation).error_detail


def test_what_a_lost_answer_has_made_is_still_taken_over(world: World, state: Any) -> None:
    name = world.stack.aws.name("uploader")
    principal, operation = principals.create_user(name=name, actor=world.actor)
    lost(world, operation)
    crashes.settle(world.aws)
    assert state(principal) == "active"


def test_a_user_of_others_with_our_tag_is_not_deleted(world: World, state: Any) -> None:
    name = world.stack.aws.name("boss")
    world.stack.aws("iam").create_user(UserName=name, Path=ownership.PATH)
    tagged(world, name, ownership.tags("stack"))
    principal, operation = principals.create_user(name=name, actor=world.actor)
    operations.execute(operation_id=operation.pk, aws=world.aws)
    failed(operation)
    world.done(*principals.remove(principal=principal, actor=world.actor, reason="left"))
    assert state(principal) == "deleted"
    assert world.aws.iam.user(name) is not None


def test_an_old_deletion_leaves_the_next_user_of_that_name_alone(world: World, settings: Any, state: Any) -> None:
    settings.OPERATION_MAX_ATTEMPTS = 1
    name = world.stack.aws.name("uploader")
    first, operation = principals.create_user(name=name, actor=world.actor)
    world.goes_wrong("CreateUser", "reset", when="after")
    crashes.execute(operation, world.aws)
    (going,) = principals.remove(principal=first, actor=world.actor, reason="left")
    refuse(world, "DeleteUser", going)
    second, again = principals.create_user(name=name, actor=world.actor)
    world.done(again)
    operations.retry(operation=going, actor=world.actor, reason="mended")
    world.done(going)
    assert (state(first), state(second)) == ("deleted", "active")
    assert world.aws.iam.user(name) is not None


def test_a_location_of_others_with_our_tag_is_not_deleted(world: World, state: Any) -> None:
    scope = f"{world.stack.scope}theirs/"
    found, _ = world.aws.access_grants.create_location(scope, world.stack.role_arn, ownership.tags("stack"))
    location, operation = locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    operations.execute(operation_id=operation.pk, aws=world.aws)
    assert "somebody else" in failed(operation).error_detail
    _, going = locations.remove(location=location, actor=world.actor, reason="test")
    world.done(going)
    assert state(location) == "deleted"
    assert world.aws.access_grants.location(found.id) is not None


def test_what_a_lost_answer_has_registered_is_removed(world: World, settings: Any) -> None:
    settings.OPERATION_MAX_ATTEMPTS = 1
    scope = f"{world.stack.scope}ours/"
    location, operation = locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    world.goes_wrong("CreateAccessGrantsLocation", "reset", when="after")
    crashes.execute(operation, world.aws)
    failed(operation)
    assert scope in [found.scope for found in world.aws.access_grants.locations()]
    world.done(locations.remove(location=location, actor=world.actor, reason="test")[1])
    assert scope not in [found.scope for found in world.aws.access_grants.locations()]


def test_an_old_removal_leaves_the_next_location_alone(world: World, settings: Any, state: Any) -> None:
    settings.OPERATION_MAX_ATTEMPTS = 1
    scope = f"{world.stack.scope}ours/"
    first, operation = locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    world.goes_wrong("CreateAccessGrantsLocation", "reset", when="after")
    crashes.execute(operation, world.aws)
    _, going = locations.remove(location=first, actor=world.actor, reason="test")
    refuse(world, "DeleteAccessGrantsLocation", going)
    second, again = locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    world.done(again)
    operations.retry(operation=going, actor=world.actor, reason="mended")
    world.done(going)
    assert (state(first), state(second)) == ("deleted", "active")
    assert scope in [found.scope for found in world.aws.access_grants.locations()]


@pytest.fixture
def key(world: World) -> AccessKey:
    return keys.create(principal=world.principal, actor=world.actor, aws=world.aws)[0]


def order(world: World, key: AccessKey, *, enabled: bool, fails: bool = False) -> Operation:
    operation = keys.set_enabled(key=key, enabled=enabled, actor=world.actor)
    if fails:
        refuse(world, "UpdateAccessKey", operation)
    else:
        world.done(operation)
    return operation


@pytest.mark.parametrize("later_fails", [False, True])
def test_an_old_order_does_not_switch_a_key_on_again(later_fails: bool, world: World, key: AccessKey) -> None:
    on = order(world, key, enabled=True, fails=True)
    order(world, key, enabled=False, fails=later_fails)
    with pytest.raises(ConflictError, match="later order") as refused:
        operations.retry(operation=on, actor=world.actor, reason="again")
    assert refused.value.code == "superseded"
    assert failed(on)


def test_an_order_that_was_overtaken_while_it_waited_does_nothing(world: World, key: AccessKey) -> None:
    on = order(world, key, enabled=True, fails=True)
    operations.retry(operation=on, actor=world.actor, reason="again")
    order_off = keys.set_enabled(key=key, enabled=False, actor=world.actor)
    world.done(on)
    on.refresh_from_db()
    assert on.result == {"superseded": True}
    world.done(order_off)
    assert [found.status for found in world.aws.iam.keys(world.principal.name)] == ["Inactive"]


def test_the_last_order_can_be_tried_again(world: World, key: AccessKey) -> None:
    off = order(world, key, enabled=False, fails=True)
    operations.retry(operation=off, actor=world.actor, reason="again")
    world.done(off)
    key.refresh_from_db()
    assert key.is_enabled is False


def foreign_grant(world: World) -> str:
    return world.aws.access_grants.create_grant(
        location_id=world.location.aws_id,
        sub_prefix="data/*",
        grantee=world.principal.arn,
        permission="READ",
        is_object=False,
        tags={},
    )[0].id


def test_a_grant_of_others_behind_a_failed_one_can_be_adopted_and_replaced(world: World, state: Any) -> None:
    aws_id = foreign_grant(world)
    wish, operation = world.wish()
    crashes.execute(operation, world.aws)
    assert state(wish) == "failed"
    reconcile.plan(aws=world.aws, actor=world.actor)
    row = Grant.objects.get(aws_id=aws_id)
    assert row.origin == "foreign"
    adoption.adopt(actor=world.actor, grants=[row])
    with pytest.raises(ConflictError, match="took its place"):
        operations.retry(operation=operation, actor=world.actor, reason="again")
    with pytest.raises(ConflictError, match="revoke it"):
        grants.replace(grant=row, actor=world.actor, reason="ours")
    world.done(world.revoke(wish))
    assert world.in_aws() == ["data/*"]
    made, going = grants.replace(grant=row, actor=world.actor, reason="ours")
    world.done(*going)
    assert (state(made), world.in_aws()) == ("active", ["data/*"])


def test_a_failed_wish_still_keeps_a_second_one_away(world: World) -> None:
    foreign_grant(world)
    _, operation = world.wish()
    crashes.execute(operation, world.aws)
    with pytest.raises(ConflictError, match="failed"):
        world.wish()


def test_a_location_of_others_behind_a_failed_one_can_be_adopted(world: World) -> None:
    scope = f"{world.stack.scope}theirs/"
    found, _ = world.aws.access_grants.create_location(scope, world.stack.role_arn, {})
    failing, operation = locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    operations.execute(operation_id=operation.pk, aws=world.aws)
    assert "adopt it" in failed(operation).error_detail
    reconcile.plan(aws=world.aws, actor=world.actor)
    row = Location.objects.get(aws_id=found.id)
    adoption.adopt(actor=world.actor, locations=[row])
    with pytest.raises(ConflictError, match="failed"):
        locations.register(scope=scope, role_arn=world.stack.role_arn, actor=world.actor)
    world.done(locations.remove(location=failing, actor=world.actor, reason="test")[1])
    assert world.aws.access_grants.location(found.id) is not None
