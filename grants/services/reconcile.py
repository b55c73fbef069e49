"""Reconcile: all of AWS against all of the database, a plan with the exact calls, and its application.

A plan is applied only as it was seen: AWS is read again, and another hash is refused. What removes something waits for
a second sighting, and nothing is done after a listing that failed or looks wrong.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cellenium_admin.core.context import Actor
from cellenium_admin.core.exceptions import ConflictError, UnavailableError
from cellenium_admin.core.models import Action, Outcome
from cellenium_admin.core.services import audit
from grants.aws.errors import AwsError
from grants.aws.gateway import Aws
from grants.drift import Finding, Seen, Wanted, ordered, plan_hash
from grants.drift_grants import of_grants, of_locations
from grants.drift_identities import of_cuts, of_keys, of_principals
from grants.models import Operation, ReconcileRun
from grants.services import operations, ownership, reconcile_record, reconcile_repairs
from grants.services.reconcile_seen import seen as read_aws
from grants.services.reconcile_wanted import wanted as read_database

logger = logging.getLogger(__name__)

CLOCK = Actor.system("reconcile")
FEW = 3
MOST_FOREIGN = 200
SUSPICIOUS_FROM = 5


def plan(*, aws: Aws, actor: Actor, now: datetime | None = None) -> ReconcileRun:
    """Compare, write down what differs, and give the plan.

    Raises UnavailableError when AWS could not be read as a whole: then nothing was changed but the failed run.
    """
    now = now or timezone.now()
    run = ReconcileRun.objects.create(requested_by=actor.label[:254])
    wanted = read_database(now)
    try:
        seen = read_aws(aws, wanted, run_number=ReconcileRun.objects.count())
    except AwsError as error:
        _fail(run, error, actor)
        raise UnavailableError(f"AWS could not be read as a whole ({error}); nothing was compared.") from error
    findings = classify(wanted, seen)
    with transaction.atomic():
        _write(run, findings, (wanted, seen), actor, now)
    return run


def apply(*, expected_hash: str, aws: Aws, actor: Actor, now: datetime | None = None) -> ReconcileRun:
    """Compare again and carry the plan out, if it is still the one with this hash and nothing speaks against it.

    Raises ConflictError with code `plan_changed` or `plan_blocked`, UnavailableError.
    """
    run = plan(aws=aws, actor=actor, now=now)
    if run.plan_hash != expected_hash:
        raise ConflictError(
            "The plan is another one by now: look at it again before you apply it.", code="plan_changed"
        )
    if run.obstacles:
        raise ConflictError(f"This plan is not applied: {' '.join(run.obstacles)}", code="plan_blocked")
    intended = [
        operation
        for entry in run.plan
        if entry["repair"] and not entry["waits"]
        for operation in reconcile_repairs.intend(entry["repair"], actor=actor)
    ]
    done = operations.execute_all(operation_ids=[operation.pk for operation in intended], aws=aws)
    _finish(run, done, actor)
    return run


def scheduled(*, aws: Aws) -> ReconcileRun:
    """Report, and repair where the setting says so; a plan with obstacles is left to people."""
    run = plan(aws=aws, actor=CLOCK)
    if settings.RECONCILE_APPLY and not run.obstacles and any(entry["repair"] for entry in run.plan):
        return apply(expected_hash=run.plan_hash, aws=aws, actor=CLOCK)
    return run


def classify(wanted: Wanted, seen: Seen) -> list[Finding]:
    """Give all findings, in their order."""
    return ordered(
        (
            *of_locations(wanted, seen),
            *of_grants(wanted, seen),
            *of_principals(wanted, seen, path=ownership.PATH),
            *of_keys(wanted, seen),
            *of_cuts(wanted, seen),
        )
    )


def _write(run: ReconcileRun, findings: list[Finding], sides: tuple[Wanted, Seen], actor: Actor, now: datetime) -> None:
    wanted, seen = sides
    mine = [finding for finding in findings if not finding.is_foreign]
    fresh = reconcile_record.fresh(findings, wanted)
    twice = reconcile_record.sightings(mine, run, now)
    obstacles = _obstacles(findings, seen, wanted)
    if not _looks_empty(seen, wanted):
        reconcile_record.foreign(seen, now)
        reconcile_record.drift(findings)
    # Of what is only reported, the rows tell; a plan of a hundred thousand lines helps nobody.
    shown = [*mine, *[finding for finding in findings if finding.is_foreign][:MOST_FOREIGN]]
    run.plan = [finding.as_json() | {"waits": finding.destructive and finding.key not in twice} for finding in shown]
    run.plan_hash, run.obstacles = plan_hash(run.plan), obstacles
    run.counts = dict(Counter(finding.kind for finding in findings))
    run.seen = {"grants": len(seen.grants), "locations": len(seen.locations), "users": len(seen.users)}
    run.state, run.finished_at = ReconcileRun.State.PLANNED, timezone.now()
    run.save()
    reconcile_record.events(fresh, run, actor)
    audit.record(action=Action.RECONCILE_PLANNED, actor=actor, obj=run, details=_details(run))


def _obstacles(findings: Sequence[Finding], seen: Seen, wanted: Wanted) -> list[str]:
    """Say why nothing of this may be applied."""
    found = []
    if _looks_empty(seen, wanted):
        expected = sum(grant.settled for grant in wanted.grants)
        found.append(
            f"AWS lists {len(seen.grants)} grants where {expected} are expected: is this the right account and Region?"
        )
    removals = sum(finding.destructive and finding.repair is not None for finding in findings)
    existing = len(seen.grants) + len(seen.locations)
    most = max(FEW, existing * settings.RECONCILE_MAX_DELETION_PERCENT // 100)
    if removals > most:
        found.append(
            f"It would remove {removals} of {existing} things, more than {most}: an older database, or another"
            " installation of the same name? Raise CELLENIUM_RECONCILE_MAX_DELETION_PERCENT if you are sure."
        )
    return found


def _looks_empty(seen: Seen, wanted: Wanted) -> bool:
    expected = sum(grant.settled for grant in wanted.grants)
    there = {grant.aws_id for grant in seen.grants}
    found = sum(grant.settled and grant.aws_id in there for grant in wanted.grants)
    return expected >= SUSPICIOUS_FROM and found * 2 < expected and len(seen.grants) * 2 < expected


def _fail(run: ReconcileRun, error: AwsError, actor: Actor) -> None:
    with transaction.atomic():
        run.state, run.finished_at, run.error_detail = ReconcileRun.State.FAILED, timezone.now(), str(error)[:2000]
        run.save()
        details = {"run_id": str(run.pk), "code": error.code, "detail": str(error)[:1000]}
        audit.record(action=Action.RECONCILE_PLANNED, actor=actor, obj=run, details=details, outcome=Outcome.FAILED)


def _finish(run: ReconcileRun, done: list[Operation], actor: Actor) -> None:
    with transaction.atomic():
        run.state, run.applied_at, run.applied_by = ReconcileRun.State.APPLIED, timezone.now(), actor.label[:254]
        run.seen |= {"operations": dict(Counter(operation.state for operation in done))}
        run.save()
        audit.record(action=Action.RECONCILE_APPLIED, actor=actor, obj=run, details=_details(run))


def _details(run: ReconcileRun) -> dict[str, Any]:
    return {
        "run_id": str(run.pk),
        "plan_hash": run.plan_hash,
        "counts": run.counts,
        "seen": run.seen,
        "findings": sum(run.counts.values()),
    }
