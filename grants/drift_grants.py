"""Differences of locations and grants. Pure."""

from collections.abc import Iterator

from grants.drift import (
    GRANT,
    LOCATION,
    Finding,
    Repair,
    Seen,
    SeenGrant,
    SeenLocation,
    Wanted,
    WantedGrant,
    WantedLocation,
)

_LEFTOVER = "It carries our tag, and the database does not want it: an operation that was lost, or an older database."
_TAG_LOST = "Somebody took our tag away; without it we would not know it again."


def of_locations(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    """Give what differs of locations."""
    by_id = {location.aws_id: location for location in wanted.locations if location.aws_id}
    scopes = {location.scope for location in wanted.locations}
    there = {location.aws_id: location for location in seen.locations}
    for found in seen.locations:
        ours = by_id.get(found.aws_id)
        if ours is not None:
            yield from _of_location(ours, found, seen)
        elif found.scope not in scopes:
            yield from _unknown_location(found, seen)
    for location in wanted.locations:
        if location.settled and location.origin != "foreign" and location.aws_id not in there:
            yield _location_missing(location)


def _of_location(ours: WantedLocation, found: SeenLocation, seen: Seen) -> Iterator[Finding]:
    if ours.origin == "foreign":
        yield _foreign_location(found)
    if not ours.settled or ours.origin != "managed":
        return
    if ours.role_arn != found.role_arn:
        call = f"s3control UpdateAccessGrantsLocation AccessGrantsLocationId={ours.aws_id} IAMRoleArn={ours.role_arn}"
        yield Finding(
            kind="role_changed",
            subject_type=LOCATION,
            subject_id=ours.pk,
            subject=ours.scope,
            found=found.role_arn,
            expected=ours.role_arn,
            remedy="Another role serves this location: put ours back, or change it here.",
            repair=Repair("update_location", (call,), {"location": ours.pk}),
        )
    if seen.ours.get(found.arn) is False:
        yield _tag_lost(LOCATION, ours.pk, ours.scope, found.arn)


def _unknown_location(found: SeenLocation, seen: Seen) -> Iterator[Finding]:
    if seen.ours.get(found.arn):
        call = f"s3control DeleteAccessGrantsLocation AccessGrantsLocationId={found.aws_id}"
        yield Finding(
            kind="location_leftover",
            subject_type=LOCATION,
            subject_id=found.aws_id,
            subject=found.scope,
            remedy=_LEFTOVER,
            repair=Repair("delete_stray_location", (call,), {"aws_id": found.aws_id}),
            destructive=True,
        )
        return
    yield _foreign_location(found)


def _foreign_location(found: SeenLocation) -> Finding:
    return Finding(
        kind="location_foreign",
        subject_type=LOCATION,
        subject_id=found.aws_id,
        subject=found.scope,
        found=found.role_arn,
        remedy="Somebody else registered it: it is left alone. Adopt it to manage grants on it.",
    )


def _location_missing(location: WantedLocation) -> Finding:
    call = f"s3control CreateAccessGrantsLocation LocationScope={location.scope} IAMRoleArn={location.role_arn}"
    ours = location.origin == "managed"
    return Finding(
        kind="location_missing",
        subject_type=LOCATION,
        subject_id=location.pk,
        subject=location.scope,
        remedy="It was deleted in AWS: make it again, or remove it here." if ours else "It was deleted in AWS.",
        repair=Repair("create_location", (call,), {"location": location.pk}) if ours else None,
    )


def of_grants(wanted: Wanted, seen: Seen) -> Iterator[Finding]:
    """Give what differs of grants."""
    by_id = {grant.aws_id: grant for grant in wanted.grants if grant.aws_id}
    # A creation that failed explains nothing: whatever AWS has in its place is reported.
    by_key = {grant.key: grant for grant in wanted.grants if grant.state != "failed"}
    there = {grant.aws_id for grant in seen.grants}
    replaced: set[str] = set()
    for found in seen.grants:
        ours = by_id.get(found.aws_id)
        if ours is not None:
            yield from _of_grant(ours, found, seen)
            continue
        like = by_key.get(found.key) if not found.application_arn else None
        if like is not None and like.aws_id not in there and like.origin != "foreign":
            replaced.add(like.pk)
            if like.settled:
                yield _replaced(like, found, seen)
            continue
        yield from _unknown_grant(found, seen)
    for grant in wanted.grants:
        if grant.settled and grant.origin != "foreign" and grant.aws_id not in there and grant.pk not in replaced:
            yield _grant_missing(grant)


def _of_grant(ours: WantedGrant, found: SeenGrant, seen: Seen) -> Iterator[Finding]:
    if ours.origin == "foreign":
        yield _foreign_grant(found)
    if not ours.settled or ours.origin == "foreign":
        return
    if ours.key != found.key:
        yield Finding(
            kind="grant_changed",
            subject_type=GRANT,
            subject_id=ours.pk,
            subject=_grant_text(ours),
            found=_grant_text(found),
            expected=_grant_text(ours),
            remedy="AWS shows another grant under this id, which it never does by itself: revoke it and give it anew.",
        )
    if ours.origin == "managed" and seen.ours.get(found.arn) is False:
        yield _tag_lost(GRANT, ours.pk, _grant_text(ours), found.arn)


def _replaced(ours: WantedGrant, found: SeenGrant, seen: Seen) -> Finding:
    tagged = seen.ours.get(found.arn)
    call = (
        f"s3control CreateAccessGrant {_grant_text(ours)} (AWS says it exists; {found.aws_id} is taken over by its tag)"
    )
    return Finding(
        kind="grant_changed",
        subject_type=GRANT,
        subject_id=ours.pk,
        subject=_grant_text(ours),
        found=found.aws_id,
        expected=ours.aws_id,
        remedy=(
            "It was deleted and made again in AWS, with our tag: take the new one over."
            if tagged
            else "It was deleted and made again by somebody else: delete theirs in AWS, or revoke ours here."
        ),
        repair=Repair("create_grant", (call,), {"grant": ours.pk}) if tagged and ours.origin == "managed" else None,
    )


def _unknown_grant(found: SeenGrant, seen: Seen) -> Iterator[Finding]:
    if seen.ours.get(found.arn):
        call = f"s3control DeleteAccessGrant AccessGrantId={found.aws_id}"
        yield Finding(
            kind="grant_leftover",
            subject_type=GRANT,
            subject_id=found.aws_id,
            subject=_grant_text(found),
            remedy=_LEFTOVER,
            repair=Repair("delete_stray_grant", (call,), {"aws_id": found.aws_id}),
            destructive=True,
        )
        return
    yield _foreign_grant(found)


def _foreign_grant(found: SeenGrant) -> Finding:
    return Finding(
        kind="grant_foreign",
        subject_type=GRANT,
        subject_id=found.aws_id,
        subject=_grant_text(found),
        remedy="Somebody else gave it: it is left alone. Adopt it to review, replace or delete it.",
    )


def _grant_missing(grant: WantedGrant) -> Finding:
    ours = grant.origin == "managed"
    call = f"s3control CreateAccessGrant {_grant_text(grant)}"
    return Finding(
        kind="grant_missing",
        subject_type=GRANT,
        subject_id=grant.pk,
        subject=_grant_text(grant),
        expected=grant.aws_id,
        remedy="It was deleted in AWS: give it again, or revoke it here."
        if ours
        else "It was deleted in AWS: revoke it.",
        repair=Repair("create_grant", (call,), {"grant": grant.pk}) if ours else None,
    )


def _tag_lost(subject_type: str, pk: str, subject: str, arn: str) -> Finding:
    return Finding(
        kind="tag_lost",
        subject_type=subject_type,
        subject_id=pk,
        subject=subject,
        remedy=_TAG_LOST,
        repair=Repair("tag_resource", (f"s3control TagResource ResourceArn={arn}",), {"arn": arn}),
    )


def _grant_text(grant: WantedGrant | SeenGrant) -> str:
    return f"{grant.permission} on {grant.scope} for {grant.grantee}"
