"""Cutting sessions: AWS cannot take credentials back, but a Deny on the role they came from leaves them nothing.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, InvalidInputError
from cellenium_admin.core.models import Action, User
from cellenium_admin.core.services import audit
from grants.models import Cut, Grant, Issuance, Operation, State
from grants.services import facts, operations, sessions, settlement
from grants.services.executors.cuts import document_of

LONGEST_SESSION = timedelta(hours=12)
# IAM keeps 10,240 characters of inline policies per role; the role has others.
MOST_CHARACTERS = 6000


def cut_sessions(
    *, issuances: Iterable[Issuance], actor: Actor, reason: str, grant: Grant | None = None
) -> list[tuple[Cut, Operation]]:
    """Leave some recorded sessions nothing, and only those; one cut for each role they came from.

    Raises ConflictError when none of them is alive and known to AWS by an id, InvalidInputError when there are too
    many for a role's policy.
    """
    by_role: dict[str, list[Issuance]] = {}
    for issuance in issuances:
        if issuance.aws_user_id and issuance.expires_at > timezone.now():
            by_role.setdefault(issuance.role_arn, []).append(issuance)
    if not by_role:
        raise ConflictError("No recorded session is alive: cut all sessions of the role instead.", code="no_sessions")
    with transaction.atomic():
        return [_cut_named(role_arn, found, grant, actor, reason) for role_arn, found in by_role.items()]


def cut_all(*, role_arn: str, actor: Actor, reason: str, grant: Grant | None = None) -> tuple[Cut, Operation]:
    """Leave every session of a role that has begun by now nothing: those of others on the same role too.

    Whoever still has a grant asks for new credentials and goes on.
    """
    now = timezone.now()
    # TokenIssueTime has whole seconds: one of this very second would slip through otherwise.
    moment = now.replace(microsecond=0) + timedelta(seconds=1)
    cut = Cut(
        role_arn=role_arn, sessions_before=moment, expires_at=moment + LONGEST_SESSION, grant=grant, reason=reason
    )
    with transaction.atomic():
        return _save(cut, sessions.live(role_arn=role_arn, now=now), actor, reason)


def cut_of_grant(*, grant: Grant, everybody: bool, actor: Actor, reason: str) -> list[tuple[Cut, Operation]]:
    """Cut the recorded sessions of a grant, or everybody's on its location's role."""
    if everybody:
        return [cut_all(role_arn=grant.location.role_arn, actor=actor, reason=reason, grant=grant)]
    return cut_sessions(issuances=sessions.live(grant=grant), actor=actor, reason=reason, grant=grant)


def cut_of_user(*, user: User, actor: Actor, reason: str) -> list[tuple[Cut, Operation]]:
    """Cut all that a person was handed out and that lives; nothing when there is none.

    Too many for a role's policy means everybody's sessions of that role: whoever may still goes on with new ones.
    """
    alive = list(Issuance.objects.live(timezone.now()).filter(user=user, cut_at__isnull=True).exclude(aws_user_id=""))
    made = []
    for role_arn in sorted({issuance.role_arn for issuance in alive}):
        of_role = [issuance for issuance in alive if issuance.role_arn == role_arn]
        try:
            made += cut_sessions(issuances=of_role, actor=actor, reason=reason)
        except InvalidInputError:
            made.append(cut_all(role_arn=role_arn, actor=actor, reason=reason))
    return made


def lift_due(*, actor: Actor, now: datetime | None = None) -> list[Operation]:
    """Take away what means no living session any more."""
    over = Cut.objects.filter(state__in=[State.ACTIVE, State.FAILED], expires_at__lte=now or timezone.now())
    return [_lift(cut, actor) for cut in over]


def _cut_named(
    role_arn: str, found: list[Issuance], grant: Grant | None, actor: Actor, reason: str
) -> tuple[Cut, Operation]:
    user_ids = sorted({issuance.aws_user_id for issuance in found})
    expires_at = max(issuance.expires_at for issuance in found)
    cut = Cut(role_arn=role_arn, user_ids=user_ids, expires_at=expires_at, grant=grant, reason=reason)
    return _save(cut, Issuance.objects.filter(pk__in=[issuance.pk for issuance in found]), actor, reason)


def _save(cut: Cut, meant: QuerySet[Issuance], actor: Actor, reason: str) -> tuple[Cut, Operation]:
    _check_room(cut)
    cut.save(force_insert=True)
    issuances = Issuance.objects.filter(pk__in=list(meant.values_list("pk", flat=True)))
    named = list(issuances.values_list("access_key_id", flat=True)[: sessions.MOST_NAMED])
    issuances.update(cut_at=timezone.now())
    audit.record(
        action=Action.SESSIONS_CUT,
        actor=actor,
        obj=cut,
        after=facts.of(cut),
        details={"sessions": named},
        reason=reason,
    )
    return cut, _intend(cut, actor, reason)


def _check_room(cut: Cut) -> None:
    others = Cut.objects.filter(role_arn=cut.role_arn, state__in=[State.ACTIVE, State.PENDING_CREATE])
    if len(json.dumps(document_of([*others, cut]))) > MOST_CHARACTERS:
        raise InvalidInputError(
            "A role's policy has no room to name that many sessions: cut all sessions of the role instead.",
            code="too_many_sessions",
        )


def _lift(cut: Cut, actor: Actor) -> Operation:
    reason = "the sessions it meant are over"
    with transaction.atomic():
        locked = Cut.objects.select_for_update(of=("self",)).get(pk=cut.pk)
        change = settlement.change(locked, state=State.PENDING_DELETE)
        audit.record(
            action=Action.CUT_LIFTED, actor=actor, obj=locked, before=change.before, after=change.after, reason=reason
        )
        return _intend(locked, actor, reason)


def _intend(cut: Cut, actor: Actor, reason: str) -> Operation:
    return operations.intend(
        kind=Operation.Kind.PUT_CUT,
        natural_key=f"cut:{cut.role_arn}",
        subject=cut,
        args={"role_arn": cut.role_arn},
        actor=actor,
        reason=reason,
    )
