"""Roles: made, shown, listed, changed and deleted."""

from moto.iam.models import Role

from grants.sandbox.calls import Call
from grants.sandbox.iam import lagging, pages, refusals, shapes, tags, trust
from grants.sandbox.iam.account import Gone
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA, DEFAULT_DURATION = 1_000, 3_600


def _create_role(desk: Desk, call: Call) -> Answer:
    account, parameters = desk.account, call.parameters
    name, path, document = parameters["RoleName"], parameters.get("Path") or "/", parameters["AssumeRolePolicyDocument"]
    given = tags.given(call)
    desk.require(call, account.arn("role", f"{path}{name}"), tags.request_context(given))
    if parameters.get("PermissionsBoundary"):
        raise refusals.not_done("PutRolePermissionsBoundary")
    if name.lower() in {role.name.lower() for role in account.roles.values()}:
        raise refusals.already_exists(f"Role with name {name} already exists.")
    trust.check(account, document)
    if len(account.roles) >= QUOTA:
        raise refusals.quota("RolesPerAccount", QUOTA)
    role = account.create_role(name, document, path, None, parameters.get("Description") or "", [], None)
    role.max_session_duration = str(parameters.get("MaxSessionDuration") or DEFAULT_DURATION)
    role.create_date = desk.now()
    tags.put(account, role, given)
    trust.put(account, role, document, role.create_date)
    return {"Role": shapes.role(account, role)}


def _get_role(desk: Desk, call: Call) -> Answer:
    return {"Role": shapes.role(desk.account, _role(desk, call))}


def _list_roles(desk: Desk, call: Call) -> Answer:
    desk.require(call, desk.account.arn("role", ""))
    prefix = call.parameters.get("PathPrefix", "/")
    shown = (
        shapes.role(desk.account, role, whole=False)
        for role in desk.account.roles.values()
        if lagging.visible(desk, role.create_date)
    )
    listed = lagging.with_ghosts(desk, "role", shown, "RoleName")
    return pages.page(
        "Roles",
        (role for role in listed if role["Path"].startswith(prefix)),
        call.parameters,
        key=lambda role: str(role["RoleName"]),
        shape=lambda role: role,
    )


def _update_role(desk: Desk, call: Call) -> Answer:
    role = _role(desk, call)
    role.description = call.parameters.get("Description", role.description)
    role.max_session_duration = str(call.parameters.get("MaxSessionDuration") or role.max_session_duration)
    return {}


def _update_role_description(desk: Desk, call: Call) -> Answer:
    role = _role(desk, call)
    role.description = call.parameters["Description"]
    return {"Role": shapes.role(desk.account, role)}


def _update_assume_role_policy(desk: Desk, call: Call) -> Answer:
    role, document = _role(desk, call), call.parameters["PolicyDocument"]
    trust.check(desk.account, document)
    trust.put(desk.account, role, document, desk.now())
    return {}


def _delete_role(desk: Desk, call: Call) -> Answer:
    role, account = _role(desk, call), desk.account
    if role.managed_policies:
        raise refusals.delete_conflict("Cannot delete entity, must detach all policies first.")
    if role.policies:
        raise refusals.delete_conflict("Cannot delete entity, must delete policies first.")
    shown = shapes.role(account, role, whole=False)
    account.bury(Gone("role", shown, role.create_date, desk.now()))
    account.delete_role(role.name)
    account.trusted_ids.pop(role.id, None)
    account.trust_changed.pop(role.id, None)
    return {}


def _role(desk: Desk, call: Call) -> Role:
    desk.require_role(call, call.parameters["RoleName"])
    return desk.account.role(call.parameters["RoleName"])


OPERATIONS: dict[str, Operation] = {
    "CreateRole": _create_role,
    "GetRole": _get_role,
    "ListRoles": _list_roles,
    "UpdateRole": _update_role,
    "UpdateRoleDescription": _update_role_description,
    "UpdateAssumeRolePolicy": _update_assume_role_policy,
    "DeleteRole": _delete_role,
}
