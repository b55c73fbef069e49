"""Access keys: two for each user, the secret shown once."""

from datetime import datetime

from moto.iam.models import AccessKey, User

from grants.sandbox.calls import Call, CallerKind
from grants.sandbox.iam import pages, refusals, shapes
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA = 2


def _create_access_key(desk: Desk, call: Call) -> Answer:
    _refuse_root(call)
    user = desk.user_or_self(call)
    if len(user.access_keys) >= QUOTA:
        raise refusals.quota("AccessKeysPerUser", QUOTA)
    key = desk.account.add_key(user, desk.now())
    return {"AccessKey": {**shapes.access_key(key), "SecretAccessKey": key.secret_access_key}}


def _update_access_key(desk: Desk, call: Call) -> Answer:
    _refuse_root(call)
    key = _key(desk.user_or_self(call), call.parameters["AccessKeyId"])
    if call.parameters["Status"] not in {"Active", "Inactive"}:
        raise refusals.invalid("The status of an access key is Active or Inactive.")
    key.status = call.parameters["Status"]
    return {}


def _delete_access_key(desk: Desk, call: Call) -> Answer:
    _refuse_root(call)
    user = desk.user_or_self(call)
    key = _key(user, call.parameters["AccessKeyId"])
    desk.account.delete_access_key(key.access_key_id, user.name)
    return {}


def _list_access_keys(desk: Desk, call: Call) -> Answer:
    if call.caller.kind is CallerKind.ROOT and not call.parameters.get("UserName"):
        return {"AccessKeyMetadata": [_root_key(desk)], "IsTruncated": False}
    user = desk.user_or_self(call)
    return pages.page(
        "AccessKeyMetadata",
        user.access_keys,
        call.parameters,
        key=lambda key: str(key.access_key_id),
        shape=shapes.access_key,
    )


def _get_access_key_last_used(desk: Desk, call: Call) -> Answer:
    wanted = call.parameters["AccessKeyId"]
    key = desk.account.access_keys.get(wanted)
    if key is None or key.user_name is None:
        desk.require(call, desk.account.arn("user", "*"))
        raise _no_key(wanted)
    desk.require_user(call, key.user_name)
    last = desk.usage.last(wanted)
    if last is None:
        return {"UserName": key.user_name, "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}}
    used = shapes.moment(datetime.fromisoformat(last["used"]))
    return {
        "UserName": key.user_name,
        "AccessKeyLastUsed": {"LastUsedDate": used, "ServiceName": last["service"], "Region": last["region"]},
    }


def _key(user: User, access_key_id: str) -> AccessKey:
    found = next((key for key in user.access_keys if key.access_key_id == access_key_id), None)
    if found is None:
        raise _no_key(access_key_id)
    return found


def _no_key(access_key_id: str) -> Exception:
    return refusals.no_such_entity(f"The Access Key with id {access_key_id} cannot be found.")


def _root_key(desk: Desk) -> shapes.Shape:
    return {
        "AccessKeyId": desk.world.seaweed.root_access_key_id,
        "Status": "Active",
        "CreateDate": shapes.moment(desk.account.created),
    }


def _refuse_root(call: Call) -> None:
    if call.caller.kind is CallerKind.ROOT and not call.parameters.get("UserName"):
        raise refusals.invalid("The sandbox's root has one fixed access key. Name the user this is for in UserName.")


OPERATIONS: dict[str, Operation] = {
    "CreateAccessKey": _create_access_key,
    "UpdateAccessKey": _update_access_key,
    "DeleteAccessKey": _delete_access_key,
    "ListAccessKeys": _list_access_keys,
    "GetAccessKeyLastUsed": _get_access_key_last_used,
}
