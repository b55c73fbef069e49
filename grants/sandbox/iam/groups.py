"""Groups: made, shown, listed, renamed and deleted, and who is in them."""

from moto.iam.models import Group

from grants.sandbox.calls import Call
from grants.sandbox.iam import pages, refusals, shapes
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA, GROUPS_PER_USER = 300, 10


def _create_group(desk: Desk, call: Call) -> Answer:
    account, name, path = desk.account, call.parameters["GroupName"], call.parameters.get("Path") or "/"
    desk.require(call, account.arn("group", f"{path}{name}"))
    _refuse_taken(account, name)
    if len(account.groups) >= QUOTA:
        raise refusals.quota("GroupsPerAccount", QUOTA)
    group = account.create_group(name, path)
    group.id, group.create_date = account.new_id("AGPA"), desk.now()
    return {"Group": shapes.group(group)}


def _get_group(desk: Desk, call: Call) -> Answer:
    group = _group(desk, call)
    users = pages.page("Users", group.users, call.parameters, key=lambda user: str(user.name), shape=shapes.user)
    return {"Group": shapes.group(group), **users}


def _list_groups(desk: Desk, call: Call) -> Answer:
    desk.require(call, desk.account.arn("group", ""))
    prefix = call.parameters.get("PathPrefix", "/")
    found = (group for group in desk.account.groups.values() if group.path.startswith(prefix))
    return pages.page("Groups", found, call.parameters, key=lambda group: str(group.name), shape=shapes.group)


def _list_groups_for_user(desk: Desk, call: Call) -> Answer:
    groups = desk.account.groups_of(desk.user(call))
    return pages.page("Groups", groups, call.parameters, key=lambda group: str(group.name), shape=shapes.group)


def _update_group(desk: Desk, call: Call) -> Answer:
    group = _group(desk, call)
    name, path = call.parameters.get("NewGroupName") or group.name, call.parameters.get("NewPath") or group.path
    desk.require(call, desk.account.arn("group", f"{path}{name}"))
    if name.lower() != group.name.lower():
        _refuse_taken(desk.account, name)
    desk.account.groups[name] = desk.account.groups.pop(group.name)
    group.name, group.path = name, path
    return {}


def _delete_group(desk: Desk, call: Call) -> Answer:
    group = _group(desk, call)
    if group.users:
        raise refusals.delete_conflict("Cannot delete entity, must remove users from group first.")
    if group.managed_policies:
        raise refusals.delete_conflict("Cannot delete entity, must detach all policies first.")
    if group.policies:
        raise refusals.delete_conflict("Cannot delete entity, must delete policies first.")
    desk.account.delete_group(group.name)
    return {}


def _add_user_to_group(desk: Desk, call: Call) -> Answer:
    group, user = _group(desk, call), desk.account.user(call.parameters["UserName"])
    others = [other for other in desk.account.groups_of(user) if other is not group]
    if len(others) >= GROUPS_PER_USER:
        raise refusals.quota("GroupsPerUser", GROUPS_PER_USER)
    desk.account.add_user_to_group(group.name, user.name)
    return {}


def _remove_user_from_group(desk: Desk, call: Call) -> Answer:
    group, user = _group(desk, call), desk.account.user(call.parameters["UserName"])
    if user not in group.users:
        raise refusals.no_such_entity(f"User {user.name} is not in group {group.name}.")
    desk.account.remove_user_from_group(group.name, user.name)
    return {}


def _group(desk: Desk, call: Call) -> Group:
    desk.require_group(call, call.parameters["GroupName"])
    return desk.account.group(call.parameters["GroupName"])


def _refuse_taken(account: Account, name: str) -> None:
    """Raise EntityAlreadyExists; IAM does not distinguish names by case."""
    if name.lower() in {taken.lower() for taken in account.groups}:
        raise refusals.already_exists(f"Group with name {name} already exists.")


OPERATIONS: dict[str, Operation] = {
    "CreateGroup": _create_group,
    "GetGroup": _get_group,
    "ListGroups": _list_groups,
    "ListGroupsForUser": _list_groups_for_user,
    "UpdateGroup": _update_group,
    "DeleteGroup": _delete_group,
    "AddUserToGroup": _add_user_to_group,
    "RemoveUserFromGroup": _remove_user_from_group,
}
