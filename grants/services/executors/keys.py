"""Access keys: switched on and off, deleted, and what a lost answer has left behind pruned."""

from django.db.models import QuerySet

from cellenium_admin.core.exceptions import ConflictError
from grants.aws.errors import AwsNotFoundError
from grants.aws.gateway import Aws
from grants.models import AccessKey, Operation, State
from grants.services import settlement
from grants.services.operation_calls import Calls, Change, Executor, Result


def _prune(aws: Aws, operation: Operation, calls: Calls) -> Result:
    """Delete the key whose secret nobody has: a creation is never tried again, its outcome only cleaned up."""
    key = AccessKey.objects.select_related("principal").get(pk=operation.subject_id)
    return {"pruned": prune(aws, key, calls)}


def prune(aws: Aws, key: AccessKey, calls: Calls) -> list[str]:
    """Delete what is there, was not there before this key was asked for, and is recorded nowhere."""
    known = set(key.ids_before) | set(_recorded(key))
    name, pruned = key.principal.name, []
    for found in aws.iam.keys(name):
        if found.id in known:
            continue
        try:
            calls.note(f"DeleteAccessKey {found.id}", aws.iam.delete_key(name, found.id))
        except AwsNotFoundError:
            continue
        pruned.append(found.id)
    return pruned


def _recorded(key: AccessKey) -> list[str]:
    keys = AccessKey.objects.filter(principal=key.principal).exclude(access_key_id="")
    return list(keys.values_list("access_key_id", flat=True))


def _pruned(operation: Operation, result: Result) -> Change:
    del result
    return settlement.fail(settlement.subject(AccessKey, operation))


def _set_status(aws: Aws, operation: Operation, calls: Calls) -> Result:
    key = AccessKey.objects.select_related("principal").get(pk=operation.subject_id)
    if _later(operation).exists():
        return {"superseded": True}
    active = bool(operation.args["enabled"])
    try:
        receipt = aws.iam.set_key_active(key.principal.name, key.access_key_id, active=active)
    except AwsNotFoundError:
        return {"already_gone": True}
    calls.note("UpdateAccessKey", receipt)
    return {"enabled": active}


def _later(operation: Operation) -> QuerySet[Operation]:
    """Select later orders about the same key: the last word counts, also where it could not be carried out yet."""
    orders = Operation.objects.filter(subject_type=operation.subject_type, subject_id=operation.subject_id)
    kinds = (Operation.Kind.SET_KEY_STATUS, Operation.Kind.DELETE_KEY)
    later = orders.filter(kind__in=kinds, number__gt=operation.number)
    return later.exclude(state=Operation.State.CANCELLED)


def _not_after(operation: Operation) -> Change:
    """Refuse to try an order again that a later one has overtaken. Raises ConflictError."""
    if later := _later(operation).first():
        detail = f"A later order about this key ({later.kind}, {later.state}) stands: give a new one instead."
        raise ConflictError(detail, code="superseded")
    return Change()


def _status_set(operation: Operation, result: Result) -> Change:
    key = settlement.subject(AccessKey, operation)
    if "superseded" in result:
        return Change()
    if "already_gone" in result:
        return settlement.gone(key)
    return settlement.confirm(key, is_enabled=result["enabled"])


def _delete(aws: Aws, operation: Operation, calls: Calls) -> Result:
    key = AccessKey.objects.select_related("principal").get(pk=operation.subject_id)
    if not key.access_key_id:
        return {"never_confirmed": True}
    try:
        calls.note("DeleteAccessKey", aws.iam.delete_key(key.principal.name, key.access_key_id))
    except AwsNotFoundError:
        return {"already_gone": True}
    return {}


def _deleted(operation: Operation, result: Result) -> Change:
    del result
    return settlement.gone(settlement.subject(AccessKey, operation))


def _failed(operation: Operation) -> Change:
    key = settlement.subject(AccessKey, operation)
    return settlement.fail(key) if key.state == State.PENDING_CREATE else Change()


CREATE = Executor(_prune, _pruned, _failed, lambda _: Change())
SET_STATUS = Executor(_set_status, _status_set, lambda _: Change(), _not_after)
DELETE = Executor(_delete, _deleted, lambda _: Change(), lambda _: Change())
