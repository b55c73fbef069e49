"""Who may do what under IAM policies: AWS's evaluation logic for one account, without AWS.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import enum
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from grants.policy_conditions import Condition, parse_conditions
from grants.policy_documents import PolicyError, listed, read, statements_of
from grants.policy_patterns import AnyOf, ArnPattern, Context, Pattern

__all__ = ["Decision", "Policy", "PolicyError", "Principal", "Request", "evaluate"]

IDENTITY, SESSION, RESOURCE = "identity-based", "session", "resource-based"
TRUST = "trust"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: for a role's session, `arn` is the session's and `principal_arn` the role's."""

    arn: str
    principal_arn: str
    account: str
    root: bool = False
    anonymous: bool = False
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One action on one resource; the keys of `context` may be written in any case."""

    principal: Principal
    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and why: the kind of policy that decided, its statement, and whether by an explicit Deny."""

    allowed: bool
    explicit: bool
    kind: str
    statement: str | None = None


class Match(enum.IntEnum):
    """How a statement of a resource-based policy names a principal; the larger, the more it gives by itself."""

    NO = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


@dataclass(frozen=True, slots=True)
class _Statement:
    name: str
    allow: bool
    actions: AnyOf
    all_actions_but: bool
    resources: AnyOf | None
    all_resources_but: bool
    principals: Mapping[str, tuple[str, ...]]
    all_principals_but: bool
    conditions: tuple[Condition, ...]

    def applies(self, request: Request, context: Context) -> bool:
        if self.actions.matches(request.action, context) == self.all_actions_but:
            return False
        if self.resources is not None and (self.resources.matches(request.resource, context) == self.all_resources_but):
            return False
        return all(condition.holds(context) for condition in self.conditions)

    def names(self, principal: Principal) -> Match:
        if self.all_principals_but:
            return Match.NO if _spared(self.principals, principal) else Match.DIRECT
        return _named(self.principals, principal)


class Policy:
    """A policy document, taken apart once and asked often."""

    __slots__ = ("_text", "allowances", "denials", "document", "is_trust")

    def __init__(self, document: Mapping[str, Any], *, is_trust: bool = False) -> None:
        """Take a checked document apart; `parse` checks."""
        self.document, self.is_trust = document, is_trust
        self._text = json.dumps(document, sort_keys=True)
        variables = document.get("Version") == "2012-10-17"
        statements = [_statement(written, number, variables) for number, written in enumerate(statements_of(document))]
        self.allowances = tuple(statement for statement in statements if statement.allow)
        self.denials = tuple(statement for statement in statements if not statement.allow)

    @classmethod
    def parse(cls, document: str | Mapping[str, Any], kind: str = "identity") -> Self:
        """Check and take apart a document of a kind: identity, session, resource or trust; raises PolicyError."""
        return cls(read(document, kind), is_trust=kind == TRUST)

    def __eq__(self, other: object) -> bool:
        """Compare by content."""
        return isinstance(other, Policy) and self._text == other._text

    def __hash__(self) -> int:
        """Hash the content."""
        return hash(self._text)


def evaluate(
    request: Request,
    *,
    identity: tuple[Policy, ...] = (),
    session: tuple[Policy, ...] | None = None,
    resource: Policy | None = None,
) -> Decision:
    """Decide a request within one account.

    An explicit Deny wins; otherwise an Allow is needed, identity-based or resource-based, and session policies must
    allow it too, unless a resource-based policy names the session itself. A resource-based policy that names the
    account only lets its identity-based policies decide; a trust policy has to name one of all these. Several
    policies of one kind give what any of them gives.
    """
    context = {key.lower(): value for key, value in request.context.items()}
    denial = _denial(request, context, identity, session or (), resource)
    if denial is not None:
        return denial
    if request.principal.root and not (resource is not None and resource.is_trust):
        return Decision(allowed=True, explicit=False, kind=IDENTITY)
    match, name = _given(request, context, resource)
    if match is Match.DIRECT:
        return Decision(allowed=True, explicit=False, kind=RESOURCE, statement=name)
    by_identity = _first((policy.allowances for policy in identity), request, context)
    untrusted = resource is not None and resource.is_trust and match is Match.NO
    if by_identity is not None and not untrusted:
        allowance = Decision(allowed=True, explicit=False, kind=IDENTITY, statement=by_identity)
    elif match is Match.ROLE:
        allowance = Decision(allowed=True, explicit=False, kind=RESOURCE, statement=name)
    else:
        kind = RESOURCE if untrusted or request.principal.anonymous or request.principal.service else IDENTITY
        return Decision(allowed=False, explicit=False, kind=kind)
    if session is not None and _first((policy.allowances for policy in session), request, context) is None:
        return Decision(allowed=False, explicit=False, kind=SESSION)
    return allowance


