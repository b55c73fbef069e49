"""Grants: given, extended, reviewed, revoked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from grants import sub_prefixes
from grants.models import AccessRequest, Grant, Location, Operation, Origin, Permission, Principal, State
from grants.services import expiry, facts, operations, rows, sessions, settlement
from grants.services.operation_calls import Change

_Kind = Operation.Kind
_GOING = {State.PENDING_DELETE, State.DELETED}


def create(
    *,
    location: Location,
    principal: Principal,
    sub_prefix: str,
    permission: str,
    actor: Actor,
    expires_at: datetime | None = None,
    is_object: bool = False,
    reason: str = "",
    request: AccessRequest | None = None,
    replaces: Grant | None = None,
    created_by: User | None = None,
) -> tuple[Grant, Operation]:
    """Give a principal a permission on a sub-prefix, until a moment.

    Raises InvalidInputError naming the field, ConflictError when the same grant exists or a part is not usable.
    """
    grant = Grant(
        location=location,
        principal=principal,
        sub_prefix=sub_prefix,
        permission=checked_permission(permission),
        is_object=is_object,
        scope=checked_scope(location, sub_prefix, is_object=is_object),
        expires_at=expiry.checked(expires_at),
        reason=reason,
        request=request,
        replaces=replaces,
        created_by=created_by,
    )
    try:
        with transaction.atomic():
            _check_room(grant)
            grant.save(force_insert=True)
            _record(Action.GRANT_CREATED, actor, grant, Change({}, facts.of(grant)), reason)
            operation = _intend(_Kind.CREATE_GRANT, grant, actor, reason)
    except IntegrityError as error:
        raise _taken(grant) from error
    return grant, operation


def revoke(*, grant: Grant, actor: Actor, reason: str, expected_version: int | None = None) -> tuple[Grant, Operation]:
    """Take a grant away; from this moment on we hand out nothing under it, whenever AWS is told.

    Sessions handed out already live on until they expire: see `cuts.cut`. Raises ConflictError, StaleVersionError.
    """
    with transaction.atomic():
        locked = rows.locked(grant, expected_version=expected_version)
        return locked, _revoke(locked, Action.GRANT_REVOKED, actor, reason)


def revoke_all_of(*, principal: Principal, actor: Actor, reason: str) -> list[Operation]:
    """Take all grants of a principal away, inside the caller's transaction, and give the operations.

    Raises ConflictError when there are foreign ones: an identity of the same name would inherit them one day, and
    what we did not make is only taken away once somebody has adopted it.
    """
    found = Grant.objects.existing().exclude(state=State.PENDING_DELETE).filter(principal=principal)
    locked = list(found.select_for_update(of=("self",)).order_by("created_at"))
    if foreign := [grant.aws_id for grant in locked if grant.origin == Origin.FOREIGN]:
        detail = f"{principal} has grants that were not made here ({', '.join(foreign[:10])}): adopt them first."
        raise ConflictError(detail, code="has_foreign_grants")
    return [_revoke(grant, Action.GRANT_REVOKED, actor, reason) for grant in locked]


def revoke_ours_of(*, principal: Principal, actor: Actor, reason: str) -> list[Operation]:
    """Take the grants of a principal away that are not somebody else's, inside the caller's transaction."""
    found = Grant.objects.existing().exclude(state=State.PENDING_DELETE).exclude(origin=Origin.FOREIGN)
    locked = list(found.filter(principal=principal).select_for_update(of=("self",)).order_by("created_at"))
    return [_revoke(grant, Action.GRANT_REVOKED, actor, reason) for grant in locked]


def extend(
    *, grant: Grant, expires_at: datetime, actor: Actor, reason: str, expected_version: int | None = None
) -> Grant:
    """Change when a grant of ours ends, later or sooner; AWS knows no expiry, so nothing is told to it.

    Raises InvalidInputError, ConflictError when it is over or going, StaleVersionError.
    """
    expires_at = expiry.checked(expires_at)
    with transaction.atomic():
        locked = rows.locked(grant, expected_version=expected_version)
        if locked.origin != Origin.MANAGED:
            raise ConflictError("Only grants of ours expire: review this one, or replace it.", code="not_ours")
        if locked.state in _GOING or locked.is_expired():
            raise ConflictError("This grant is over: give a new one.", code="grant_over")
        change = settlement.change(locked, expires_at=expires_at)
        _record(Action.GRANT_EXTENDED, actor, locked, change, reason)
    return locked


def review(*, grant: Grant, actor: Actor, reason: str, expected_version: int | None = None) -> Grant:
    """Keep an adopted grant until its next review. Raises ConflictError, StaleVersionError."""
    with transaction.atomic():
        locked = rows.locked(grant, expected_version=expected_version)
        if locked.origin != Origin.ADOPTED or locked.state in _GOING:
            raise ConflictError("Only adopted grants that exist are reviewed.")
        review_at = timezone.now() + timedelta(days=settings.ADOPTED_REVIEW_DAYS)
        change = settlement.change(locked, review_at=review_at)
        _record(Action.GRANT_REVIEWED, actor, locked, change, reason)
    return locked


def replace(
    *,
    grant: Grant,
    actor: Actor,
    reason: str,
    expires_at: datetime | None = None,
    sub_prefix: str | None = None,
    permission: str | None = None,
    expected_version: int | None = None,
    created_by: User | None = None,
) -> tuple[Grant, list[Operation]]:
    """Put a grant of ours, which keeps the grammar and expires, in the place of an adopted one.

    AWS takes no second grant of the same key, so the old one goes first: between the two calls there is none.
    Raises InvalidInputError, ConflictError, StaleVersionError.
    """
    with transaction.atomic():
        locked = rows.locked(grant, expected_version=expected_version)
        if locked.origin != Origin.ADOPTED:
            raise ConflictError("Only adopted grants are replaced: extend or revoke this one.")
        going = _revoke(locked, Action.GRANT_REVOKED, actor, reason)
        made, coming = create(
            location=locked.location,
            principal=locked.principal,
            sub_prefix=locked.sub_prefix if sub_prefix is None else sub_prefix,
            permission=permission or locked.permission,
            is_object=not locked.scope.endswith("*"),
            expires_at=expires_at,
            actor=actor,
            reason=reason,
            replaces=locked,
            created_by=created_by,
        )
    return made, [going, coming]


def expire(*, grant: Grant, actor: Actor, now: datetime) -> Operation | None:
    """Take away a grant whose time is over; None when somebody was quicker."""
    with transaction.atomic():
        locked = rows.locked(grant, expected_version=None)
        if locked.state in _GOING or locked.expires_at is None or locked.expires_at > now:
            return None
        late = int((now - locked.expires_at).total_seconds())
        return _revoke(locked, Action.GRANT_EXPIRED, actor, "its time is over", late_seconds=late)


def checked_scope(location: Location, sub_prefix: str, *, is_object: bool) -> str:
    """Give the scope a grant will have; raises InvalidInputError for what our grammar refuses."""
    try:
        return sub_prefixes.joined(location.scope, sub_prefix, is_object=is_object)
    except sub_prefixes.SubPrefixError as error:
        raise expiry.invalid("sub_prefix", str(error)) from error


def checked_permission(permission: str) -> str:
    """Give a permission of S3 Access Grants; raises InvalidInputError."""
    if permission not in Permission.values:
        raise expiry.invalid("permission", f"{permission} is none of {', '.join(Permission.values)}.")
    return permission


def _revoke(grant: Grant, action: Action, actor: Actor, reason: str, **details: int) -> Operation:
    if grant.state in _GOING:
        raise ConflictError(f"This grant is {grant.state} already.")
    if grant.origin == Origin.FOREIGN:
        raise ConflictError("This grant is not ours and is left alone: adopt it first.", code="not_ours")
    change = settlement.change(grant, state=State.PENDING_DELETE)
    more = {"live_sessions": sessions.named(grant)} if action == Action.GRANT_REVOKED else {}
    _record(action, actor, grant, change, reason, **details, **more)
    return _intend(_Kind.DELETE_GRANT, grant, actor, reason)


def _check_room(grant: Grant) -> None:
    """Lock its parts, and see that no wish for the same has failed: that one is tried again, or revoked first."""
    _lock_parts(grant.location, grant.principal)
    if _like(grant).filter(state=State.FAILED).exists():
        raise _taken(grant)


def _lock_parts(location: Location, principal: Principal) -> None:
    """Lock both, so that nobody takes them away at the same moment, and see that they can be used."""
    place = Location.objects.select_for_update(of=("self",)).get(pk=location.pk)
    who = Principal.objects.select_for_update(of=("self",)).select_related("user").get(pk=principal.pk)
    if place.state not in {State.ACTIVE, State.PENDING_CREATE} or place.origin == Origin.FOREIGN:
        raise ConflictError(f"The location {place} is {place.state} ({place.origin}).", code="location_unusable")
    if who.state not in {State.ACTIVE, State.PENDING_CREATE} or who.origin == Origin.FOREIGN:
        raise ConflictError(f"The principal {who} is {who.state} ({who.origin}).", code="principal_unusable")
    if who.user is not None and not who.user.is_active:
        raise ConflictError(f"The account {who.user} behind {who} is closed.", code="principal_unusable")


def _like(grant: Grant) -> QuerySet[Grant]:
    return Grant.objects.existing().filter(
        location=grant.location,
        principal=grant.principal,
        permission=grant.permission,
        scope=grant.scope,
        application_arn=grant.application_arn,
    )


def _taken(grant: Grant) -> ConflictError:
    there = _like(grant).exclude(state=State.PENDING_DELETE).order_by("-state").first()
    what = f" ({there.origin}, {there.state}, id {there.pk})" if there else ""
    todo = "try its operation again, or revoke it" if there and there.state == State.FAILED else "extend that one"
    return ConflictError(f"There is the grant {grant} already{what}: {todo}.", code="grant_exists")


def key_of(grant: Grant) -> str:
    """Give the natural key of operations on a grant: what AWS takes two grants for the same by."""
    return f"grant:{grant.location_id}:{grant.principal_id}:{grant.permission}:{grant.scope}"


def _intend(kind: str, grant: Grant, actor: Actor, reason: str) -> Operation:
    return operations.intend(kind=kind, natural_key=key_of(grant), subject=grant, args={}, actor=actor, reason=reason)


def _record(action: Action, actor: Actor, grant: Grant, change: Change, reason: str, **details: object) -> None:
    if action == Action.GRANT_CREATED:
        origin = {"request_id": grant.request_id, "replaces": grant.replaces_id}
        details |= {name: str(value) for name, value in origin.items() if value}
    audit.record(
        action=action,
        actor=actor,
        obj=grant,
        before=change.before,
        after=change.after,
        details=details,
        reason=reason,
    )
