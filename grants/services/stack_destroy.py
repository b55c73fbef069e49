"""Taking a stack down: grants, locations, parts for uploads, instance, roles, group; an unnamed bucket stays."""

from collections.abc import Callable, Iterator

from django.db.models import QuerySet

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from grants.aws.gateway import Aws, Receipt
from grants.models import Grant, Location, Operation, Origin, State
from grants.services import grants, locations, operations, ownership, stack_calls, stack_upload_destroy
from grants.services.stack_desired import Role, Stack
from grants.services.stack_steps import Call, Step

REASON = "access destroy"
Report = Callable[[Step], None]


def destroy(
    *,
    aws: Aws,
    stack: Stack,
    actor: Actor,
    report: Report,
    revoke_grants: bool = False,
    confirm_bucket: str = "",
) -> None:
    """Take away what is ours, in the order AWS wants.

    Raises ConflictError while there are grants and `revoke_grants` was not asked for, or where the name typed is
    another one than the bucket's; AwsError. Doing it again after any crash goes on where it stopped.
    """
    if confirm_bucket and confirm_bucket != stack.bucket:
        raise ConflictError(f"{confirm_bucket} is not the name of the bucket {stack.bucket}; nothing was done.")
    places = list(Location.objects.existing().filter(scope__startswith=stack.scope, origin=Origin.MANAGED))
    _remove_grants(aws, places, actor, report, allowed=revoke_grants)
    _remove_locations(aws, places, actor, report)
    for step in _rest(aws, stack, with_bucket=bool(confirm_bucket)):
        report(step)
        for call in step.calls:
            stack_calls.make(call, part=step.part, actor=actor)


def _remove_grants(aws: Aws, places: list[Location], actor: Actor, report: Report, *, allowed: bool) -> None:
    found = Grant.objects.existing().filter(location__in=places).select_related("location", "principal")
    wanted = [grant for grant in found if grant.state != State.PENDING_DELETE]
    if wanted and not allowed:
        raise ConflictError(
            f"There are {len(wanted)} grants on this bucket: revoke them first, or say --revoke-grants.",
            code="has_grants",
        )
    if foreign := [grant.aws_id for grant in wanted if grant.origin == Origin.FOREIGN]:
        raise ConflictError(f"Grants of others stand in the way: {', '.join(foreign[:10])}.", code="not_ours")
    for grant in wanted:
        report(Step("grant", str(grant), "ours", "is revoked"))
        grants.revoke(grant=grant, actor=actor, reason=REASON)
    _carry_out(aws, Operation.objects.unfinished().filter(kind=Operation.Kind.DELETE_GRANT))


def _remove_locations(aws: Aws, places: list[Location], actor: Actor, report: Report) -> None:
    for place in places:
        report(Step("location", place.scope, "ours", "is removed"))
        if place.state != State.PENDING_DELETE:
            locations.remove(location=place, actor=actor, reason=REASON)
    _carry_out(aws, Operation.objects.unfinished().filter(kind=Operation.Kind.DELETE_LOCATION))


def _carry_out(aws: Aws, found: QuerySet[Operation]) -> None:
    ids = list(found.order_by("number").values_list("pk", flat=True))
    for operation in operations.execute_all(operation_ids=ids, aws=aws):
        if operation.state != Operation.State.SUCCEEDED:
            why = operation.error_detail or operation.error_code or operation.state
            raise ConflictError(f"{operation} is not done yet ({why}): run this again.", code="not_done")


def _rest(aws: Aws, stack: Stack, *, with_bucket: bool) -> Iterator[Step]:
    yield from stack_upload_destroy.steps(aws, stack)
    yield _instance(aws, stack)
    for role in stack.roles:
        yield _role(aws, role)
    yield _group(aws, stack)
    if with_bucket:
        gone = aws.buckets.bucket(stack.bucket) is None
        call = Call("s3 DeleteBucket", stack.bucket, lambda: aws.buckets.delete(stack.bucket))
        yield Step("bucket", stack.bucket, "gone" if gone else "ours", calls=() if gone else (call,))
    else:
        yield Step("bucket", stack.bucket, "kept", "its data stay; to delete an empty bucket say --bucket NAME")


def _instance(aws: Aws, stack: Stack) -> Step:
    part, found = "access grants instance", aws.access_grants.instance()
    if found is None:
        return Step(part, stack.instance_arn, "gone")
    if not ownership.is_ours(aws.access_grants.tags(found.arn)):
        return Step(part, found.arn, "foreign", "it was not made here and is left alone")
    if next(aws.access_grants.locations(), None) is not None:
        return Step(part, found.arn, "kept", "other locations need it")
    call = Call("s3control DeleteAccessGrantsInstance", found.arn, aws.access_grants.delete_instance)
    return Step(part, found.arn, "ours", calls=(call,))


def _role(aws: Aws, role: Role) -> Step:
    name = role.name
    found = aws.iam.role(name)
    if found is None:
        return Step(role.part, name, "gone")
    if found.path != ownership.PATH or not ownership.is_ours(aws.iam.role_tags(name)):
        return Step(role.part, name, "foreign", "it was not made here and is left alone")
    places = aws.access_grants.locations() if aws.access_grants.instance() else ()
    users = [place.scope for place in places if place.role_arn.endswith(f"/{name}")]
    if users:
        return Step(role.part, name, "kept", f"it serves {', '.join(users)}")
    return Step(role.part, name, "ours", calls=(*_role_policies(aws, name), _delete_role(aws, name)))


def _role_policies(aws: Aws, name: str) -> Iterator[Call]:
    for policy in aws.iam.role_policies(name):
        yield Call("iam DeleteRolePolicy", name, _bound(aws.iam.delete_role_policy, name, policy), {"name": policy})
    for arn in aws.iam.attached_role_policies(name):
        yield Call("iam DetachRolePolicy", name, _bound(aws.iam.detach_role_policy, name, arn), {"arn": arn})


def _delete_role(aws: Aws, name: str) -> Call:
    return Call("iam DeleteRole", name, lambda: aws.iam.delete_role(name))


def _group(aws: Aws, stack: Stack) -> Step:
    part, name = "uploader group", stack.group
    path = aws.iam.group_path(name)
    if path is None:
        return Step(part, name, "gone")
    if path != ownership.PATH:
        return Step(part, name, "foreign", "it was not made here and is left alone")
    members = [user.name for user in aws.iam.group_members(name)]
    if members:
        return Step(part, name, "kept", f"{len(members)} users are in it: `access delete user` first")
    policies = [
        Call("iam DeleteGroupPolicy", name, _bound(aws.iam.delete_group_policy, name, policy), {"name": policy})
        for policy in aws.iam.group_policies(name)
    ]
    return Step(
        part, name, "ours", calls=(*policies, Call("iam DeleteGroup", name, lambda: aws.iam.delete_group(name)))
    )


def _bound(call: Callable[..., Receipt], *values: str) -> Callable[[], Receipt]:
    return lambda: call(*values)
