"""Login profiles: that a user has a password for the console, not the password, as there is no console."""

import hashlib
import os

from moto.iam.models import User

from grants.sandbox.calls import Call
from grants.sandbox.iam import refusals, shapes
from grants.sandbox.iam.desk import Answer, Desk, Operation


def _create_login_profile(desk: Desk, call: Call) -> Answer:
    user = desk.user_or_self(call)
    if user.password is not None:
        raise refusals.already_exists(f"Login Profile for user {user.name} already exists.")
    user.password = _digest(call.parameters.get("Password", ""))
    user.password_reset_required = bool(call.parameters.get("PasswordResetRequired"))
    desk.account.login_created[user.name] = desk.now()
    return {"LoginProfile": _shape(desk, user)}


def _get_login_profile(desk: Desk, call: Call) -> Answer:
    return {"LoginProfile": _shape(desk, _with_profile(desk, call))}


def _update_login_profile(desk: Desk, call: Call) -> Answer:
    user = _with_profile(desk, call)
    if "Password" in call.parameters:
        user.password = _digest(call.parameters["Password"])
    user.password_reset_required = bool(call.parameters.get("PasswordResetRequired", user.password_reset_required))
    return {}


def _delete_login_profile(desk: Desk, call: Call) -> Answer:
    user = _with_profile(desk, call)
    user.password = None
    desk.account.login_created.pop(user.name, None)
    return {}


def _with_profile(desk: Desk, call: Call) -> User:
    user = desk.user_or_self(call)
    if user.password is None:
        raise refusals.no_such_entity(f"Login Profile for User {user.name} cannot be found.")
    return user


def _shape(desk: Desk, user: User) -> shapes.Shape:
    return {
        "UserName": user.name,
        "CreateDate": shapes.moment(desk.account.login_created[user.name]),
        "PasswordResetRequired": user.password_reset_required,
    }


def _digest(password: str) -> str:
    return hashlib.scrypt(password.encode(), salt=os.urandom(16), n=2**12, r=8, p=1).hex()


OPERATIONS: dict[str, Operation] = {
    "CreateLoginProfile": _create_login_profile,
    "GetLoginProfile": _get_login_profile,
    "UpdateLoginProfile": _update_login_profile,
    "DeleteLoginProfile": _delete_login_profile,
}
