"""What CreateAccessGrant was asked for, held against the location, the bucket, the grantee and the Identity Center."""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grants import scopes
from grants.sandbox.access_grants import buckets, refusals
from grants.sandbox.access_grants.desk import Desk

LONGEST_SCOPE = 2_000
_PRINCIPAL = re.compile(r"arn:aws:iam::\d{12}:(user|role)/.+")
_DIRECTORY_ID = re.compile(r"([0-9a-f]{10}-)?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A grant that may be made."""

    location: str
    sub_prefix: str
    scope: str
    covered: str
    grantee_type: str
    grantee: str
    permission: str
    application: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Give its values in the order of the table."""
        return (
            self.location,
            self.sub_prefix,
            self.scope,
            self.covered,
            self.grantee_type,
            self.grantee,
            self.permission,
            self.application,
        )


@dataclass(slots=True)
class WishReader:
    """Checks wishes; what it has found out of a bucket or a grantee it asks once, so one is made for each call."""

    desk: Desk
    _buckets: dict[str, bool] = field(default_factory=dict)
    _grantees: set[tuple[str, str]] = field(default_factory=set)

    def read(self, parameters: Mapping[str, Any], location: sqlite3.Row, instance: sqlite3.Row) -> Wish:
        """Give the grant; raises InvalidAccessGrant, InvalidRequest, InvalidIdentityCenterInstance."""
        sub_prefix = _sub_prefix(parameters)
        text, scope = _joined(location["scope"], sub_prefix)
        _check_kind(scope, text, parameters.get("S3PrefixType"))
        if not self._bucket_exists(scope.bucket):
            message = f"The bucket {scope.bucket} does not exist in this account and Region: create it first"
            raise refusals.refusal("InvalidAccessGrant", message)
        grantee = parameters["Grantee"]
        kind, identifier = grantee.get("GranteeType") or "", grantee.get("GranteeIdentifier") or ""
        application = parameters.get("ApplicationArn") or ""
        if (application or kind != "IAM") and instance["identity_center"] is None:
            message = "No Identity Center instance is associated: associate one, or grant to an IAM user or role"
            raise refusals.refusal("InvalidIdentityCenterInstance", message)
        if (kind, identifier) not in self._grantees:
            self._check_grantee(kind, identifier)
            self._grantees.add((kind, identifier))
        return Wish(
            location=location["id"],
            sub_prefix=sub_prefix,
            scope=text,
            covered=str(scope),
            grantee_type=kind,
            grantee=identifier,
            permission=parameters["Permission"],
            application=application,
        )

    def _bucket_exists(self, bucket: str) -> bool:
        if bucket not in self._buckets:
            self._buckets[bucket] = buckets.exists(self.desk.world, bucket)
        return self._buckets[bucket]

    def _check_grantee(self, kind: str, identifier: str) -> None:
        """Look an IAM grantee up; directory identities are taken as they are, if they look like one."""
        if kind != "IAM":
            if not _DIRECTORY_ID.fullmatch(identifier):
                raise refusals.invalid_grantee()
            return
        created = self.desk.iam.principal_created(identifier) if _PRINCIPAL.fullmatch(identifier) else None
        if created is None or self.desk.lags(created, self.desk.world.knobs.grantee_lag):
            raise refusals.invalid_grantee()


def scope(parameters: Mapping[str, Any], location: sqlite3.Row) -> str | None:
    """Give the scope of a wish before anything is checked, for deciding who may wish; None when it has none."""
    try:
        return scopes.join(location["scope"], _sub_prefix(parameters))
    except scopes.ScopeError:
        return None


def _sub_prefix(parameters: Mapping[str, Any]) -> str:
    configuration: Mapping[str, str] = parameters.get("AccessGrantsLocationConfiguration") or {}
    return configuration.get("S3SubPrefix") or ""


def _joined(location_scope: str, sub_prefix: str) -> tuple[str, scopes.Scope]:
    try:
        text = scopes.join(location_scope, sub_prefix)
        scope = scopes.parse(text)
    except scopes.ScopeError as error:
        raise refusals.refusal("InvalidAccessGrant", str(error)) from error
    if len(text) > LONGEST_SCOPE:
        raise refusals.refusal("InvalidAccessGrant", f"A grant's scope has at most {LONGEST_SCOPE} characters")
    return text, scope


def _check_kind(scope: scopes.Scope, text: str, prefix_type: str | None) -> None:
    """Raise InvalidRequest unless S3PrefixType=Object is given exactly for a scope of one key."""
    if prefix_type == "Object" and scope.is_prefix:
        raise refusals.invalid_request(f"{text} is no object: leave out S3PrefixType")
    if prefix_type is None and not scope.is_prefix:
        message = f"{text} is one object: give S3PrefixType=Object, or end it in * to grant a prefix"
        raise refusals.invalid_request(message)
