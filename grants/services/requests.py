"""Access requests: asked for by members, decided by somebody else, forgotten in time."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError, RefusedAttempt, RefusedError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from grants import scopes
from grants.models import AccessRequest, Grant, Location, Operation, Origin, Principal, State
from grants.services import expiry, facts, grants, rows
from grants.services.expiry import invalid

_Asked = AccessRequest.State


def ask(
    *,
    requester: User,
    path: str,
    permission: str,
    justification: str,
    wanted_until: datetime | None = None,
    principal: Principal | None = None,
    is_object: bool = False,
) -> AccessRequest:
    """Ask for access to a path such as `s3://bucket/data/*`, for one of one's own principals or one to be chosen.

    Raises InvalidInputError naming the field.
    """
    if not justification.strip():
        raise invalid("justification", "Say what you need it for: whoever decides knows you by this alone.")
    location, sub_prefix = _place(path)
    if principal is not None and principal.user_id != requester.pk:
        raise invalid("principal", "Ask for a principal of your own.", code="not_yours")
    request = AccessRequest(
        requester=requester,
        location=location,
        principal=principal,
        sub_prefix=sub_prefix,
        is_object=is_object,
        scope=grants.checked_scope(location, sub_prefix, is_object=is_object),
        permission=grants.checked_permission(permission),
        wanted_until=expiry.checked(wanted_until),
        justification=justification,
        lapses_at=timezone.now() + timedelta(days=settings.REQUEST_LAPSE_DAYS),
    )
    with transaction.atomic():
        request.save(force_insert=True)
        _record(Action.ACCESS_REQUESTED, Actor.of(requester), request, {}, justification)
    return request


def approve(
    *,
    request: AccessRequest,
    decider: User,
    principal: Principal | None = None,
    expires_at: datetime | None = None,
    sub_prefix: str | None = None,
    permission: str | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> tuple[AccessRequest, Grant, Operation]:
    """Give what was asked for, or less of it: a shorter time, a narrower scope, a lower permission.

    Raises RefusedError when the decider has asked for it, ConflictError when it is decided, InvalidInputError for
    more than was asked for, StaleVersionError.
    """
    _check_decider(request, decider, Action.ACCESS_APPROVED)
    with transaction.atomic():
        locked = _pending(request, expected_version)
        if locked.location.state != State.ACTIVE:
            raise ConflictError(f"The location {locked.location} is {locked.location.state}.", code="location_unusable")
        if principal is None and locked.principal is not None and locked.principal.user_id != locked.requester_id:
            raise ConflictError(f"{locked.principal} is not the requester's any more.", code="principal_unusable")
        locked.principal = principal or locked.principal
        wished = locked.sub_prefix if sub_prefix is None else sub_prefix
        until, granted = expires_at or locked.wanted_until, permission or locked.permission
        _check_within(locked, wished, until, granted)
        before = facts.of(AccessRequest.objects.get(pk=locked.pk))
        wish = {"sub_prefix": wished, "expires_at": until, "permission": granted}
        grant, operation = _give(locked, wish, decider, reason)
        _decide(locked, _Asked.APPROVED, decider, reason)
        _record(Action.ACCESS_APPROVED, Actor.of(decider), locked, before, reason)
    return locked, grant, operation


def _give(request: AccessRequest, wish: Mapping[str, Any], decider: User, reason: str) -> tuple[Grant, Operation]:
    if request.principal is None:
        raise invalid("principal", "Choose the principal this is for: none was asked for.")
    return grants.create(
        **wish,
        location=request.location,
        principal=request.principal,
        is_object=request.is_object,
        actor=Actor.of(decider),
        reason=reason or request.justification,
        request=request,
        created_by=decider,
    )


def reject(*, request: AccessRequest, decider: User, reason: str, expected_version: int | None = None) -> AccessRequest:
    """Say no, and why. Raises RefusedError, ConflictError, InvalidInputError without a reason, StaleVersionError."""
    _check_decider(request, decider, Action.ACCESS_REJECTED)
    if not reason.strip():
        raise invalid("reason", "Say why: whoever asked will read it.")
    with transaction.atomic():
        locked = _pending(request, expected_version)
        before = facts.of(locked)
        _decide(locked, _Asked.REJECTED, decider, reason)
        _record(Action.ACCESS_REJECTED, Actor.of(decider), locked, before, reason)
    return locked


def cancel(*, request: AccessRequest, user: User, expected_version: int | None = None) -> AccessRequest:
    """Take one's own request back. Raises RefusedError, ConflictError, StaleVersionError."""
    if request.requester_id != user.pk:
        raise _refused("Only whoever asked may take a request back.", request, Action.ACCESS_CANCELLED)
    with transaction.atomic():
        locked = _pending(request, expected_version)
        before = facts.of(locked)
        _end(locked, _Asked.CANCELLED)
        _record(Action.ACCESS_CANCELLED, Actor.of(user), locked, before, "")
    return locked


