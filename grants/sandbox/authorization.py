"""Asks the evaluator whether a caller may do a thing, with everything that bounds them."""

from collections.abc import Mapping

from grants import evaluator
from grants.evaluator import Decision, Policy
from grants.sandbox.calls import Call, Caller, CallerKind
from grants.sandbox.errors import access_denied

Context = Mapping[str, str | tuple[str, ...]]


def decide(
    caller: Caller, action: str, resource: str, context: Context, *, resource_policy: Policy | None = None
) -> Decision:
    """Decide one action on one resource; `context` is the request's own, the caller's keys are added here."""
    request = evaluator.Request(
        principal=_principal(caller), action=action, resource=resource, context={**context, **caller.context}
    )
    return evaluator.evaluate(
        request,
        identity=caller.identity_policies,
        session=caller.session_policies,
        resource=resource_policy,
    )


def require(
    call: Call, action: str, resource: str, context: Context | None = None, *, resource_policy: Policy | None = None
) -> None:
    """Raise AccessDenied in AWS's words unless the caller of `call` may do `action` on `resource`."""
    decision = decide(
        call.caller, action, resource, {**call.context, **(context or {})}, resource_policy=resource_policy
    )
    if not decision.allowed:
        raise access_denied(denial(call.caller, action, resource, decision))


def denial(caller: Caller, action: str, resource: str, decision: Decision) -> str:
    """Say who may not do what, and which kind of policy is in the way, as AWS's messages do.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    who = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    if decision.explicit:
        return f"{who} with an explicit deny in {_article(decision.kind)} {decision.kind} policy"
    return f"{who} because no {decision.kind} policy allows the {action} action"


def _article(kind: str) -> str:
    return "an" if kind.startswith("i") else "a"


def _principal(caller: Caller) -> evaluator.Principal:
    return evaluator.Principal(
        arn=caller.arn,
        principal_arn=caller.principal_arn,
        account=caller.account,
        root=caller.kind is CallerKind.ROOT,
        anonymous=caller.kind is CallerKind.ANONYMOUS,
    )
