"""Locations: registered, given another role, removed."""

import re

from django.db import IntegrityError, transaction

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from grants import scopes
from grants.models import Grant, Location, Operation, Origin, State
from grants.services import facts, operations, rows, settlement
from grants.services.expiry import invalid

ROLE_ARN = re.compile(r"arn:[^:]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_Kind = Operation.Kind


def register(*, scope: str, role_arn: str, actor: Actor, reason: str = "") -> tuple[Location, Operation]:
    """Register a prefix with S3 Access Grants, served by a role.

    Raises InvalidInputError, ConflictError when there is one of this scope.
    """
    location = Location(scope=_checked_scope(scope), role_arn=_checked_role(role_arn))
    try:
        with transaction.atomic():
            if Location.objects.filter(scope=location.scope, state=State.FAILED).exists():
                detail = f"There is a location {scope} that failed: try its operation again, or remove it."
                raise ConflictError(detail, code="location_exists")
            location.save(force_insert=True)
            audit.record(
                action=Action.LOCATION_REGISTERED,
                actor=actor,
                obj=location,
                after=facts.of(location),
                reason=reason,
            )
            operation = _intend(_Kind.CREATE_LOCATION, location, actor, reason)
    except IntegrityError as error:
        raise ConflictError(f"There is a location {scope} already.", code="location_exists") from error
    return location, operation


def change_role(
    *, location: Location, role_arn: str, actor: Actor, reason: str = "", expected_version: int | None = None
) -> tuple[Location, Operation]:
    """Let another role serve a location of ours. Raises InvalidInputError, ConflictError, StaleVersionError."""
    role_arn = _checked_role(role_arn)
    with transaction.atomic():
        locked = rows.locked(location, expected_version=expected_version)
        _refuse_others(locked)
        if locked.state in {State.PENDING_DELETE, State.DELETED}:
            raise ConflictError(f"This location is {locked.state}; there is nothing to change.")
        change = settlement.change(locked, role_arn=role_arn)
        audit.record(
            action=Action.LOCATION_ROLE_CHANGED,
            actor=actor,
            obj=locked,
            before=change.before,
            after=change.after,
            reason=reason,
        )
        operation = _intend(_Kind.UPDATE_LOCATION, locked, actor, reason)
    return locked, operation


def remove(
    *, location: Location, actor: Actor, reason: str, expected_version: int | None = None
) -> tuple[Location, Operation]:
    """Take a location away, once no grant is on it.

    Raises ConflictError while there are grants, or when it is not ours; StaleVersionError.
    """
    with transaction.atomic():
        locked = rows.locked(location, expected_version=expected_version)
        _refuse_others(locked)
        if locked.state in {State.PENDING_DELETE, State.DELETED}:
            raise ConflictError(f"This location is {locked.state} already.")
        if count := Grant.objects.existing().exclude(state=State.PENDING_DELETE).filter(location=locked).count():
            raise ConflictError(f"There are {count} grants on {locked.scope}: revoke them first.", code="has_grants")
        change = settlement.change(locked, state=State.PENDING_DELETE)
        audit.record(
            action=Action.LOCATION_REMOVED,
            actor=actor,
            obj=locked,
            before=change.before,
            after=change.after,
            reason=reason,
        )
        operation = _intend(_Kind.DELETE_LOCATION, locked, actor, reason)
    return locked, operation


def _intend(kind: str, location: Location, actor: Actor, reason: str) -> Operation:
    key = f"location:{location.scope}"
    return operations.intend(kind=kind, natural_key=key, subject=location, args={}, actor=actor, reason=reason)


def _refuse_others(location: Location) -> None:
    if location.origin != Origin.MANAGED:
        raise ConflictError(f"{location.scope} was made outside of this service and is left alone.", code="not_ours")


def _checked_scope(scope: str) -> str:
    try:
        scopes.parse(scope)
    except scopes.ScopeError as error:
        raise invalid("scope", str(error)) from error
    if scope != scopes.SCHEME and not scope.endswith(("/", "*")) and scopes.parse(scope).key:
        raise invalid("scope", f"{scope} would also cover keys beside that prefix: end it with a /.")
    return scope


def _checked_role(role_arn: str) -> str:
    if not ROLE_ARN.fullmatch(role_arn) or len(role_arn) > 2048:
        raise invalid("role_arn", f"{role_arn} is not the ARN of an IAM role: arn:aws:iam::<account>:role/<name>.")
    return role_arn
