"""Managed policies attached to users, groups and roles: attached, listed and detached alike."""

from collections.abc import Callable
from dataclasses import dataclass

from moto.iam.models import ManagedPolicy

from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call
from grants.sandbox.iam import catalogue, pages, refusals, shapes
from grants.sandbox.iam.account import Account, Holder
from grants.sandbox.iam.desk import Answer, Desk, Operation

QUOTA = 10


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a managed policy can be attached to."""

    name: str
    require: Callable[[Desk, Call, str, Context], None]
    find: Callable[[Account, str], Holder]

    def holder(self, desk: Desk, call: Call) -> Holder:
        """Give the user, group or role an operation names, after asking for it and for the policy."""
        name, arn = call.parameters[f"{self.name}Name"], call.parameters.get("PolicyArn")
        self.require(desk, call, name, {"iam:PolicyARN": arn} if arn else {})
        return self.find(desk.account, name)


def _attach(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder, arn = kind.holder(desk, call), call.parameters["PolicyArn"]
        policy = desk.account.policy_or_none(arn)
        if policy is None:
            raise refusals.no_such_entity(f"Policy {arn} does not exist or is not attachable.")
        if arn in holder.managed_policies:
            return {}
        if len(holder.managed_policies) >= QUOTA:
            raise refusals.quota(f"PoliciesPer{kind.name}", QUOTA)
        desk.account.managed_policies[arn] = policy
        policy.attach_to(holder)
        return {}

    return operation


def _detach(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder, arn = kind.holder(desk, call), call.parameters["PolicyArn"]
        policy = holder.managed_policies.get(arn)
        if policy is None:
            raise refusals.no_such_entity(f"Policy {arn} was not found.")
        policy.detach_from(holder)
        if arn.startswith(catalogue.PREFIX) and not policy.attachment_count:
            del desk.account.managed_policies[arn]
        return {}

    return operation


def _list(kind: _Kind) -> Operation:
    def operation(desk: Desk, call: Call) -> Answer:
        holder, prefix = kind.holder(desk, call), call.parameters.get("PathPrefix", "/")
        found = (policy for policy in holder.managed_policies.values() if policy.path.startswith(prefix))
        return pages.page("AttachedPolicies", found, call.parameters, key=_arn, shape=shapes.attached_policy)

    return operation


def _arn(policy: ManagedPolicy) -> str:
    return str(policy.arn)


_KINDS = (
    _Kind("User", Desk.require_user, Account.user),
    _Kind("Group", Desk.require_group, Account.group),
    _Kind("Role", Desk.require_role, Account.role),
)
OPERATIONS: dict[str, Operation] = {
    name: operation
    for kind in _KINDS
    for name, operation in {
        f"Attach{kind.name}Policy": _attach(kind),
        f"Detach{kind.name}Policy": _detach(kind),
        f"ListAttached{kind.name}Policies": _list(kind),
    }.items()
}
