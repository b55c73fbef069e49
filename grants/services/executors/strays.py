"""What reconcile found and a person, or the setting, let go: things of ours that no row wants, and lost tags."""

from collections.abc import Callable

from grants.aws.errors import AwsNotFoundError
from grants.aws.gateway import Aws
from grants.models import AccessKey, Grant, Location, Operation, Principal
from grants.services import ownership
from grants.services.executors.users import remove_user
from grants.services.operation_calls import BlockedError, Calls, Change, Executor, Result, nothing


def _delete_grant(aws: Aws, operation: Operation, calls: Calls) -> Result:
    aws_id = operation.args["aws_id"]
    if Grant.objects.existing().exclude(state="pending_delete").filter(aws_id=aws_id).exists():
        raise BlockedError(f"The database wants the grant {aws_id} by now.", code="wanted")
    found = aws.access_grants.grant(aws_id)
    if found is None:
        return {"already_gone": True}
    _check_ours(aws.access_grants.tags(found.arn), aws_id)
    calls.note("DeleteAccessGrant", aws.access_grants.delete_grant(aws_id))
    return {}


def _delete_location(aws: Aws, operation: Operation, calls: Calls) -> Result:
    aws_id = operation.args["aws_id"]
    if Location.objects.existing().filter(aws_id=aws_id).exists():
        raise BlockedError(f"The database wants the location {aws_id} by now.", code="wanted")
    found = aws.access_grants.location(aws_id)
    if found is None:
        return {"already_gone": True}
    _check_ours(aws.access_grants.tags(found.arn), aws_id)
    calls.note("DeleteAccessGrantsLocation", aws.access_grants.delete_location(aws_id))
    return {}


def _delete_user(aws: Aws, operation: Operation, calls: Calls) -> Result:
    name = operation.args["name"]
    if Principal.objects.existing().filter(name=name, origin="managed").exists():
        raise BlockedError(f"The database wants the user {name} by now.", code="wanted")
    if aws.iam.user(name) is None:
        return {"already_gone": True}
    _check_ours(aws.iam.user_tags(name), name)
    remove_user(aws, name, calls)
    return {}


def _delete_key(aws: Aws, operation: Operation, calls: Calls) -> Result:
    user, key_id = operation.args["user"], operation.args["access_key_id"]
    if AccessKey.objects.existing().filter(access_key_id=key_id).exists():
        raise BlockedError(f"The database knows the key {key_id} by now.", code="wanted")
    return _unless_gone(lambda: calls.note("DeleteAccessKey", aws.iam.delete_key(user, key_id)))


def _tag(aws: Aws, operation: Operation, calls: Calls) -> Result:
    tags = ownership.tags(operation.args.get("operation_id", operation.pk))
    return _unless_gone(lambda: calls.note("TagResource", aws.access_grants.tag(operation.args["arn"], tags)))


def _unless_gone(call: Callable[[], None]) -> Result:
    try:
        call()
    except AwsNotFoundError:
        return {"already_gone": True}
    return {}


def _check_ours(tags: dict[str, str], what: str) -> None:
    if not ownership.is_ours(tags):
        raise BlockedError(f"{what} does not carry our tag (any more); what is not ours is never deleted.")


def _nothing(operation: Operation) -> Change:
    return nothing(operation)


DELETE_GRANT = Executor(_delete_grant, nothing, _nothing, _nothing)
DELETE_LOCATION = Executor(_delete_location, nothing, _nothing, _nothing)
DELETE_USER = Executor(_delete_user, nothing, _nothing, _nothing)
DELETE_KEY = Executor(_delete_key, nothing, _nothing, _nothing)
TAG = Executor(_tag, nothing, _nothing, _nothing)
