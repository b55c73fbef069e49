"""The account's one instance of S3 Access Grants, its Identity Center and its resource policy."""

import secrets
import sqlite3
from collections.abc import Mapping
from typing import Any

from grants import scopes
from grants.evaluator import Policy, PolicyError
from grants.sandbox.access_grants import buckets, refusals, tags
from grants.sandbox.access_grants.desk import INSTANCE_ID, Desk, time_of
from grants.sandbox.calls import Call


def create_instance(desk: Desk, call: Call) -> Mapping[str, Any]:
    """CreateAccessGrantsInstance: one in an account and Region."""
    wanted = tags.read(call.parameters)
    desk.require(call, desk.instance_arn, new_tags=wanted)
    if desk.world.state.one("SELECT 1 FROM access_grants_instance") is not None:
        raise refusals.refusal("AccessGrantsInstanceAlreadyExists", "Access Grants Instance already exists")
    with desk.world.state.transaction():
        desk.world.state.run("INSERT INTO access_grants_instance (created) VALUES (?)", (desk.moment(),))
        desk.put_tags(desk.instance_arn, wanted)
        if identity_center := call.parameters.get("IdentityCenterArn"):
            _associate(desk, identity_center)
    return _shape(desk, desk.instance())


def get_instance(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetAccessGrantsInstance."""
    desk.require(call, desk.instance_arn)
    return _shape(desk, desk.instance())


def get_instance_for_prefix(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetAccessGrantsInstanceForPrefix: the instance of the account and Region the prefix's bucket is in.

    Not documented is whether a location has to be registered for the prefix; here it need not be.
    """
    desk.require(call, desk.instance_arn)
    desk.instance()
    try:
        scope = scopes.parse(call.parameters["S3Prefix"])
    except scopes.ScopeError as error:
        raise refusals.invalid_request(str(error)) from error
    if scope.bucket and not buckets.exists(desk.world, scope.bucket):
        raise refusals.no_instance()
    return {"AccessGrantsInstanceArn": desk.instance_arn, "AccessGrantsInstanceId": INSTANCE_ID}


def list_instances(desk: Desk, call: Call) -> Mapping[str, Any]:
    """ListAccessGrantsInstances: one or none."""
    desk.require(call, desk.instance_arn)
    sql, values = "SELECT * FROM access_grants_instance WHERE number > 0", []
    if desk.world.knobs.list_lag:
        sql, values = f"{sql} AND created <= ?", [desk.moment(desk.world.knobs.list_lag)]
    return desk.pages.page("AccessGrantsInstancesList", call.parameters, (sql, values), lambda row: _shape(desk, row))


def delete_instance(desk: Desk, call: Call) -> Mapping[str, Any]:
    """DeleteAccessGrantsInstance: after its grants, its locations and its association with an Identity Center."""
    desk.require(call, desk.instance_arn)
    instance = desk.instance()
    state = desk.world.state
    if state.one("SELECT 1 FROM access_grants_location WHERE deleted IS NULL LIMIT 1") is not None:
        message = "Please clean up locations before deleting the access grants instance"
        raise refusals.refusal("AccessGrantsInstanceNotEmptyError", message)
    if instance["identity_center"] is not None:
        message = "Please dissociate the Identity Center instance before deleting the access grants instance"
        raise refusals.refusal("AccessGrantsInstanceNotEmptyError", message)
    with state.transaction():
        state.run("DELETE FROM access_grants_instance")
        desk.drop_tags(desk.instance_arn)
    return {}


def associate(desk: Desk, call: Call) -> Mapping[str, Any]:
    """AssociateAccessGrantsIdentityCenter: accepted and kept; the sandbox has no Identity Center to ask."""
    desk.require(call, desk.instance_arn)
    instance, wanted = desk.instance(), call.parameters["IdentityCenterArn"]
    if instance["identity_center"] not in {None, wanted}:
        message = "Another Identity Center instance is associated: dissociate it first"
        raise refusals.refusal("InvalidIdentityCenterInstance", message)
    _associate(desk, wanted)
    return {}


def dissociate(desk: Desk, call: Call) -> Mapping[str, Any]:
    """DissociateAccessGrantsIdentityCenter."""
    desk.require(call, desk.instance_arn)
    if desk.instance()["identity_center"] is None:
        message = "No Identity Center instance is associated with the access grants instance"
        raise refusals.refusal("InvalidIdentityCenterInstance", message)
    desk.world.state.run("UPDATE access_grants_instance SET identity_center = NULL, identity_center_application = NULL")
    return {}


def put_policy(desk: Desk, call: Call) -> Mapping[str, Any]:
    """PutAccessGrantsInstanceResourcePolicy."""
    desk.require(call, desk.instance_arn)
    desk.instance()
    try:
        Policy.parse(call.parameters["Policy"], "resource")
    except PolicyError as error:
        raise refusals.refusal("InvalidResourcePolicy", f"The resource policy is not valid: {error}") from error
    desk.world.state.run(
        "UPDATE access_grants_instance SET policy = ?, organization = ?, policy_created = ?",
        (call.parameters["Policy"], call.parameters.get("Organization"), desk.moment()),
    )
    return _policy_shape(desk.instance())


def get_policy(desk: Desk, call: Call) -> Mapping[str, Any]:
    """GetAccessGrantsInstanceResourcePolicy."""
    desk.require(call, desk.instance_arn)
    instance = desk.instance()
    if instance["policy"] is None:
        message = "The specified Access Grants Instance has no resource policy"
        raise refusals.refusal("AccessGrantsInstanceResourcePolicyNotExists", message)
    return _policy_shape(instance)


def delete_policy(desk: Desk, call: Call) -> Mapping[str, Any]:
    """DeleteAccessGrantsInstanceResourcePolicy; nothing happens when there is none."""
    desk.require(call, desk.instance_arn)
    desk.instance()
    desk.world.state.run("UPDATE access_grants_instance SET policy = NULL, organization = NULL, policy_created = NULL")
    return {}


def _associate(desk: Desk, identity_center: str) -> None:
    application = (
        f"arn:aws:sso::{desk.world.account}:application/{identity_center.rpartition('/')[2]}/apl-{secrets.token_hex(8)}"
    )
    desk.world.state.run(
        "UPDATE access_grants_instance SET identity_center = ?, "
        "identity_center_application = COALESCE(identity_center_application, ?)",
        (identity_center, application),
    )


def _shape(desk: Desk, row: sqlite3.Row) -> dict[str, Any]:
    shape = {
        "CreatedAt": time_of(row),
        "AccessGrantsInstanceId": INSTANCE_ID,
        "AccessGrantsInstanceArn": desk.instance_arn,
    }
    if row["identity_center"] is not None:
        shape["IdentityCenterArn"] = shape["IdentityCenterInstanceArn"] = row["identity_center"]
        shape["IdentityCenterApplicationArn"] = row["identity_center_application"]
    return shape


def _policy_shape(row: sqlite3.Row) -> dict[str, Any]:
    shape = {"Policy": row["policy"], "CreatedAt": time_of(row, "policy_created")}
    return shape if row["organization"] is None else {**shape, "Organization": row["organization"]}
