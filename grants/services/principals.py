"""Principals: IAM users we make, IAM users and roles we only know, and the people behind them."""

import re

from django.conf import settings
from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from grants.aws.gateway import Aws
from grants.models import Operation, Origin, Principal, State
from grants.services import facts, grants, operations, rows, settlement
from grants.services.expiry import invalid

USER_NAME = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
ARN = re.compile(r"arn:[^:]+:iam::\d{12}:(user|role)/([\w+=,.@/-]+)", re.ASCII)


def create_user(*, name: str, actor: Actor, user: User | None = None, reason: str = "") -> tuple[Principal, Operation]:
    """Make an IAM user in the uploaders' group. Raises InvalidInputError, ConflictError when the name is taken."""
    if not USER_NAME.fullmatch(name):
        raise invalid("name", "Give a user name of 1 to 64 letters, digits and + = , . @ _ -.")
    principal = Principal(name=name, kind=Principal.Kind.USER, user=user)
    try:
        with transaction.atomic():
            principal.save(force_insert=True)
            audit.record(
                action=Action.PRINCIPAL_CREATED,
                actor=actor,
                obj=principal,
                after=facts.of(principal),
                reason=reason,
            )
            operation = operations.intend(
                kind=Operation.Kind.CREATE_USER,
                natural_key=key_of(principal),
                subject=principal,
                args={"group": settings.UPLOADER_GROUP},
                actor=actor,
                reason=reason,
            )
    except IntegrityError as error:
        detail = f"There is a user {name} already, or one whose name differs in letter case only."
        raise ConflictError(detail, code="principal_exists") from error
    return principal, operation


def register(*, arn: str, actor: Actor, aws: Aws, user: User | None = None, reason: str = "") -> Principal:
    """Know an IAM user or role that exists, so that grants can be given to it; nothing in AWS changes.

    Raises InvalidInputError when it is no such ARN or AWS has no such identity, ConflictError when it is known.
    """
    kind, name, unique_id = _looked_up(arn, aws)
    principal = Principal(
        name=name, kind=kind, arn=arn, unique_id=unique_id, user=user, origin=Origin.ADOPTED, state=State.ACTIVE
    )
    try:
        with transaction.atomic():
            principal.save(force_insert=True)
            audit.record(
                action=Action.PRINCIPAL_REGISTERED,
                actor=actor,
                obj=principal,
                after=facts.of(principal),
                reason=reason,
            )
    except IntegrityError as error:
        raise ConflictError(f"{arn} is known already.", code="principal_exists") from error
    return principal


def link(
    *, principal: Principal, user: User | None, actor: Actor, reason: str = "", expected_version: int | None = None
) -> Principal:
    """Say which person is behind a principal: they see its grants, and may ask for it. Raises StaleVersionError."""
    with transaction.atomic():
        locked = rows.locked(principal, expected_version=expected_version)
        change = settlement.change(locked, user=user)
        audit.record(
            action=Action.PRINCIPAL_LINKED,
            actor=actor,
            obj=locked,
            before=change.before,
            after=change.after,
            reason=reason,
        )
    return locked


def remove(
    *,
    principal: Principal,
    actor: Actor,
    reason: str,
    expected_version: int | None = None,
    delete_adopted: bool = False,
) -> list[Operation]:
    """Take a principal away: its grants first, then its keys and groups, then the user; gives all operations in order.

    Of a principal we did not make only the grants and our record go, unless `delete_adopted`. Raises ConflictError,
    StaleVersionError.
    """
    with transaction.atomic():
        locked = rows.locked(principal, expected_version=expected_version)
        if locked.state in {State.PENDING_DELETE, State.DELETED}:
            raise ConflictError(f"This principal is {locked.state} already.")
        if locked.origin == Origin.FOREIGN:
            raise ConflictError(f"{locked} is not ours and is left alone: adopt it first.", code="not_ours")
        intended = grants.revoke_all_of(principal=locked, actor=actor, reason=reason)
        change = settlement.change(locked, state=State.PENDING_DELETE)
        audit.record(
            action=Action.PRINCIPAL_REMOVED,
            actor=actor,
            obj=locked,
            before=change.before,
            after=change.after,
            reason=reason,
        )
        intended.append(_removal(locked, actor, reason, in_aws=locked.is_ours or delete_adopted))
    return intended


def give_up_lost(*, principal: Principal, actor: Actor, reason: str) -> list[Operation]:
    """Take away what is ours of a principal that AWS has no more, or has anew, inside the caller's transaction.

    Foreign grants to it stay where they are and are reported; an empty list when it is going already.
    """
    locked = rows.locked(principal, expected_version=None)
    if locked.state in {State.PENDING_DELETE, State.DELETED}:
        return []
    intended = grants.revoke_ours_of(principal=locked, actor=actor, reason=reason)
    change = settlement.change(locked, state=State.PENDING_DELETE)
    audit.record(
        action=Action.PRINCIPAL_REMOVED,
        actor=actor,
        obj=locked,
        before=change.before,
        after=change.after,
        reason=reason,
    )
    return [*intended, _removal(locked, actor, reason, in_aws=locked.is_ours)]


def _removal(principal: Principal, actor: Actor, reason: str, *, in_aws: bool) -> Operation:
    return operations.intend(
        kind=Operation.Kind.DELETE_USER if in_aws else Operation.Kind.FORGET_PRINCIPAL,
        natural_key=key_of(principal),
        subject=principal,
        args={},
        actor=actor,
        reason=reason,
    )


def key_of(principal: Principal) -> str:
    """Give the natural key of operations on a principal; IAM's names do not differ by letter case alone."""
    return f"principal:{principal.kind}:{principal.name.lower()}"


def _looked_up(arn: str, aws: Aws) -> tuple[str, str, str]:
    match = ARN.fullmatch(arn)
    if match is None:
        raise invalid("arn", f"{arn} is not the ARN of an IAM user or role: arn:aws:iam::<account>:user/<name>.")
    if arn.split(":")[4] != aws.account:
        raise invalid("arn", f"{arn} is of another account; grants are given within {aws.account} here.")
    kind, name = match[1], match[2].rpartition("/")[2]
    found = aws.iam.user(name) if kind == Principal.Kind.USER else aws.iam.role(name)
    if found is None or found.arn != arn:
        raise invalid("arn", f"AWS has no {arn}: look at its path and letter case.", code="no_such_identity")
    return kind, name, found.unique_id
