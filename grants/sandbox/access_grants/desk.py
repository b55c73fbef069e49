"""What every operation of S3 Access Grants works with: the tables, the ARNs, the tags, and who may do what to them."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from grants.evaluator import Policy
from grants.sandbox.access_grants import refusals
from grants.sandbox.access_grants.pages import Pages
from grants.sandbox.authorization import Context, require
from grants.sandbox.calls import Call
from grants.sandbox.iam import IamService
from grants.sandbox.sessions import Sessions
from grants.sandbox.world import World

INSTANCE_ID = "default"
# `covered` is the scope in the one way it is written; `deleted` is set instead of removing the row while a lag is on.
SCHEMA = """
CREATE TABLE IF NOT EXISTS access_grants_instance (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    created TEXT NOT NULL,
    identity_center TEXT,
    identity_center_application TEXT,
    policy TEXT,
    organization TEXT,
    policy_created TEXT
);
CREATE TABLE IF NOT EXISTS access_grants_location (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    scope TEXT NOT NULL,
    covered TEXT NOT NULL,
    role TEXT NOT NULL,
    created TEXT NOT NULL,
    deleted TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS location_id ON access_grants_location (id) WHERE deleted IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS location_covered ON access_grants_location (covered) WHERE deleted IS NULL;
CREATE TABLE IF NOT EXISTS access_grant (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    location TEXT NOT NULL,
    sub_prefix TEXT NOT NULL,
    scope TEXT NOT NULL,
    covered TEXT NOT NULL,
    grantee_type TEXT NOT NULL,
    grantee TEXT NOT NULL,
    permission TEXT NOT NULL,
    application TEXT NOT NULL,
    created TEXT NOT NULL,
    deleted TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS grant_key ON access_grant
    (grantee, covered, grantee_type, location, permission, application) WHERE deleted IS NULL;
CREATE INDEX IF NOT EXISTS grant_grantee ON access_grant (grantee, number);
CREATE INDEX IF NOT EXISTS grant_scope ON access_grant (scope, number);
CREATE INDEX IF NOT EXISTS grant_location ON access_grant (location);
CREATE INDEX IF NOT EXISTS grant_deleted ON access_grant (deleted) WHERE deleted IS NOT NULL;
CREATE TABLE IF NOT EXISTS access_grants_tag (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
);
"""
TABLES = ("access_grants_instance", "access_grants_location", "access_grant", "access_grants_tag")


@dataclass(frozen=True, slots=True)
class Desk:
    """One account's S3 Access Grants."""

    world: World
    iam: IamService
    sessions: Sessions
    pages: Pages

    @property
    def instance_arn(self) -> str:
        """Give the ARN that the account's one instance has, or would have."""
        return f"arn:aws:s3:{self.world.region}:{self.world.account}:access-grants/{INSTANCE_ID}"

    def location_arn(self, identifier: str) -> str:
        """Give the ARN of a location."""
        return f"{self.instance_arn}/location/{identifier}"

    def grant_arn(self, identifier: str) -> str:
        """Give the ARN of a grant."""
        return f"{self.instance_arn}/grant/{identifier}"

    def now(self) -> datetime:
        """Tell AWS's time, to the millisecond, as its dates of creation are."""
        moment = self.world.clock.now()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def moment(self, before: timedelta = timedelta(0)) -> str:
        """Write the time, or that of a while ago, so that texts sort by time."""
        return text(self.now() - before)

    def instance(self) -> sqlite3.Row:
        """Give the account's instance; raises AccessGrantsInstanceNotExistsError."""
        row = self.world.state.one("SELECT * FROM access_grants_instance")
        if row is None:
            raise refusals.no_instance()
        return row

    def location(self, identifier: str) -> sqlite3.Row | None:
        """Give a location by id."""
        return self.world.state.one(
            "SELECT * FROM access_grants_location WHERE id = ? AND deleted IS NULL", (identifier,)
        )

    def grant(self, identifier: str) -> sqlite3.Row | None:
        """Give a grant by id."""
        return self.world.state.one("SELECT * FROM access_grant WHERE id = ? AND deleted IS NULL", (identifier,))

    def tags(self, arn: str) -> dict[str, str]:
        """Give the tags of a resource."""
        rows = self.world.state.all("SELECT key, value FROM access_grants_tag WHERE arn = ? ORDER BY key", (arn,))
        return {row["key"]: row["value"] for row in rows}

    def put_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags of a resource, over those of the same keys."""
        rows = [(arn, key, value) for key, value in tags.items()]
        self.world.state.many("INSERT OR REPLACE INTO access_grants_tag VALUES (?, ?, ?)", rows)

    def drop_tags(self, arn: str) -> None:
        """Forget the tags of a resource."""
        self.world.state.run("DELETE FROM access_grants_tag WHERE arn = ?", (arn,))

    def require(
        self, call: Call, resource: str, context: Context | None = None, *, new_tags: Mapping[str, str] | None = None
    ) -> None:
        """Raise AccessDenied unless the caller may do the call's operation on a resource.

        `new_tags` are those the request sets. Source:
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        """
        keys: dict[str, str | tuple[str, ...]] = {"s3:AccessGrantsInstanceArn": self.instance_arn, **(context or {})}
        keys.update({f"aws:ResourceTag/{key}": value for key, value in self.tags(resource).items()})
        if new_tags:
            keys.update({f"aws:RequestTag/{key}": value for key, value in new_tags.items()})
            keys["aws:TagKeys"] = tuple(new_tags)
        require(call, f"s3:{call.operation}", resource, keys, resource_policy=self._resource_policy())

    def listed(self, table: str) -> tuple[str, list[Any]]:
        """Give the beginning of a query for what lists show of a table by now, with its values.

        Without a lag no time is compared, so that moving the clock back hides nothing.
        """
        if not self.world.knobs.list_lag:
            return f"SELECT * FROM {table} WHERE deleted IS NULL", []  # noqa: S608 - our names
        shown = self.moment(self.world.knobs.list_lag)
        sql = f"SELECT * FROM {table} WHERE created <= ? AND (deleted IS NULL OR deleted > ?)"  # noqa: S608 - our names
        return sql, [shown, shown]

    def lags(self, since: datetime, lag: timedelta) -> bool:
        """Tell whether AWS has not noticed by now what happened then."""
        return bool(lag) and self.world.clock.now() - since < lag

    def delete(self, table: str, identifier: str, lag: timedelta) -> None:
        """Delete a location or a grant, keeping its row for as long as a lag still shows it."""
        if lag:
            sql = f"UPDATE {table} SET deleted = ? WHERE id = ? AND deleted IS NULL"  # noqa: S608 - our names
            self.world.state.run(sql, (self.moment(), identifier))
        else:
            self.world.state.run(
                f"DELETE FROM {table} WHERE id = ? AND deleted IS NULL",  # noqa: S608 - our names
                (identifier,),
            )
        sql = f"DELETE FROM {table} WHERE deleted IS NOT NULL AND deleted <= ?"  # noqa: S608 - our names
        self.world.state.run(sql, (self.moment(lag),))

    def _resource_policy(self) -> Policy | None:
        row = self.world.state.one("SELECT policy FROM access_grants_instance")
        return None if row is None or row["policy"] is None else Policy.parse(row["policy"], "resource")


Operation = Callable[[Desk, Call], Mapping[str, Any]]


def text(moment: datetime) -> str:
    """Write a time so that texts sort by time."""
    return moment.isoformat(timespec="milliseconds")


def time_of(row: sqlite3.Row, column: str = "created") -> datetime:
    """Read a time of a row."""
    return datetime.fromisoformat(row[column])
