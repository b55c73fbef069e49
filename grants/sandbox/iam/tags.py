"""Tags of users, roles, policies and MFA devices: IAM's rules, and the operations that change and list them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.iam.models import ManagedPolicy, Role, User

from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call
from grants.sandbox.iam import pages, refusals, shapes
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.desk import Answer, Desk, Operation, policy_tags, role_tags

MOST = 50


def given(call: Call) -> dict[str, str]:
    """Give the tags in the parameters; InvalidInput when a key is there twice or is AWS's own."""
    tags: list[Mapping[str, str]] = call.parameters.get("Tags") or []
    keys = [tag["Key"] for tag in tags]
    if len({key.lower() for key in keys}) < len(keys):
        raise refusals.invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    _not_of_aws(keys)
    return {tag["Key"]: tag["Value"] for tag in tags}


def request_context(tags: Mapping[str, str]) -> Context:
    """Give the condition keys of the tags a request carries."""
    if not tags:
        return {}
    return {"aws:TagKeys": tuple(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def put(account: Account, owner: User | Role | ManagedPolicy, tags: Mapping[str, str]) -> None:
    """Make these the tags of a user, role or policy."""
    if isinstance(owner, User):
        account.tagger.delete_all_tags_for_resource(owner.arn)
        account.tagger.tag_resource(owner.arn, shapes.tag_list(tags))
    elif isinstance(owner, Role):
        owner.tags = shapes.tag_list(tags)
    else:
        owner.tags = {key.lower(): {"Key": key, "Value": value} for key, value in tags.items()}


def _tag_user(desk: Desk, call: Call) -> Answer:
    tags = given(call)
    user = desk.user(call, request_context(tags))
    put(desk.account, user, _merged(desk.account.tags_of(user), tags))
    return {}


def _untag_user(desk: Desk, call: Call) -> Answer:
    keys = _keys(call)
    user = desk.user(call, {"aws:TagKeys": keys})
    put(desk.account, user, _without(desk.account.tags_of(user), keys))
    return {}


def _tag_role(desk: Desk, call: Call) -> Answer:
    tags = given(call)
    desk.require_role(call, call.parameters["RoleName"], request_context(tags))
    role = desk.account.role(call.parameters["RoleName"])
    put(desk.account, role, _merged(role_tags(role), tags))
    return {}


def _untag_role(desk: Desk, call: Call) -> Answer:
    keys = _keys(call)
    desk.require_role(call, call.parameters["RoleName"], {"aws:TagKeys": keys})
    role = desk.account.role(call.parameters["RoleName"])
    put(desk.account, role, _without(role_tags(role), keys))
    return {}


def _tag_policy(desk: Desk, call: Call) -> Answer:
    tags = given(call)
    desk.require_policy(call, call.parameters["PolicyArn"], request_context(tags))
    policy = _own_policy(desk, call.parameters["PolicyArn"])
    put(desk.account, policy, _merged(policy_tags(policy), tags))
    return {}


def _untag_policy(desk: Desk, call: Call) -> Answer:
    keys = _keys(call)
    desk.require_policy(call, call.parameters["PolicyArn"], {"aws:TagKeys": keys})
    policy = _own_policy(desk, call.parameters["PolicyArn"])
    put(desk.account, policy, _without(policy_tags(policy), keys))
    return {}


def _list_user_tags(desk: Desk, call: Call) -> Answer:
    return _page(desk.account.tags_of(desk.user(call)), call)


def _list_role_tags(desk: Desk, call: Call) -> Answer:
    desk.require_role(call, call.parameters["RoleName"])
    return _page(role_tags(desk.account.role(call.parameters["RoleName"])), call)


def _list_policy_tags(desk: Desk, call: Call) -> Answer:
    desk.require_policy(call, call.parameters["PolicyArn"])
    return _page(policy_tags(desk.account.policy(call.parameters["PolicyArn"])), call)


def _page(tags: Mapping[str, str], call: Call) -> dict[str, Any]:
    return pages.page(
        "Tags", shapes.tag_list(tags), call.parameters, key=lambda tag: str(tag["Key"]), shape=lambda tag: tag
    )


def _own_policy(desk: Desk, arn: str) -> ManagedPolicy:
    if arn not in desk.account.managed_policies or arn.startswith("arn:aws:iam::aws:"):
        raise refusals.no_such_entity(f"Policy {arn} was not found.")
    return desk.account.managed_policies[arn]


def _merged(tags: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Add tags; a key that differs in case only is the same key, in the newer spelling."""
    merged = {**_without(tags, more), **more}
    if len(merged) > MOST:
        raise refusals.limit_exceeded("The number of tags has reached the maximum limit.")
    return merged


def _without(tags: Mapping[str, str], keys: Iterable[str]) -> dict[str, str]:
    lowered = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in lowered}


def _keys(call: Call) -> tuple[str, ...]:
    keys = tuple(call.parameters["TagKeys"])
    _not_of_aws(keys)
    return keys


def _not_of_aws(keys: Iterable[str]) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise refusals.invalid_input("Tag keys that start with aws: are AWS's own. Choose another key.")


OPERATIONS: dict[str, Operation] = {
    "TagUser": _tag_user,
    "UntagUser": _untag_user,
    "ListUserTags": _list_user_tags,
    "TagRole": _tag_role,
    "UntagRole": _untag_role,
    "ListRoleTags": _list_role_tags,
    "TagPolicy": _tag_policy,
    "UntagPolicy": _untag_policy,
    "ListPolicyTags": _list_policy_tags,
}