def lapse_due(*, actor: Actor, now: datetime | None = None) -> int:
    """Forget requests nobody has decided in time, and give how many."""
    due = AccessRequest.objects.filter(state=_Asked.PENDING, lapses_at__lte=now or timezone.now())
    return sum(_lapse(request, actor) for request in due)


def _lapse(request: AccessRequest, actor: Actor) -> bool:
    with transaction.atomic():
        locked = AccessRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if locked.state != _Asked.PENDING:
            return False
        before = facts.of(locked)
        _end(locked, _Asked.LAPSED)
        _record(Action.ACCESS_LAPSED, actor, locked, before, "nobody decided in time")
    return True


def _place(path: str) -> tuple[Location, str]:
    """Find the closest location of a path, and what comes after it."""
    try:
        target = scopes.parse(path)
    except scopes.ScopeError as error:
        raise invalid("path", str(error)) from error
    usable = Location.objects.active().exclude(origin=Origin.FOREIGN)
    found = [place for place in usable if scopes.parse(place.scope).covers(target)]
    if not found:
        raise invalid("path", f"Nothing here serves {path}: ask a curator which prefixes can be asked for.")
    place = max(found, key=lambda one: scopes.parse(one.scope).closeness)
    scope = scopes.parse(place.scope)
    rest = path.removeprefix(scopes.SCHEME).removeprefix(f"{scope.bucket}/" if scope.bucket else "")
    return place, rest.removeprefix(scope.key)


def _check_within(request: AccessRequest, sub_prefix: str, until: datetime, permission: str) -> None:
    scope = grants.checked_scope(request.location, sub_prefix, is_object=request.is_object)
    errors: list[InvalidInputError] = []
    if not scopes.covers(request.scope, scope):
        errors.append(invalid("sub_prefix", f"{scope} is more than was asked for: {request.scope}."))
    if until > request.wanted_until:
        errors.append(invalid("expires_at", f"Asked for until {request.wanted_until.isoformat()}: give no longer."))
    if permission not in {request.permission, *(("READ", "WRITE") if request.permission == "READWRITE" else ())}:
        errors.append(invalid("permission", f"{permission} is more than was asked for: {request.permission}."))
    if errors:
        found = [field for error in errors for field in error.errors]
        raise InvalidInputError(" ".join(error.detail for error in errors), errors=found)


def _check_decider(request: AccessRequest, decider: User, action: Action) -> None:
    if request.requester_id == decider.pk:
        raise _refused("Nobody decides their own request: ask another curator.", request, action)
    if not decider.is_curator:
        raise _refused("Only curators decide requests.", request, action)


def _refused(detail: str, request: AccessRequest, action: Action) -> RefusedError:
    refers = ObjectRef.of(request)
    return RefusedError(detail, attempt=RefusedAttempt(action, refers.type, refers.id, refers.label))


def _pending(request: AccessRequest, expected_version: int | None) -> AccessRequest:
    locked = rows.locked(request, expected_version=expected_version)
    if locked.state != _Asked.PENDING:
        raise ConflictError(f"This request is {locked.state} already.")
    return locked


def _decide(request: AccessRequest, state: str, decider: User, reason: str) -> None:
    request.decided_by, request.decision_reason = decider, reason
    _end(request, state)


def _end(request: AccessRequest, state: str) -> None:
    request.state, request.decided_at = state, timezone.now()
    request.version += 1
    request.save()


def _record(action: Action, actor: Actor, request: AccessRequest, before: dict[str, object], reason: str) -> None:
    audit.record(action=action, actor=actor, obj=request, before=before, after=facts.of(request), reason=reason)
