"""Grants: who may ask for which data of a location. There is no update; a change is a deletion and a creation."""

import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from grants.sandbox.access_grants import constraints, locations, refusals, tags, wishes
from grants.sandbox.access_grants.desk import Desk, time_of
from grants.sandbox.access_grants.wishes import Wish, WishReader
from grants.sandbox.calls import Call

MOST = 100_000
TABLE = "access_grant"
_INSERT = (
    "INSERT INTO access_grant (location, sub_prefix, scope, covered, grantee_type, grantee, permission, application, "
    "id, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FILTERS = {
    "GranteeType": "grantee_type",
    "GranteeIdentifier": "grantee",
    "Permission": "permission",
    "GrantScope": "scope",
    "ApplicationArn": "application",
}


def create_grant(desk: Desk, call: Call) -> Mapping[str, Any]:
    """CreateAccessGrant."""
    wanted, identifier = tags.read(call.parameters), call.parameters["AccessGrantsLocationId"]
    location = desk.location(identifier)
    scope = None if location is None else wishes.scope(call.parameters, location)
    context = {} if scope is None else {"s3:AccessGrantScope": scope}
    desk.require(call, desk.location_arn(identifier), context, new_tags=wanted)
    instance = desk.instance()
    wish = WishReader(desk).read(call.parameters, locations.found(desk, identifier), instance)
    _check_quota(desk, 1)
    grant_id = str(uuid.uuid4())
    with desk.world.state.transaction():
        _insert(desk, [(wish, grant_id)])
        desk.put_tags(desk.grant_arn(grant_id), wanted)
    return _shape(desk, _found(desk, grant_id))


def seed(desk: Desk, grants: Iterable[Mapping[str, Any]]) -> int:
    """Make many grants at once, or none, through the same checks; each mapping has CreateAccessGrant's parameters.

    Tags are left out. Gives how many were made; raises what CreateAccessGrant raises.
    """
    reader, instance = WishReader(desk), desk.instance()
    known: dict[str, sqlite3.Row] = {}
    rows: list[tuple[Wish, str]] = []
    for parameters in grants:
        constraints.check("CreateAccessGrant", {"AccountId": desk.world.account, **parameters})
        identifier = parameters["AccessGrantsLocationId"]
        if identifier not in known:
            known[identifier] = locations.found(desk, identifier)
        rows.append((reader.read(parameters, known[identifier], instance), str(uuid.uuid4())))
    _check_quota(desk, len(rows))
    with desk.world.state.transaction():
        _insert(desk, rows)
    return len(rows)


def get_grant(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetAccessGrant."""
    return _shape(desk, _authorized(desk, call))


def delete_grant(desk: Desk, call: Call) -> Mapping[str, Any]:
    """DeleteAccessGrant; sessions it gave live on until they expire, as on AWS."""
    grant = _authorized(desk, call)
    knobs = desk.world.knobs
    with desk.world.state.transaction():
        desk.delete(TABLE, grant["id"], max(knobs.deletion_lag, knobs.list_lag))
        desk.drop_tags(desk.grant_arn(grant["id"]))
    return {}


def list_grants(desk: Desk, call: Call) -> Mapping[str, Any]:
    """ListAccessGrants: those that have all the given values exactly.

    Whether AWS takes GrantScope as a whole or as a beginning is not documented; here as a whole.
    """
    desk.require(call, desk.instance_arn)
    desk.instance()
    sql, values = desk.listed(TABLE)
    for name, column in _FILTERS.items():
        if wanted := call.parameters.get(name):
            sql, values = f"{sql} AND {column} = ?", [*values, wanted]
    return desk.pages.page("AccessGrantsList", call.parameters, (sql, values), lambda row: _shape(desk, row))


def _insert(desk: Desk, rows: Iterable[tuple[Wish, str]]) -> None:
    created = desk.moment()
    try:
        desk.world.state.many(_INSERT, [(*wish.columns, identifier, created) for wish, identifier in rows])
    except sqlite3.IntegrityError as error:
        message = "A grant for this grantee, scope, permission, location and application exists already"
        raise refusals.refusal("AccessGrantAlreadyExists", message) from error


def _authorized(desk: Desk, call: Call) -> sqlite3.Row:
    identifier = call.parameters["AccessGrantId"]
    grant = desk.grant(identifier)
    context = {} if grant is None else {"s3:AccessGrantScope": grant["scope"]}
    desk.require(call, desk.grant_arn(identifier), context)
    desk.instance()
    return _found(desk, identifier)


def _found(desk: Desk, identifier: str) -> sqlite3.Row:
    grant = desk.grant(identifier)
    if grant is None:
        raise refusals.no_grant()
    return grant


def _check_quota(desk: Desk, more: int) -> None:
    row = desk.world.state.one(f"SELECT count(*) AS total FROM {TABLE} WHERE deleted IS NULL")  # noqa: S608 - our name
    if row is not None and row["total"] + more > MOST:
        message = f"The instance would have more than {MOST} grants, its quota: delete those that are not needed"
        raise refusals.refusal("AccessGrantsQuotaExceededError", message)


def _shape(desk: Desk, row: sqlite3.Row) -> dict[str, Any]:
    shape = {
        "CreatedAt": time_of(row),
        "AccessGrantId": row["id"],
        "AccessGrantArn": desk.grant_arn(row["id"]),
        "Grantee": {"GranteeType": row["grantee_type"], "GranteeIdentifier": row["grantee"]},
        "Permission": row["permission"],
        "AccessGrantsLocationId": row["location"],
        "AccessGrantsLocationConfiguration": {"S3SubPrefix": row["sub_prefix"]},
        "GrantScope": row["scope"],
    }
    return {**shape, "ApplicationArn": row["application"]} if row["application"] else shape
