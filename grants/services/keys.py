"""Access keys of IAM users we made: asked for at once, their secret given to the caller alone, and kept nowhere.

CreateAccessKey cannot be repeated: a lost answer is a lost secret. So the ids that are there are written down before,
and whatever is there afterwards without a record is deleted, by this request or by whoever takes its lease over.
"""

import os
import socket

from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ApplicationError, ConflictError, LeaseLostError, UnavailableError
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from grants.aws.errors import AwsError, AwsNotFoundError
from grants.aws.gateway import Aws, NewKey
from grants.aws.secret import Secret
from grants.models import AccessKey, Operation, Principal, State
from grants.services import facts, operation_claims, operation_ends, operations, settlement
from grants.services.executors import EXECUTORS
from grants.services.executors.keys import prune
from grants.services.operation_calls import Calls, Change, Executor
from grants.services.principals import key_of

AWS_LIMIT = 2
_Kind = Operation.Kind


def create(*, principal: Principal, actor: Actor, aws: Aws, reason: str = "") -> tuple[AccessKey, Secret]:
    """Make an access key and give its secret, this once.

    Raises ConflictError when the user cannot have one more, UnavailableError when AWS did not answer: then there is
    no key, or none that anybody knows, and it is deleted.
    """
    _check_owner(principal)
    before = _there(principal, aws)
    if len(before) >= AWS_LIMIT:
        raise ConflictError(f"{principal.name} has {len(before)} access keys, AWS allows {AWS_LIMIT}: delete one.")
    key, lease = _begin(principal, before, actor, reason)
    calls = Calls()
    try:
        made, receipt = aws.iam.create_key(principal.name)
    except AwsError as error:
        raise _not_made(aws, key, lease, error, calls) from error
    calls.note(f"CreateAccessKey {made.id}", receipt)
    try:
        operation_ends.succeed(lease, _confirming(made), {"access_key_id": made.id}, calls=calls.made)
    except LeaseLostError as error:
        raise _too_late(aws, key, calls) from error
    key.refresh_from_db()
    return key, made.secret


def rotate(
    *, principal: Principal, actor: Actor, aws: Aws, reason: str = ""
) -> tuple[AccessKey, Secret, list[Operation]]:
    """Make a new key and switch the others off; they are deleted by hand once nothing uses them any more.

    Raises what `create` raises; the operations that switch off are still to be executed.
    """
    key, secret = create(principal=principal, actor=actor, aws=aws, reason=reason)
    others = AccessKey.objects.active().filter(principal=principal, is_enabled=True).exclude(pk=key.pk)
    return key, secret, [set_enabled(key=other, enabled=False, actor=actor, reason=reason) for other in others]


def set_enabled(*, key: AccessKey, enabled: bool, actor: Actor, reason: str = "") -> Operation:
    """Switch a key on or off; it is off for AWS once the operation has been carried out. Raises ConflictError."""
    with transaction.atomic():
        locked = AccessKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        _check_exists(locked)
        change = Change({"is_enabled": locked.is_enabled}, {"is_enabled": enabled})
        _record(Action.KEY_STATUS_CHANGED, actor, locked, change, reason)
        return _intend(_Kind.SET_KEY_STATUS, locked, actor, reason, enabled=enabled)


def remove(*, key: AccessKey, actor: Actor, reason: str) -> Operation:
    """Delete a key. Raises ConflictError when it is going already."""
    with transaction.atomic():
        locked = AccessKey.objects.select_for_update(of=("self",)).get(pk=key.pk)
        _check_exists(locked)
        _record(Action.KEY_REMOVED, actor, locked, settlement.change(locked, state=State.PENDING_DELETE), reason)
        return _intend(_Kind.DELETE_KEY, locked, actor, reason)


def _there(principal: Principal, aws: Aws) -> list[str]:
    try:
        return [key.id for key in aws.iam.keys(principal.name)]
    except AwsNotFoundError as error:
        detail = f"AWS has no user {principal.name} any more: a reconcile tells what to do."
        raise ConflictError(detail, code="principal_gone") from error


def _begin(
    principal: Principal, before: list[str], actor: Actor, reason: str
) -> tuple[AccessKey, operation_claims.Lease]:
    """Write down what was there and that a key is being asked for, held by us."""
    try:
        with transaction.atomic():
            key = AccessKey(principal=principal, ids_before=before)
            key.save(force_insert=True)
            _record(Action.KEY_CREATED, actor, key, Change({}, facts.of(key)), reason)
            operation = _intend(_Kind.CREATE_KEY, key, actor, reason)
    except IntegrityError as error:
        raise ConflictError(f"A key of {principal.name} is being made already; look again in a moment.") from error
    claimed = operation_claims.claim(operation_id=operation.pk, worker=f"{socket.gethostname()}/{os.getpid()}")
    if claimed is None:
        raise ConflictError(f"Another change of {principal.name} is under way; try again in a moment.")
    return key, claimed[1]


def _not_made(
    aws: Aws, key: AccessKey, lease: operation_claims.Lease, error: AwsError, calls: Calls
) -> ApplicationError:
    """Delete what the lost answer may have left behind, end the operation, and give the error for the caller."""
    executor = EXECUTORS[_Kind.CREATE_KEY]
    try:
        pruned = prune(aws, key, calls)
    except AwsError as again:
        # Whoever takes the lease over prunes: the operation stays open.
        return UnavailableError(f"AWS does not answer ({again.code}). No key was handed out; try again later.")
    operation_ends.succeed(lease, executor, {"pruned": pruned, "refused": error.code}, calls=calls.made)
    return UnavailableError(f"AWS made no key: {error.message or error.code}. Nothing was handed out; try again.")


def _too_late(aws: Aws, key: AccessKey, calls: Calls) -> UnavailableError:
    """Delete the key that came after another worker had closed its record; where that fails, reconcile reports it."""
    try:
        prune(aws, key, calls)
    except AwsError as error:
        return UnavailableError(f"AWS was too slow ({error.code}). No key was handed out; try again later.")
    return UnavailableError("AWS was too slow. No key was handed out; try again.")


def _confirming(made: NewKey) -> Executor:
    def settle(operation: Operation, result: dict[str, object]) -> Change:
        del result
        return settlement.confirm(settlement.subject(AccessKey, operation), access_key_id=made.id)

    return Executor(EXECUTORS[_Kind.CREATE_KEY].perform, settle, lambda _: Change(), lambda _: Change())


def _check_owner(principal: Principal) -> None:
    if not principal.is_ours or principal.kind != Principal.Kind.USER:
        raise ConflictError(f"{principal} was not made here: its keys are left alone.", code="not_ours")
    if principal.state != State.ACTIVE:
        raise ConflictError(f"{principal.name} is {principal.state}: a key needs a user that exists in AWS.")


def _check_exists(key: AccessKey) -> None:
    if key.state != State.ACTIVE:
        raise ConflictError(f"This key is {key.state}.")


def _intend(kind: str, key: AccessKey, actor: Actor, reason: str, **args: bool) -> Operation:
    natural_key = key_of(key.principal)
    return operations.intend(kind=kind, natural_key=natural_key, subject=key, args=args, actor=actor, reason=reason)


def _record(action: Action, actor: Actor, key: AccessKey, change: Change, reason: str) -> None:
    audit.record(action=action, actor=actor, obj=key, before=change.before, after=change.after, reason=reason)
