"""Inline policies of users, groups and roles: put, shown, listed and deleted alike."""

from collections.abc import Callable
from dataclasses import dataclass

from grants.sandbox.calls import Call
from grants.sandbox.iam import documents, pages, refusals
from grants.sandbox.iam.account import Account, Holder
from grants.sandbox.iam.desk import Answer, Desk, Operation


@dataclass(frozen=True, slots=True)
class _Kind:
    """What can hold inline policies, and how many characters they may have together."""

    name: str
    quota: int
    require: Callable[[Desk, Call, str], None]
    find: Callable[[Account, str], Holder]

    def holder(self, desk: Desk, call: Call) -> Holder:
        """Give the user, group or role an operation names, after asking for it."""
        name = call.parameters[f"{self.name}Name"]
        self.require(desk, call, name)
        return self.find(desk.account, name)

    def missing(self, name: str) -> Exception:
        """Say that the holder has no such policy."""
        return refusals.no_such_entity(f"The {self.name.lower()} policy with name {name} cannot be found.")


def _put(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder = kind.holder(desk, call)
        name, document = call.parameters["PolicyName"], call.parameters["PolicyDocument"]
        documents.check_identity(document)
        others = sum(documents.size(text) for other, text in holder.policies.items() if other != name)
        if others + documents.size(document) > kind.quota:
            raise refusals.limit_exceeded(
                f"Maximum policy size of {kind.quota} bytes exceeded for {kind.name.lower()} {holder.name}"
            )
        holder.put_policy(name, document)
        return {}

    return operation


def _get(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder, name = kind.holder(desk, call), call.parameters["PolicyName"]
        if name not in holder.policies:
            raise kind.missing(name)
        return {
            f"{kind.name}Name": holder.name,
            "PolicyName": name,
            "PolicyDocument": documents.encoded(holder.policies[name]),
        }

    return operation


def _remove(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder, name = kind.holder(desk, call), call.parameters["PolicyName"]
        if name not in holder.policies:
            raise kind.missing(name)
        holder.delete_policy(name)
        return {}

    return operation


def _names(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder = kind.holder(desk, call)
        return pages.page("PolicyNames", holder.policies, call.parameters, key=str, shape=str)

    return operation


# Quotas: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_KINDS = (
    _Kind("User", 2_048, Desk.require_user, Account.user),
    _Kind("Group", 5_120, Desk.require_group, Account.group),
    _Kind("Role", 10_240, Desk.require_role, Account.role),
)
OPERATIONS: dict[str, Operation] = {
    name: operation
    for kind in _KINDS
    for name, operation in {
        f"Put{kind.name}Policy": _put(kind),
        f"Get{kind.name}Policy": _get(kind),
        f"Delete{kind.name}Policy": _remove(kind),
        f"List{kind.name}Policies": _names(kind),
    }.items()
}
