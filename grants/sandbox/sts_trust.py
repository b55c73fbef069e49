"""Whether a caller may assume a role: the role must trust it, and nothing that bounds the caller may be in the way.

Unlike a bucket's policy, a role's trust policy must always agree. Where it names the account, it leaves the choice to
the account's own policies, so the caller's must allow the action; where it names the user or role, that is enough.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

from grants import evaluator
from grants.evaluator import Policy
from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call, Caller, CallerKind
from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.iam import RoleView


def require_trust(call: Call, role: RoleView, action: str, context: Context) -> None:
    """Raise AccessDenied unless the caller of `call` may do `action` (`sts:AssumeRole`, ...) on `role`."""
    if not allowed(call.caller, role, action, {**call.context, **context}):
        raise refusal(call.caller, action, role.arn)


def refusal(caller: Caller, action: str, role_arn: str) -> AwsError:
    """Give the refusal, which says the same of a role that does not exist."""
    return access_denied(f"User: {caller.arn} is not authorized to perform: {action} on resource: {role_arn}")


def allowed(caller: Caller, role: RoleView, action: str, context: Context) -> bool:
    """Tell whether the role trusts the caller and the caller's own policies and session allow it."""
    if caller.kind is CallerKind.ANONYMOUS:
        return False
    principal = evaluator.Principal(arn=caller.arn, principal_arn=caller.principal_arn, account=caller.account)
    tags = {name: value for key, value in role.tags.items() for name in _tag_keys(key, value)}
    request = evaluator.Request(
        principal=principal, action=action, resource=role.arn, context={**tags, **context, **caller.context}
    )
    named = _naming(json.dumps(role.trust.document, sort_keys=True), caller.account, caller.principal_arn)
    if not evaluator.evaluate(request, resource=named).allowed:
        return False
    return evaluator.evaluate(
        request, identity=caller.identity_policies, session=caller.session_policies, resource=role.trust
    ).allowed


def _tag_keys(key: str, value: str) -> dict[str, str]:
    return {f"aws:ResourceTag/{key}": value, f"iam:ResourceTag/{key}": value}


@functools.lru_cache(maxsize=1024)
def _naming(document: str, account: str, principal_arn: str) -> Policy:
    """Rewrite a trust policy so that it names the principal wherever it names the whole account."""
    trust = json.loads(document)
    statements = trust["Statement"] if isinstance(trust["Statement"], list) else [trust["Statement"]]
    accounts = {account, f"arn:aws:iam::{account}:root"}
    rewritten = [_statement(statement, accounts, principal_arn) for statement in statements]
    return Policy.parse({**trust, "Statement": rewritten}, "trust")


def _statement(statement: Mapping[str, Any], accounts: set[str], principal_arn: str) -> Mapping[str, Any]:
    principal = statement.get("Principal")
    if statement["Effect"] != "Allow" or not isinstance(principal, Mapping) or "AWS" not in principal:
        return statement
    names = [principal["AWS"]] if isinstance(principal["AWS"], str) else principal["AWS"]
    named = [principal_arn if name in accounts else name for name in names]
    return {**statement, "Principal": {**principal, "AWS": named}}
