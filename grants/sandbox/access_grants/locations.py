"""Locations: the data an instance may give access to, each with the role that can reach it."""

import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from grants import scopes
from grants.sandbox.access_grants import buckets, refusals, roles, tags
from grants.sandbox.access_grants.desk import Desk, time_of
from grants.sandbox.calls import Call

MOST = 1_000
TABLE = "access_grants_location"


def create_location(desk: Desk, call: Call) -> Mapping[str, Any]:
    """CreateAccessGrantsLocation."""
    wanted, scope = tags.read(call.parameters), call.parameters["LocationScope"]
    desk.require(call, desk.instance_arn, {"s3:AccessGrantsLocationScope": scope}, new_tags=wanted)
    desk.instance()
    covered = _covered(desk, scope)
    roles.require_usable(desk, call, call.parameters["IAMRoleArn"])
    state = desk.world.state
    if state.one(f"SELECT 1 FROM {TABLE} WHERE covered = ? AND deleted IS NULL", (covered,)):  # noqa: S608 - our name
        message = f"A location for {scope} exists already"
        raise refusals.refusal("AccessGrantsLocationAlreadyExistsError", message)
    _check_quota(desk)
    identifier = "default" if scope == scopes.SCHEME else str(uuid.uuid4())
    with state.transaction():
        state.run(
            f"INSERT INTO {TABLE} (id, scope, covered, role, created) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - our name
            (identifier, scope, covered, call.parameters["IAMRoleArn"], desk.moment()),
        )
        desk.put_tags(desk.location_arn(identifier), wanted)
    return _shape(desk, found(desk, identifier))


def get_location(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetAccessGrantsLocation."""
    return _shape(desk, _authorized(desk, call))


def update_location(desk: Desk, call: Call) -> Mapping[str, Any]:
    """UpdateAccessGrantsLocation: the role alone can change."""
    location = _authorized(desk, call)
    role = call.parameters["IAMRoleArn"]
    roles.require_usable(desk, call, role)
    desk.world.state.run(
        f"UPDATE {TABLE} SET role = ? WHERE number = ?",  # noqa: S608 - our name
        (role, location["number"]),
    )
    return _shape(desk, found(desk, location["id"]))


def delete_location(desk: Desk, call: Call) -> Mapping[str, Any]:
    """DeleteAccessGrantsLocation: after its grants; the knob `deletion_lag` makes deleted ones still count."""
    location = _authorized(desk, call)
    if _has_grants(desk, location["id"]):
        message = "Please clean up access grants before deleting access grants location"
        raise refusals.refusal("AccessGrantsLocationNotEmptyError", message)
    with desk.world.state.transaction():
        desk.delete(TABLE, location["id"], desk.world.knobs.list_lag)
        desk.drop_tags(desk.location_arn(location["id"]))
    return {}


def list_locations(desk: Desk, call: Call) -> Mapping[str, Any]:
    """ListAccessGrantsLocations: all, or the one whose scope was registered as this text."""
    desk.require(call, desk.instance_arn)
    desk.instance()
    sql, values = desk.listed(TABLE)
    if scope := call.parameters.get("LocationScope"):
        sql, values = f"{sql} AND scope = ?", [*values, scope]
    return desk.pages.page("AccessGrantsLocationsList", call.parameters, (sql, values), lambda row: _shape(desk, row))


def found(desk: Desk, identifier: str) -> sqlite3.Row:
    """Give a location; raises NoSuchAccessGrantsLocationError."""
    location = desk.location(identifier)
    if location is None:
        raise refusals.no_location()
    return location


def _has_grants(desk: Desk, identifier: str) -> bool:
    sql, values = "SELECT 1 FROM access_grant WHERE location = ? AND (deleted IS NULL", [identifier]
    if desk.world.knobs.deletion_lag:
        sql, values = f"{sql} OR deleted > ?", [*values, desk.moment(desk.world.knobs.deletion_lag)]
    return desk.world.state.one(f"{sql}) LIMIT 1", values) is not None


def _authorized(desk: Desk, call: Call) -> sqlite3.Row:
    identifier = call.parameters["AccessGrantsLocationId"]
    location = desk.location(identifier)
    context = {} if location is None else {"s3:AccessGrantsLocationScope": location["scope"]}
    desk.require(call, desk.location_arn(identifier), context)
    desk.instance()
    return found(desk, identifier)


def _covered(desk: Desk, path: str) -> str:
    try:
        scope = scopes.parse(path)
    except scopes.ScopeError as error:
        raise refusals.refusal("InvalidAccessGrantsLocation", str(error)) from error
    if "*" in scope.key:
        message = f"{path} is not valid: the only * of a location's scope is its last character"
        raise refusals.refusal("InvalidAccessGrantsLocation", message)
    if scope.bucket and not buckets.exists(desk.world, scope.bucket):
        message = f"The bucket {scope.bucket} does not exist in this account and Region: create it first"
        raise refusals.refusal("InvalidAccessGrantsLocation", message)
    return str(scope)


def _check_quota(desk: Desk) -> None:
    row = desk.world.state.one(f"SELECT count(*) AS total FROM {TABLE} WHERE deleted IS NULL")  # noqa: S608 - our name
    if row is not None and row["total"] >= MOST:
        message = f"The instance has {MOST} locations, which is its quota: delete one that is not needed"
        raise refusals.refusal("AccessGrantsLocationsQuotaExceededError", message)


def _shape(desk: Desk, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "CreatedAt": time_of(row),
        "AccessGrantsLocationId": row["id"],
        "AccessGrantsLocationArn": desk.location_arn(row["id"]),
        "LocationScope": row["scope"],
        "IAMRoleArn": row["role"],
    }
