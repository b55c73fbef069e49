"""What-if: SimulatePrincipalPolicy and SimulateCustomPolicy, answered by the evaluator that judges every request.

Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import itertools
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grants import evaluator
from grants.evaluator import Policy
from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call
from grants.sandbox.iam import documents, effective, pages, refusals
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.desk import Answer, Desk, Operation


def _simulate_custom_policy(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    return _results(desk.account, call, call.parameters["PolicyInputList"], _root(desk.account))


def _simulate_principal_policy(desk: Desk, call: Call) -> Answer:
    source = call.parameters["PolicySourceArn"]
    desk.require(call, source)
    bound = [*_documents(desk.account, source), *call.parameters.get("PolicyInputList", ())]
    caller = source if ":user/" in source or ":role/" in source else _root(desk.account)
    return _results(desk.account, call, bound, caller)


def _documents(account: Account, arn: str) -> tuple[str, ...]:
    rights = effective.rights(account)
    for user in account.users.values():
        if user.arn == arn:
            return rights.users[user.name]
    for role in account.roles.values():
        if role.arn == arn:
            return rights.roles[role.name]
    for group in account.groups.values():
        if group.arn == arn:
            return effective.own(group)
    raise refusals.no_such_entity(f"The entity {arn} cannot be found.")


@dataclass(frozen=True, slots=True)
class _Question:
    """Everything but the action and the resource."""

    principal: evaluator.Principal
    identity: tuple[Policy, ...]
    resource: Policy | None
    context: Context

    def answer(self, action: str, target: str) -> dict[str, Any]:
        """Judge one action on one resource."""
        request = evaluator.Request(principal=self.principal, action=action, resource=target, context=self.context)
        decision = evaluator.evaluate(request, identity=self.identity, resource=self.resource)
        refused = "explicitDeny" if decision.explicit else "implicitDeny"
        return {
            "EvalActionName": action,
            "EvalResourceName": target,
            "EvalDecision": "allowed" if decision.allowed else refused,
        }


def _results(account: Account, call: Call, bound: Iterable[str], caller: str) -> Answer:
    parameters = call.parameters
    if parameters.get("PermissionsBoundaryPolicyInputList"):
        raise refusals.not_done("PutUserPermissionsBoundary")
    principal, resource = parameters.get("CallerArn") or caller, parameters.get("ResourcePolicy")
    question = _Question(
        evaluator.Principal(arn=principal, principal_arn=principal, account=account.account_id),
        tuple(documents.parsed(text, "identity") for text in bound),
        documents.parsed(resource, "resource") if resource else None,
        _context(parameters.get("ContextEntries", ()), principal, account.account_id),
    )
    pairs = itertools.product(parameters["ActionNames"], parameters.get("ResourceArns") or ["*"])
    numbered = [(f"{number:08}", question.answer(*pair)) for number, pair in enumerate(pairs)]
    return pages.page(
        "EvaluationResults", numbered, parameters, key=operator.itemgetter(0), shape=operator.itemgetter(1)
    )


def _context(entries: Iterable[Mapping[str, Any]], principal: str, account: str) -> Context:
    given: dict[str, str | tuple[str, ...]] = {"aws:PrincipalArn": principal, "aws:PrincipalAccount": account}
    if ":user/" in principal:
        given["aws:username"] = principal.rpartition("/")[2]
    for entry in entries:
        values = tuple(entry.get("ContextKeyValues", ()))
        several = entry.get("ContextKeyType", "string").endswith("List")
        given[entry["ContextKeyName"]] = values if several or len(values) != 1 else values[0]
    return given


def _root(account: Account) -> str:
    return f"arn:aws:iam::{account.account_id}:root"


OPERATIONS: dict[str, Operation] = {
    "SimulateCustomPolicy": _simulate_custom_policy,
    "SimulatePrincipalPolicy": _simulate_principal_policy,
}
