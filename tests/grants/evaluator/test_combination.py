"""How policies of several kinds add up within one account.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import pytest

from grants.evaluator import Principal
from tests.support.policies import (
    ACCOUNT,
    ANYBODY,
    NEIGHBOUR,
    ROOT,
    ROOT_ARN,
    SESSION,
    USER,
    bucket_policy,
    decide,
    policy,
    statement,
)

ALLOW = policy(statement("Allow", Sid="Yes"))
DENY = policy(statement("Deny", Sid="No"))
OTHER = policy(statement("Allow", Action="s3:PutObject"))
NAMES = {
    "user": {"AWS": USER.arn},
    "neighbour": {"AWS": NEIGHBOUR.arn},
    "role": {"AWS": SESSION.principal_arn},
    "session": {"AWS": SESSION.arn},
    "account": {"AWS": ACCOUNT},
    "root": {"AWS": ROOT_ARN},
    "other account": {"AWS": "210987654321"},
    "star": "*",
    "AWS star": {"AWS": "*"},
    "list": {"AWS": ["210987654321", USER.arn, SESSION.arn]},
    "service": {"Service": "access-grants.s3.amazonaws.com"},
}
BY_IDENTITY, BY_SESSION, BY_RESOURCE = "identity-based", "session", "resource-based"

CASES: list = [
    # principal, identity, session, resource: principal and effect; allowed, explicit, kind
    (USER, [], None, None, False, False, BY_IDENTITY),
    (USER, [ALLOW], None, None, True, False, BY_IDENTITY),
    (USER, [OTHER], None, None, False, False, BY_IDENTITY),
    (USER, [OTHER, ALLOW], None, None, True, False, BY_IDENTITY),
    (USER, [ALLOW, DENY], None, None, False, True, BY_IDENTITY),
    (USER, [DENY, ALLOW], None, None, False, True, BY_IDENTITY),
    # Identity-based or resource-based.
    (USER, [], None, ("user", "Allow"), True, False, BY_RESOURCE),
    (USER, [], None, ("list", "Allow"), True, False, BY_RESOURCE),
    (USER, [], None, ("star", "Allow"), True, False, BY_RESOURCE),
    (USER, [], None, ("AWS star", "Allow"), True, False, BY_RESOURCE),
    (USER, [], None, ("neighbour", "Allow"), False, False, BY_IDENTITY),
    (USER, [], None, ("other account", "Allow"), False, False, BY_IDENTITY),
    (USER, [], None, ("service", "Allow"), False, False, BY_IDENTITY),
    (USER, [ALLOW], None, ("neighbour", "Allow"), True, False, BY_IDENTITY),
    # The account delegates: its identity-based policies decide.
    (USER, [], None, ("account", "Allow"), False, False, BY_IDENTITY),
    (USER, [], None, ("root", "Allow"), False, False, BY_IDENTITY),
    (USER, [ALLOW], None, ("account", "Allow"), True, False, BY_IDENTITY),
    # A Deny wins wherever it is.
    (USER, [DENY], None, ("user", "Allow"), False, True, BY_IDENTITY),
    (USER, [ALLOW], None, ("user", "Deny"), False, True, BY_RESOURCE),
    (USER, [ALLOW], None, ("star", "Deny"), False, True, BY_RESOURCE),
    (USER, [ALLOW], None, ("account", "Deny"), False, True, BY_RESOURCE),
    (USER, [ALLOW], None, ("root", "Deny"), False, True, BY_RESOURCE),
    (USER, [ALLOW], None, ("neighbour", "Deny"), True, False, BY_IDENTITY),
    (USER, [ALLOW], None, ("other account", "Deny"), True, False, BY_IDENTITY),
    # Sessions of a role without session policies.
    (SESSION, [], None, None, False, False, BY_IDENTITY),
    (SESSION, [ALLOW], None, None, True, False, BY_IDENTITY),
    (SESSION, [], None, ("role", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], None, ("session", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], None, ("star", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], None, ("root", "Allow"), False, False, BY_IDENTITY),
    (SESSION, [ALLOW], None, ("role", "Deny"), False, True, BY_RESOURCE),
    (SESSION, [ALLOW], None, ("session", "Deny"), False, True, BY_RESOURCE),
    # Session policies bound what the role has, and what is granted to the role.
    (SESSION, [ALLOW], [ALLOW], None, True, False, BY_IDENTITY),
    (SESSION, [ALLOW], [OTHER], None, False, False, BY_SESSION),
    (SESSION, [ALLOW], [], None, False, False, BY_SESSION),
    (SESSION, [OTHER], [ALLOW], None, False, False, BY_IDENTITY),
    (SESSION, [ALLOW], [OTHER, ALLOW], None, True, False, BY_IDENTITY),
    (SESSION, [ALLOW], [ALLOW, DENY], None, False, True, BY_SESSION),
    (SESSION, [DENY], [ALLOW], None, False, True, BY_IDENTITY),
    (SESSION, [], [ALLOW], ("role", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], [OTHER], ("role", "Allow"), False, False, BY_SESSION),
    (SESSION, [], [OTHER], ("star", "Allow"), False, False, BY_SESSION),
    (SESSION, [], [OTHER], ("root", "Allow"), False, False, BY_IDENTITY),
    # What is granted to the session itself comes on top of them; a Deny still wins.
    (SESSION, [], [OTHER], ("session", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], [OTHER], ("list", "Allow"), True, False, BY_RESOURCE),
    (SESSION, [], [DENY], ("session", "Allow"), False, True, BY_SESSION),
    (SESSION, [DENY], [OTHER], ("session", "Allow"), False, True, BY_IDENTITY),
    # The root of the account is bound by nothing but a Deny of the resource.
    (ROOT, [], None, None, True, False, BY_IDENTITY),
    (ROOT, [], None, ("neighbour", "Deny"), True, False, BY_IDENTITY),
    (ROOT, [], None, ("star", "Deny"), False, True, BY_RESOURCE),
    (ROOT, [], None, ("root", "Deny"), False, True, BY_RESOURCE),
    (ROOT, [], None, ("account", "Deny"), False, True, BY_RESOURCE),
    # Whoever did not sign passes by a policy for everybody only.
    (ANYBODY, [], None, None, False, False, BY_RESOURCE),
    (ANYBODY, [], None, ("star", "Allow"), True, False, BY_RESOURCE),
    (ANYBODY, [], None, ("AWS star", "Allow"), True, False, BY_RESOURCE),
    (ANYBODY, [], None, ("account", "Allow"), False, False, BY_RESOURCE),
    (ANYBODY, [], None, ("user", "Allow"), False, False, BY_RESOURCE),
    (ANYBODY, [], None, ("star", "Deny"), False, True, BY_RESOURCE),
]


@pytest.mark.parametrize(("principal", "identity", "session", "resource", "allowed", "explicit", "kind"), CASES)
def test_policies_add_up(principal, identity, session, resource, allowed, explicit, kind) -> None:
    found = None if resource is None else bucket_policy(NAMES[resource[0]], effect=resource[1])
    decision = decide(principal=principal, identity=identity, session=session, resource=found)
    assert (decision.allowed, decision.explicit, decision.kind) == (allowed, explicit, kind)


def test_the_best_allow_of_a_resource_based_policy_counts() -> None:
    """Order does not matter: that the role is named first does not keep the session from being named as well."""
    both = policy(
        statement(Sid="Role", Principal={"AWS": SESSION.principal_arn}),
        statement(Sid="Session", Principal={"AWS": SESSION.arn}),
        kind="resource",
    )
    decision = decide(principal=SESSION, session=[OTHER], resource=both)
    assert (decision.allowed, decision.statement) == (True, "Session")


def test_the_role_of_another_session_name_is_not_the_session() -> None:
    evening = Principal(
        arn=SESSION.arn.replace("morning", "evening"), principal_arn=SESSION.principal_arn, account=ACCOUNT
    )
    assert not decide(principal=evening, resource=bucket_policy({"AWS": SESSION.arn})).allowed


NOT_PRINCIPAL: list = [
    (USER, [USER.arn, ROOT_ARN], True),
    (USER, [USER.arn, ACCOUNT], True),
    (USER, [USER.arn], False),
    (USER, [ROOT_ARN], False),
    (USER, [NEIGHBOUR.arn, ROOT_ARN], False),
    (SESSION, [SESSION.arn, SESSION.principal_arn, ROOT_ARN], True),
    (SESSION, [SESSION.principal_arn, ROOT_ARN], False),
    (SESSION, [SESSION.arn, ROOT_ARN], False),
    (ROOT, [ROOT_ARN], True),
    (ROOT, [USER.arn], False),
    (ANYBODY, [USER.arn, ROOT_ARN], False),
]


@pytest.mark.parametrize(("principal", "spared", "allowed"), NOT_PRINCIPAL)
def test_a_deny_for_all_but_some(principal: Principal, spared: list[str], allowed: bool) -> None:
    """Account, role and session each have to be named.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    everybody = statement(Principal="*")
    found = policy(everybody, statement("Deny", NotPrincipal={"AWS": spared}), kind="resource")
    assert decide(principal=principal, resource=found).allowed is allowed
