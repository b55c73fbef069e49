"""What a comparison writes down: foreign rows, drift, sightings; in batches, however many rows there are."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model

from cellenium_admin.core.context import Actor
from cellenium_admin.core.models import Action
from cellenium_admin.core.services import audit
from cellenium_admin.core.services.audit import ObjectRef
from grants.drift import GRANT, KEY, LOCATION, PRINCIPAL, Finding, Seen, SeenGrant, Wanted
from grants.models import AccessKey, Drift, Grant, Location, Origin, Principal, ReconcileRun, Sighting, State

BATCH = 5000
MOST_EVENTS = 100
_MODELS: dict[str, type[Model]] = {GRANT: Grant, LOCATION: Location, PRINCIPAL: Principal, KEY: AccessKey}


def foreign(seen: Seen, now: datetime) -> int:
    """Keep a row of everything in AWS that is not ours, so that lists and explanations know it; give the new grants."""
    _forget_vanished(seen, now)
    locations = _foreign_locations(seen, now)
    known = set(Grant.objects.existing().exclude(aws_id="").values_list("aws_id", flat=True))
    strange = [
        grant
        for grant in seen.grants
        if grant.aws_id not in known and not seen.ours.get(grant.arn) and grant.location_id in locations
    ]
    principals = _principals(strange, seen, now)
    rows = (_foreign_grant(grant, locations, principals, now) for grant in strange)
    return sum(len(Grant.objects.bulk_create(batch, ignore_conflicts=True)) for batch in _batches(rows))


def _foreign_locations(seen: Seen, now: datetime) -> dict[str, Any]:
    known = dict(Location.objects.existing().exclude(aws_id="").values_list("aws_id", "pk"))
    taken = Location.objects.existing().exclude(state__in=[State.FAILED, State.PENDING_DELETE])
    scopes = set(taken.values_list("scope", flat=True))
    made = [
        Location(
            aws_id=found.aws_id,
            arn=found.arn,
            scope=found.scope,
            role_arn=found.role_arn,
            origin=Origin.FOREIGN,
            state=State.ACTIVE,
            confirmed_at=now,
        )
        for found in seen.locations
        if found.aws_id not in known and found.scope not in scopes and not seen.ours.get(found.arn)
    ]
    Location.objects.bulk_create(made, batch_size=BATCH)
    return known | {location.aws_id: location.pk for location in made}


def _principals(strange: Iterable[SeenGrant], seen: Seen, now: datetime) -> dict[str, Any]:
    known = dict(Principal.objects.existing().exclude(arn="").values_list("arn", "pk"))
    made = {}
    for grant in strange:
        if grant.grantee not in known and grant.grantee not in made:
            made[grant.grantee] = _foreign_principal(grant, seen, now)
    Principal.objects.bulk_create(made.values(), batch_size=BATCH)
    return known | {arn: principal.pk for arn, principal in made.items()}


def _foreign_principal(grant: SeenGrant, seen: Seen, now: datetime) -> Principal:
    there = seen.users.get(grant.grantee) or seen.roles.get(grant.grantee)
    kind = Principal.Kind.DIRECTORY
    if grant.grantee_type == "IAM":
        kind = Principal.Kind.ROLE if ":role/" in grant.grantee else Principal.Kind.USER
    return Principal(
        name=(there.name if there else grant.grantee.rpartition("/")[2])[:128],
        kind=kind,
        arn=grant.grantee,
        unique_id=there.unique_id if there else "",
        origin=Origin.FOREIGN,
        state=State.ACTIVE,
        confirmed_at=now,
    )


def _foreign_grant(grant: SeenGrant, locations: dict[str, Any], principals: dict[str, Any], now: datetime) -> Grant:
    return Grant(
        aws_id=grant.aws_id,
        arn=grant.arn,
        location_id=locations[grant.location_id],
        principal_id=principals[grant.grantee],
        permission=grant.permission,
        sub_prefix=grant.sub_prefix,
        is_object=not grant.scope.endswith("*"),
        scope=grant.scope,
        application_arn=grant.application_arn,
        origin=Origin.FOREIGN,
        state=State.ACTIVE,
        confirmed_at=now,
    )


def _forget_vanished(seen: Seen, now: datetime) -> None:
    """Note what was never ours and is not there any more."""
    gone = {"state": State.DELETED, "deleted_at": now}
    there = {grant.aws_id for grant in seen.grants}
    grants = Grant.objects.existing().filter(origin=Origin.FOREIGN)
    vanished = [pk for pk, aws_id in grants.values_list("pk", "aws_id") if aws_id not in there]
    for batch in _batches(vanished):
        Grant.objects.filter(pk__in=batch).update(**gone)
    places = {location.aws_id for location in seen.locations}
    Location.objects.existing().filter(origin=Origin.FOREIGN, state=State.ACTIVE).exclude(aws_id__in=places).exclude(
        grants__in=Grant.objects.existing()
    ).update(**gone)


def drift(findings: Sequence[Finding]) -> None:
    """Mark the rows that differ, and unmark those that do not any more."""
    found: dict[str, dict[str, list[str]]] = {}
    for finding in findings:
        if finding.subject_type in _MODELS and (word := _word(finding.kind)):
            found.setdefault(finding.subject_type, {}).setdefault(word, []).append(finding.subject_id)
    for subject_type, model in _MODELS.items():
        rows: Any = model._default_manager  # noqa: SLF001 -- Django's documented interface
        marked = found.get(subject_type, {})
        every = [pk for pks in marked.values() for pk in pks]
        rows.exclude(drift="").exclude(pk__in=every).update(drift="")
        for word, pks in marked.items():
            for batch in _batches(pks):
                rows.filter(pk__in=batch).exclude(drift=word).update(drift=word)


def _word(kind: str) -> str:
    word = "missing" if kind.endswith("_missing") else kind.removeprefix("grant_")
    return word if word in Drift.values else ""


def sightings(findings: Sequence[Finding], run: ReconcileRun, now: datetime) -> set[str]:
    """Note what was seen, forget what was not, and give the keys of what has been seen twice with time between."""
    by_key = {finding.key: finding for finding in findings}
    known = {sighting.key: sighting for sighting in Sighting.objects.filter(key__in=list(by_key))}
    Sighting.objects.exclude(key__in=list(by_key)).delete()
    new = [_sighting(finding, run, now) for key, finding in by_key.items() if key not in known]
    Sighting.objects.bulk_create(new, batch_size=BATCH)
    for sighting in known.values():
        sighting.times, sighting.last_seen_at, sighting.last_run = sighting.times + 1, now, run
    Sighting.objects.bulk_update(known.values(), ["times", "last_seen_at", "last_run"], batch_size=BATCH)
    apart = timedelta(seconds=settings.PROPAGATION_SECONDS)
    return {key for key, sighting in known.items() if now - sighting.first_seen_at >= apart}


def _sighting(finding: Finding, run: ReconcileRun, now: datetime) -> Sighting:
    return Sighting(
        key=finding.key,
        kind=finding.kind,
        subject=finding.subject[:4500],
        first_seen_at=now,
        last_seen_at=now,
        last_run=run,
    )


def fresh(findings: Sequence[Finding], wanted: Wanted) -> list[Finding]:
    """Give what no earlier comparison has found."""
    sighted = set(Sighting.objects.values_list("key", flat=True))
    rows = wanted.aws_ids | {one.arn for one in wanted.principals}
    return [one for one in findings if (one.subject_id not in rows if one.is_foreign else one.key not in sighted)]


def events(findings: Sequence[Finding], run: ReconcileRun, actor: Actor) -> None:
    """Tell the trail of each of the first hundred; how many there are stands in the event of the run."""
    for finding in findings[:MOST_EVENTS]:
        audit.record(
            action=Action.FOREIGN_SEEN if finding.is_foreign else Action.DRIFT_SEEN,
            actor=actor,
            obj=ObjectRef(finding.subject_type, finding.subject_id[:255], finding.subject[:1024]),
            details={"run_id": str(run.pk), "kind": finding.kind, "detail": finding.remedy},
        )


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
