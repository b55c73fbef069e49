"""Locations in AWS: made, given another role, taken away."""

from grants.aws.errors import AwsExistsError, AwsNotFoundError, AwsNotSettledError
from grants.aws.gateway import Aws, ObservedLocation
from grants.models import Grant, Location, Operation, State
from grants.services import ownership, provenance, settlement
from grants.services.operation_calls import BlockedError, Calls, Change, Executor, NotYetError, Result


def _create(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Make it, or take over what an earlier attempt has made."""
    location = Location.objects.get(pk=operation.subject_id)
    if location.state in {State.PENDING_DELETE, State.DELETED}:
        return {"superseded": True}
    tags = ownership.tags(operation.pk)
    try:
        made, receipt = aws.access_grants.create_location(location.scope, location.role_arn, tags)
    except AwsExistsError as error:
        made = _ours(aws, location, operation, error)
    else:
        calls.note("CreateAccessGrantsLocation", receipt)
    if made.role_arn != location.role_arn:
        calls.note("UpdateAccessGrantsLocation", aws.access_grants.update_location(made.id, location.role_arn))
    return {"aws_id": made.id, "arn": made.arn}


def _ours(aws: Aws, location: Location, operation: Operation, error: AwsExistsError) -> ObservedLocation:
    found = _find(aws, location.scope)
    if found is None:
        raise AwsNotSettledError(error.operation, error.code, f"{error.message} It is not listed yet.") from error
    tags, key = aws.access_grants.tags(found.arn), operation.natural_key
    others = Location.objects.existing().filter(aws_id=found.id).exclude(pk=location.pk)
    ours = provenance.made_under(key, tags, kind=operation.kind, created_at=found.created_at)
    if not ours or others.exists():
        raise BlockedError(f"{location.scope} is registered already, by somebody else: adopt it instead ({found.id}).")
    return found


def _find(aws: Aws, scope: str) -> ObservedLocation | None:
    return next((found for found in aws.access_grants.locations() if found.scope == scope), None)


def _created(operation: Operation, result: Result) -> Change:
    location = settlement.subject(Location, operation)
    if "superseded" in result:
        return Change()
    return settlement.confirm(location, aws_id=result["aws_id"], arn=result["arn"])


def _update(aws: Aws, operation: Operation, calls: Calls) -> Result:
    location = Location.objects.get(pk=operation.subject_id)
    if not location.aws_id:
        if location.state != State.PENDING_CREATE:
            return {"superseded": True}
        raise NotYetError("The location is not in AWS yet.")
    calls.note("UpdateAccessGrantsLocation", aws.access_grants.update_location(location.aws_id, location.role_arn))
    return {}


def _updated(operation: Operation, result: Result) -> Change:
    location = settlement.subject(Location, operation)
    return Change() if "superseded" in result else settlement.confirm(location)


def _delete(aws: Aws, operation: Operation, calls: Calls) -> Result:
    location = Location.objects.get(pk=operation.subject_id)
    if Grant.objects.existing().filter(location=location).exists():
        raise NotYetError("Grants on this location are still to be taken away.")
    aws_id = location.aws_id or _left_behind(aws, location)
    if aws_id:
        try:
            calls.note("DeleteAccessGrantsLocation", aws.access_grants.delete_location(aws_id))
        except AwsNotFoundError:
            return {"already_gone": True}
    return {}


def _left_behind(aws: Aws, location: Location) -> str:
    """Find what attempts for this row have made without an answer; never what another row stands for."""
    found = _find(aws, location.scope)
    if found is None or Location.objects.existing().filter(aws_id=found.id).exists():
        return ""
    tags = aws.access_grants.tags(found.arn)
    kind = Operation.Kind.CREATE_LOCATION
    return found.id if provenance.made_for(location, tags, kind=kind, created_at=found.created_at) else ""


def _deleted(operation: Operation, result: Result) -> Change:
    del result
    return settlement.gone(settlement.subject(Location, operation))


def _failed(operation: Operation) -> Change:
    return settlement.fail(settlement.subject(Location, operation))


def _revived(operation: Operation) -> Change:
    return settlement.revive(settlement.subject(Location, operation))


CREATE = Executor(_create, _created, _failed, _revived)
UPDATE = Executor(_update, _updated, lambda _: Change(), lambda _: Change())
DELETE = Executor(_delete, _deleted, _failed, lambda _: Change())
