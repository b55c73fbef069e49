"""GetDataAccess and ListCallerAccessGrants: what a caller may ask for, and the session it gets.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-credentials.html
"""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from grants import policies, scopes
from grants.sandbox.access_grants import locations, refusals, roles
from grants.sandbox.access_grants.desk import Desk
from grants.sandbox.calls import Call, Caller, CallerKind
from grants.sandbox.errors import AwsError
from grants.sandbox.iam import RoleView
from grants.sandbox.session_views import SessionCredentials

ONE_HOUR = 3600
_MATCHING = (
    "SELECT * FROM access_grant WHERE deleted IS NULL AND grantee = ? AND grantee_type = 'IAM' AND application = ''"
)
_STS_CODES = {"ValidationError": "StsValidationError", "PackedPolicyTooLarge": "StsPackedPolicyTooLargeError"}


def get_data_access(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetDataAccess: a session for the closest grant, limited to its scope, or to the target with Privilege=Minimal."""
    desk.require(call, desk.instance_arn)
    desk.instance()
    parameters = call.parameters
    target, permission = _target(parameters), parameters["Permission"]
    grant = match(desk, call.caller, target, permission)
    if grant is None:
        raise refusals.no_access(permission, parameters["Target"])
    minimal = parameters.get("Privilege") == "Minimal"
    scope = target if minimal else scopes.parse(grant["scope"])
    role = roles.assumed(desk, locations.found(desk, grant["location"])["role"])
    policy = policies.session_policy(scope.bucket, scope.key, is_prefix=scope.is_prefix, permission=permission)
    credentials = _session(desk, call, role, policy)
    return {
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": credentials.expiration,
        },
        "MatchedGrantTarget": parameters["Target"] if minimal else grant["scope"],
        "Grantee": {"GranteeType": grant["grantee_type"], "GranteeIdentifier": grant["grantee"]},
        "MatchedInstanceArn": desk.instance_arn,
    }


def match(desk: Desk, caller: Caller, target: scopes.Scope, permission: str) -> sqlite3.Row | None:
    """Give the closest grant of a caller that covers a target with a permission, or None.

    A READ and a WRITE grant of one scope do not add up to READWRITE: not documented, and the careful reading. Of two
    grants of the closest scope the one with just the permission is taken, then the older. Grants for an application
    match its own sessions alone, which the sandbox has not.
    """
    scopes_by_text = {str(scope): scope for scope in scopes.covering(target)}
    wanted = sorted({permission, "READWRITE"})
    marks, permissions = ", ".join("?" * len(scopes_by_text)), ", ".join("?" * len(wanted))
    sql = f"{_MATCHING} AND covered IN ({marks}) AND permission IN ({permissions})"
    rows = desk.world.state.all(sql, (grantee_of(caller), *scopes_by_text, *wanted))
    return max(
        rows,
        key=lambda row: (scopes_by_text[row["covered"]].closeness, row["permission"] == permission, -row["number"]),
        default=None,
    )


def list_caller_grants(desk: Desk, call: Call) -> Mapping[str, Any]:
    """ListCallerAccessGrants: the caller's own grants, those with GrantScope whose scope begins so or contains it.

    With AllowedByApplication, grants bound to an application are left out: no caller of the sandbox comes through one.
    """
    desk.require(call, desk.instance_arn)
    desk.instance()
    sql, values = desk.listed("access_grant")
    sql, values = f"{sql} AND grantee = ? AND grantee_type = 'IAM'", [*values, grantee_of(call.caller)]
    if fragment := call.parameters.get("GrantScope"):
        condition, more = _applicable(fragment)
        sql, values = f"{sql} AND {condition}", [*values, *more]
    if call.parameters.get("AllowedByApplication"):
        sql = f"{sql} AND application = ''"
    about = {**call.parameters, "caller": grantee_of(call.caller)}
    return desk.pages.page("CallerAccessGrantsList", about, (sql, values), _entry(desk))


def grantee_of(caller: Caller) -> str:
    """Give the ARN that grants to a caller name: the user's, or for a session its role's; the root has none."""
    return caller.principal_arn if caller.kind in {CallerKind.USER, CallerKind.ROLE} else ""


def _entry(desk: Desk) -> Any:
    def shape(row: sqlite3.Row) -> Mapping[str, Any]:
        return {
            "Permission": row["permission"],
            "GrantScope": row["scope"],
            "ApplicationArn": row["application"] or "NA",
            "AccessGrantsInstanceArn": desk.instance_arn,
        }

    return shape


def _applicable(fragment: str) -> tuple[str, list[Any]]:
    if not fragment.startswith(scopes.SCHEME):
        raise refusals.invalid_request(f"GrantScope must begin with {scopes.SCHEME}")
    begins = "substr(scope, 1, ?) = ?"
    values: list[Any] = [len(fragment), fragment]
    try:
        target = scopes.parse(fragment)
    except scopes.ScopeError:
        return begins, values
    containing = [str(scope) for scope in scopes.covering(target)] if target.bucket else []
    marks = ", ".join("?" * len(containing))
    return f"({begins} OR covered IN ({marks}))", [*values, *containing]


def _target(parameters: Mapping[str, Any]) -> scopes.Scope:
    try:
        target = scopes.parse(parameters["Target"])
    except scopes.ScopeError as error:
        raise refusals.invalid_request(str(error)) from error
    if not target.bucket:
        raise refusals.no_access(parameters["Permission"], parameters["Target"])
    if parameters.get("TargetType") == "Object" and target.is_prefix:
        raise refusals.invalid_request(f"{parameters['Target']} is no object: leave out TargetType")
    return target


def _session(desk: Desk, call: Call, role: RoleView, policy: policies.Document) -> SessionCredentials:
    """Make the session; its source identity is the caller's unique id, for AWS does not say what it sets."""
    try:
        return desk.sessions.create(
            role,
            session_name=f"access-grants-{uuid.uuid4()}",
            duration=call.parameters.get("DurationSeconds") or ONE_HOUR,
            policies=[json.dumps(policy, separators=(",", ":"))],
            source_identity=call.caller.user_id.partition(":")[0],
            context={"s3:AccessGrantsInstanceArn": desk.instance_arn},
        )
    except AwsError as error:
        if error.code not in _STS_CODES:
            raise
        raise refusals.refusal(_STS_CODES[error.code], error.message) from error
