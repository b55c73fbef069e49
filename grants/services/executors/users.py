"""IAM users: made with path, tags and group; taken away with all that belongs to them."""

from django.db.models import QuerySet
from django.utils import timezone

from grants.aws.errors import AwsExistsError, AwsNotFoundError, AwsNotSettledError
from grants.aws.gateway import Aws, ObservedUser
from grants.models import AccessKey, Grant, Operation, Origin, Principal, State
from grants.services import ownership, provenance, settlement
from grants.services.operation_calls import BlockedError, Calls, Change, Executor, NotYetError, Result


def _create(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Make the user, or take over what an earlier attempt has made, and put it into the uploaders' group."""
    principal = Principal.objects.get(pk=operation.subject_id)
    if principal.state in {State.PENDING_DELETE, State.DELETED}:
        return {"superseded": True}
    user = _made(aws, principal, operation, calls)
    group = operation.args["group"]
    if group not in aws.iam.groups_of(user.name):
        calls.note("AddUserToGroup", aws.iam.add_to_group(user.name, group))
    return {"arn": user.arn, "unique_id": user.unique_id}


def _made(aws: Aws, principal: Principal, operation: Operation, calls: Calls) -> ObservedUser:
    try:
        user, receipt = aws.iam.create_user(principal.name, ownership.PATH, ownership.tags(operation.pk))
    except AwsExistsError as error:
        return _ours(aws, principal, operation, error)
    calls.note("CreateUser", receipt)
    return user


def _ours(aws: Aws, principal: Principal, operation: Operation, error: AwsExistsError) -> ObservedUser:
    user = aws.iam.user(principal.name)
    if user is None:
        raise AwsNotSettledError(error.operation, error.code, f"{error.message} It cannot be read yet.") from error
    tags = aws.iam.user_tags(user.name)
    others = Principal.objects.existing().filter(arn=user.arn).exclude(pk=principal.pk)
    ours = provenance.made_under(operation.natural_key, tags, kind=operation.kind, created_at=user.created_at)
    if ours and user.path == ownership.PATH and not others.exists():
        return user
    raise BlockedError(f"There is an IAM user {user.arn} already, and it is not ours: choose another name.")


def _created(operation: Operation, result: Result) -> Change:
    principal = settlement.subject(Principal, operation)
    if "superseded" in result:
        return Change()
    return settlement.confirm(principal, arn=result["arn"], unique_id=result["unique_id"])


def _delete(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Take everything from the user that AWS wants gone first, then the user; each step may find its work done."""
    principal = Principal.objects.get(pk=operation.subject_id)
    _wait_for_grants(operation)
    user = aws.iam.user(principal.name)
    if user is None:
        return {"already_gone": True}
    if not _is_the_one(aws, principal, user):
        return {"left_alone": f"{user.arn} is another user by now ({user.unique_id})"}
    remove_user(aws, user.name, calls)
    return {}


def _wait_for_grants(operation: Operation) -> None:
    ours = Grant.objects.existing().exclude(origin=Origin.FOREIGN)
    if ours.filter(principal__id=operation.subject_id).exists():
        raise NotYetError("Grants of this principal are still to be taken away.")


def _is_the_one(aws: Aws, principal: Principal, user: ObservedUser) -> bool:
    if principal.unique_id:
        return principal.unique_id == user.unique_id
    if Principal.objects.existing().filter(unique_id=user.unique_id).exists() or user.path != ownership.PATH:
        return False
    tags, kind = aws.iam.user_tags(user.name), Operation.Kind.CREATE_USER
    return provenance.made_for(principal, tags, kind=kind, created_at=user.created_at)


def remove_user(aws: Aws, name: str, calls: Calls) -> None:
    """Switch the keys off, take away what belongs to the user, then the user.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    for key in aws.iam.keys(name):
        if key.status == "Active":
            calls.note(f"UpdateAccessKey {key.id}", aws.iam.set_key_active(name, key.id, active=False))
    for kind, identity in aws.iam.user_belongings(name).in_order():
        try:
            calls.note(f"remove {kind} {identity}", aws.iam.remove_belonging(name, kind, identity))
        except AwsNotFoundError:
            continue
    try:
        calls.note("DeleteUser", aws.iam.delete_user(name))
    except AwsNotFoundError:
        return


def _deleted(operation: Operation, result: Result) -> Change:
    del result
    principal = settlement.subject(Principal, operation)
    for key in _keys(principal):
        settlement.gone(key)
    return settlement.gone(principal)


def _keys(principal: Principal) -> QuerySet[AccessKey]:
    waiting = AccessKey.objects.filter(principal=principal, state=State.PENDING_CREATE)
    waiting.update(state=State.FAILED, updated_at=timezone.now())
    return AccessKey.objects.existing().filter(principal=principal).select_for_update(of=("self",))


def _failed(operation: Operation) -> Change:
    return settlement.fail(settlement.subject(Principal, operation))


def _revived(operation: Operation) -> Change:
    return settlement.revive(settlement.subject(Principal, operation))


def _forget(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Wait until its grants are gone; the identity itself was never ours."""
    del aws, calls
    _wait_for_grants(operation)
    return {}


def _add_to_group(aws: Aws, operation: Operation, calls: Calls) -> Result:
    name, group = operation.args["user"], operation.args["group"]
    if group not in aws.iam.groups_of(name):
        calls.note("AddUserToGroup", aws.iam.add_to_group(name, group))
    return {}


CREATE = Executor(_create, _created, _failed, _revived)
DELETE = Executor(_delete, _deleted, _failed, lambda _: Change())
FORGET = Executor(_forget, _deleted, _failed, lambda _: Change())
ADD_TO_GROUP = Executor(_add_to_group, lambda *_: Change(), lambda _: Change(), lambda _: Change())
