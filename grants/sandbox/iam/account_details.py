"""GetAccountAuthorizationDetails: all users, groups, roles and policies of the account, with what binds them.

Of AWS's own managed policies those that are attached are shown; which ones AWS shows it does not document.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
"""

from collections.abc import Iterator
from typing import Any

from moto.iam.models import Group, ManagedPolicy, Role, User

from grants.sandbox.calls import Call
from grants.sandbox.iam import documents, pages, shapes
from grants.sandbox.iam.account import Account, Holder
from grants.sandbox.iam.desk import Answer, Desk, Operation

Item = tuple[str, str, Any]
_LISTS = {
    "User": "UserDetailList",
    "Group": "GroupDetailList",
    "Role": "RoleDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}


def _get_account_authorization_details(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    wanted = set(call.parameters.get("Filter") or _LISTS)
    items = [item for item in _items(desk.account) if item[0] in wanted]
    # One marker leads through all four lists, so they are paged as one and taken apart again.
    page = pages.page("Items", items, call.parameters, key=lambda item: f"{item[0]}/{item[1]}", shape=lambda item: item)
    answer: dict[str, Any] = {member: [] for member in _LISTS.values()}
    for kind, _, found in page.pop("Items"):
        answer[_LISTS[kind]].append(_shape(desk.account, found))
    return answer | page


def _items(account: Account) -> Iterator[Item]:
    for user in account.users.values():
        yield "User", str(user.name), user
    for group in account.groups.values():
        yield "Group", str(group.name), group
    for role in account.roles.values():
        yield "Role", str(role.name), role
    for policy in account.managed_policies.values():
        kind = "AWSManagedPolicy" if policy.arn.startswith("arn:aws:iam::aws:") else "LocalManagedPolicy"
        yield kind, str(policy.arn), policy


def _shape(account: Account, found: Any) -> dict[str, Any]:
    match found:
        case User():
            groups = [group.name for group in account.groups_of(found)]
            shape = shapes.user(found, account.tags_of(found))
            return shape | {"UserPolicyList": _inline(found), "GroupList": groups} | _attached(found)
        case Group():
            return shapes.group(found) | {"GroupPolicyList": _inline(found)} | _attached(found)
        case Role():
            shape = shapes.role(account, found)
            # The details tell neither of the two.
            rest = {name: shape[name] for name in shape.keys() - {"MaxSessionDuration", "Description"}}
            return rest | {"InstanceProfileList": [], "RolePolicyList": _inline(found)} | _attached(found)
        case ManagedPolicy():
            return _policy(found)
    raise TypeError(type(found).__name__)


def _inline(holder: Holder) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyDocument": documents.encoded(text)} for name, text in holder.policies.items()]


def _attached(holder: Holder) -> dict[str, Any]:
    return {"AttachedManagedPolicies": [shapes.attached_policy(one) for one in holder.managed_policies.values()]}


def _policy(policy: ManagedPolicy) -> dict[str, Any]:
    shape = shapes.policy(policy)
    shape.pop("Tags", None)
    return shape | {"PolicyVersionList": [shapes.policy_version(version) for version in policy.versions]}


OPERATIONS: dict[str, Operation] = {"GetAccountAuthorizationDetails": _get_account_authorization_details}