def _given(request: Request, context: Context, policy: Policy | None) -> tuple[Match, str | None]:
    """Tell how the best Allow of a resource-based policy names the principal, and which it is."""
    found: tuple[Match, str | None] = (Match.NO, None)
    for statement in policy.allowances if policy is not None else ():
        match = statement.names(request.principal)
        if match > found[0] and statement.applies(request, context):
            found = (match, statement.name)
    return found


def _denial(
    request: Request,
    context: Context,
    identity: Iterable[Policy],
    session: Iterable[Policy],
    resource: Policy | None,
) -> Decision | None:
    for statement in resource.denials if resource is not None else ():
        if statement.names(request.principal) is not Match.NO and statement.applies(request, context):
            return Decision(allowed=False, explicit=True, kind=RESOURCE, statement=statement.name)
    for kind, policies in ((IDENTITY, identity), (SESSION, session)):
        name = _first((policy.denials for policy in policies), request, context)
        if name is not None:
            return Decision(allowed=False, explicit=True, kind=kind, statement=name)
    return None


def _first(groups: Iterable[Iterable[_Statement]], request: Request, context: Context) -> str | None:
    for statements in groups:
        for statement in statements:
            if statement.applies(request, context):
                return statement.name
    return None


def _statement(written: Mapping[str, Any], number: int, variables: bool) -> _Statement:
    resources = written.get("Resource", written.get("NotResource"))
    return _Statement(
        name=written.get("Sid") or f"Statement[{number}]",
        allow=written["Effect"] == "Allow",
        actions=AnyOf(
            (Pattern(action, variables=False) for action in listed(written.get("Action", written.get("NotAction")))),
            ignore_case=True,
        ),
        all_actions_but="NotAction" in written,
        resources=None
        if resources is None
        else AnyOf(ArnPattern(resource, variables=variables) for resource in listed(resources)),
        all_resources_but="NotResource" in written,
        principals=_principals(written),
        all_principals_but="NotPrincipal" in written,
        conditions=parse_conditions(written.get("Condition", {}), variables=variables),
    )


def _principals(written: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    element = written.get("Principal", written.get("NotPrincipal", {}))
    if element == "*":
        return {"AWS": ("*",)}
    return {kind: tuple(listed(names)) for kind, names in element.items()}


def _named(principals: Mapping[str, tuple[str, ...]], principal: Principal) -> Match:
    if principal.service is not None:
        return Match.DIRECT if principal.service in principals.get("Service", ()) else Match.NO
    names = principals.get("AWS", ())
    if "*" in names:
        return Match.DIRECT if principal.anonymous or principal.arn == principal.principal_arn else Match.ROLE
    if principal.anonymous:
        return Match.NO
    if principal.arn in names:
        return Match.DIRECT
    if principal.principal_arn in names:
        return Match.ROLE
    return Match.ACCOUNT if _names_account(names, principal) else Match.NO


def _spared(principals: Mapping[str, tuple[str, ...]], principal: Principal) -> bool:
    """Tell whether NotPrincipal names a principal: its account, its role and its session each have to be there.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if principal.service is not None:
        return principal.service in principals.get("Service", ())
    names = principals.get("AWS", ())
    if "*" in names:
        return True
    if principal.anonymous or not _names_account(names, principal):
        return False
    return principal.root or (principal.arn in names and principal.principal_arn in names)


def _names_account(names: Iterable[str], principal: Principal) -> bool:
    return principal.account in names or f"arn:aws:iam::{principal.account}:root" in names
