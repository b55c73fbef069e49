"""Users: made, shown, listed, renamed and deleted."""

from moto.iam.models import User

from grants.sandbox.calls import Call, CallerKind
from grants.sandbox.iam import lagging, pages, refusals, shapes, tags
from grants.sandbox.iam.account import Account, Gone
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA = 5_000


def _create_user(desk: Desk, call: Call) -> Answer:
    name, path = call.parameters["UserName"], call.parameters.get("Path") or "/"
    given = tags.given(call)
    desk.require(call, desk.account.arn("user", f"{path}{name}"), tags.request_context(given))
    if call.parameters.get("PermissionsBoundary"):
        raise refusals.not_done("PutUserPermissionsBoundary")
    _refuse_taken(desk.account, name)
    if len(desk.account.users) >= QUOTA:
        raise refusals.quota("UsersPerAccount", QUOTA)
    user = desk.account.create_user(desk.account.region_name, name, path)
    user.id, user.create_date = desk.account.new_id("AIDA"), desk.now()
    tags.put(desk.account, user, given)
    return {"User": shapes.user(user, given)}


def _get_user(desk: Desk, call: Call) -> Answer:
    if call.caller.kind is CallerKind.ROOT and not call.parameters.get("UserName"):
        return {"User": _root(desk)}
    user = desk.user_or_self(call)
    return {"User": shapes.user(user, desk.account.tags_of(user))}


def _list_users(desk: Desk, call: Call) -> Answer:
    desk.require(call, desk.account.arn("user", ""))
    prefix = call.parameters.get("PathPrefix", "/")
    shown = (shapes.user(user) for user in desk.account.users.values() if lagging.visible(desk, user.create_date))
    listed = lagging.with_ghosts(desk, "user", shown, "UserName")
    return pages.page(
        "Users",
        (user for user in listed if user["Path"].startswith(prefix)),
        call.parameters,
        key=lambda user: str(user["UserName"]),
        shape=lambda user: user,
    )


def _update_user(desk: Desk, call: Call) -> Answer:
    user = desk.user(call)
    name, path = call.parameters.get("NewUserName") or user.name, call.parameters.get("NewPath") or user.path
    desk.require(call, desk.account.arn("user", f"{path}{name}"))
    if name.lower() != user.name.lower():
        _refuse_taken(desk.account, name)
    _rename(desk.account, user, name, path)
    return {}


def _delete_user(desk: Desk, call: Call) -> Answer:
    user, account = desk.user(call), desk.account
    for what, left in _left(account, user):
        if left:
            raise refusals.delete_conflict(f"Cannot delete entity, must {what} first.")
    account.bury(Gone("user", shapes.user(user), user.create_date, desk.now()))
    account.delete_user(user.name)
    return {}


def _left(account: Account, user: User) -> list[tuple[str, bool]]:
    """Tell what stands in the way of a deletion, in the order of AWS's own list.

    Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
    """
    return [
        ("delete login profile", user.password is not None),
        ("delete access keys", bool(user.access_keys)),
        ("delete signing certificates", bool(user.signing_certificates)),
        ("delete SSH public keys", bool(user.ssh_public_keys)),
        ("delete service specific credentials", bool(account.credentials_of(user))),
        ("delete MFA device", bool(account.devices_of(user))),
        ("delete policies", bool(user.policies)),
        ("detach all policies", bool(user.managed_policies)),
        ("remove user from all groups", bool(account.groups_of(user))),
    ]


def _refuse_taken(account: Account, name: str) -> None:
    """Raise EntityAlreadyExists; IAM does not distinguish names by case."""
    if name.lower() in {taken.lower() for taken in account.users}:
        raise refusals.already_exists(f"User with name {name} already exists.")


def _rename(account: Account, user: User, name: str, path: str) -> None:
    kept = account.tags_of(user)
    account.tagger.delete_all_tags_for_resource(user.arn)
    for key in user.access_keys:
        key.user_name = name
    for certificate in user.signing_certificates.values():
        certificate.user_name = name
    for ssh_key in user.ssh_public_keys:
        ssh_key.user_name = name
    for credential in account.credentials_of(user):
        credential.user_name = name
    if user.name in account.login_created:
        account.login_created[name] = account.login_created.pop(user.name)
    account.update_user(user.name, path, name)
    tags.put(account, user, kept)


def _root(desk: Desk) -> shapes.Shape:
    account = desk.account.account_id
    return {
        "Path": "/",
        "UserName": account,
        "UserId": account,
        "Arn": f"arn:aws:iam::{account}:root",
        "CreateDate": shapes.moment(desk.account.created),
    }


OPERATIONS: dict[str, Operation] = {
    "CreateUser": _create_user,
    "GetUser": _get_user,
    "ListUsers": _list_users,
    "UpdateUser": _update_user,
    "DeleteUser": _delete_user,
}
