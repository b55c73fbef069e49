"""Grants in AWS: made and taken away. AWS knows no other change of one."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from grants.aws.errors import AwsExistsError, AwsNotFoundError, AwsNotSettledError
from grants.aws.gateway import Aws, ObservedGrant
from grants.models import Grant, Operation, State
from grants.services import ownership, settlement
from grants.services.operation_calls import BlockedError, Calls, Change, Executor, NotYetError, Result


def _create(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Make it, or take over what an earlier attempt has made; what is over by now is not made at all."""
    grant = _grant(operation)
    if grant.state in {State.PENDING_DELETE, State.DELETED} or grant.is_expired():
        return {"superseded": True, "unanswered": operation.attempts > 1}
    _wait_for_parts(grant)
    try:
        made, receipt = aws.access_grants.create_grant(
            location_id=grant.location.aws_id,
            sub_prefix=grant.sub_prefix,
            grantee=grant.principal.arn,
            permission=grant.permission,
            is_object=grant.is_object,
            tags=ownership.tags(operation.pk),
        )
    except AwsExistsError as error:
        made = _ours(aws, grant, operation, error)
    else:
        calls.note("CreateAccessGrant", receipt)
    return {"aws_id": made.id, "arn": made.arn, "scope": made.scope}


def _wait_for_parts(grant: Grant) -> None:
    if State.PENDING_CREATE in {grant.location.state, grant.principal.state}:
        raise NotYetError("The location or the principal is not in AWS yet.")
    if grant.location.state != State.ACTIVE:
        raise BlockedError(f"The location {grant.location} is {grant.location.state}.", code="location_unusable")
    if grant.principal.state != State.ACTIVE:
        raise BlockedError(f"The principal {grant.principal} is {grant.principal.state}.", code="principal_unusable")


def _ours(aws: Aws, grant: Grant, operation: Operation, error: AwsExistsError) -> ObservedGrant:
    for found in _like(aws, grant):
        tags = aws.access_grants.tags(found.arn)
        if ownership.made_by(tags, operation.pk):
            return found
        if ownership.is_ours(tags) and not _is_of_another(grant, found):
            return found
        raise BlockedError(
            f"AWS has the same grant already ({found.id}), and it is not ours: adopt it, or delete it and retry."
        )
    raise AwsNotSettledError(error.operation, error.code, f"{error.message} It is not listed yet.") from error


def _is_of_another(grant: Grant, found: ObservedGrant) -> bool:
    return Grant.objects.existing().filter(aws_id=found.id).exclude(pk=grant.pk).exists()


def _like(aws: Aws, grant: Grant) -> Iterator[ObservedGrant]:
    """Give the grants in AWS with the same natural key."""
    listed = aws.access_grants.grants(grantee=grant.principal.arn, scope=grant.scope, permission=grant.permission)
    for found in listed:
        same = (found.grantee, found.scope, found.permission) == (grant.principal.arn, grant.scope, grant.permission)
        if same and found.location_id == grant.location.aws_id and not found.application_arn:
            yield found


def _created(operation: Operation, result: Result) -> Change:
    grant = settlement.subject(Grant, operation)
    if "superseded" in result:
        return Change()
    return settlement.confirm(grant, aws_id=result["aws_id"], arn=result["arn"])


def _delete(aws: Aws, operation: Operation, calls: Calls) -> Result:
    grant = _grant(operation)
    if not grant.aws_id:
        return _delete_unconfirmed(aws, grant, calls)
    try:
        calls.note("DeleteAccessGrant", aws.access_grants.delete_grant(grant.aws_id))
    except AwsNotFoundError:
        return {"already_gone": True}
    return {}


def _delete_unconfirmed(aws: Aws, grant: Grant, calls: Calls) -> Result:
    """Take away what attempts without an answer may have made; wait as long as it may still appear."""
    found = 0
    for made in _like(aws, grant) if grant.principal.arn and grant.location.aws_id else ():
        if not _is_of_another(grant, made) and ownership.is_ours(aws.access_grants.tags(made.arn)):
            calls.note("DeleteAccessGrant", aws.access_grants.delete_grant(made.id))
            found += 1
    if not found and _may_appear(grant):
        raise NotYetError("An earlier attempt had no answer; it may still appear in AWS.")
    return {"never_confirmed": True, "found": found}


def _may_appear(grant: Grant) -> bool:
    recent = timezone.now() - timedelta(seconds=settings.PROPAGATION_SECONDS)
    tries = Operation.objects.of(grant).filter(kind=Operation.Kind.CREATE_GRANT, attempts__gt=0)
    unanswered = Q(error_code="unknown_outcome") | Q(result__unanswered=True)
    return tries.filter(unanswered, finished_at__gt=recent).exists()


def _deleted(operation: Operation, result: Result) -> Change:
    del result
    return settlement.gone(settlement.subject(Grant, operation))


def _failed(operation: Operation) -> Change:
    return settlement.fail(settlement.subject(Grant, operation))


def _revived(operation: Operation) -> Change:
    return settlement.revive(settlement.subject(Grant, operation))


def _grant(operation: Operation) -> Grant:
    return Grant.objects.select_related("location", "principal").get(pk=operation.subject_id)


CREATE = Executor(_create, _created, _failed, _revived)
DELETE = Executor(_delete, _deleted, _failed, lambda _: Change())
