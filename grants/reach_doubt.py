"""Decisions where not all of a request is known: what holds whatever the rest is, and what depends on it. Pure.

A condition on a key that is not known (`aws:SourceIp` of a request nobody has made yet) is neither guessed nor left
out. Every policy is read twice: generously, where each such condition of an Allow holds and none of a Deny does, and
strictly, the other way round. What the strict reading allows is certain, what the generous one refuses is certain,
and between the two the answer depends on the keys, which are named.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grants.evaluator import Decision, Policy, Principal, Request, evaluate
from grants.policy_documents import listed, statements_of
from grants.policy_patterns import Pattern

_MARK = re.compile(r"\$\{([^}]*)\}")
_LITERAL = {"*", "?", "$"}
Context = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Bound:
    """A policy that binds somebody, and what to call it."""

    label: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Known:
    """The condition keys of which the value, or the absence, is known; in lower case. Families end in a slash."""

    keys: frozenset[str]
    families: tuple[str, ...] = ()

    def __contains__(self, key: str) -> bool:
        """Tell whether a key is known."""
        return key in self.keys or key.startswith(self.families)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Somebody who asks AWS: with the policies that give, those that limit (each has to allow too), and the context.

    `absent` names keys such requests never have; `doubts` says what of the policies could not be read.
    """

    principal: Principal
    identity: tuple[Bound, ...] = ()
    limits: tuple[Bound, ...] = ()
    context: Context = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    families: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an action may be possible, whether that is certain, by which statement or why not, on what it depends.

    `kind` is the evaluator's word for the policies that decided; `otherwise` says why not, where it depends.
    """

    possible: bool
    certain: bool
    because: str
    kind: str
    explicit: bool = False
    depends_on: tuple[str, ...] = ()
    otherwise: str = ""


def judge(
    asker: Asker, action: str, resource: str, *, policy: Bound | None = None, more: Context | None = None
) -> Verdict:
    """Decide one action on one resource; `policy` is the resource's own, `more` belongs to this request alone."""
    question = _Question.of(asker, action, resource, policy, more or {})
    generous = question.decide(generous=True)
    if not generous.allowed:
        because = question.refused_by(generous, generous=True)
        return Verdict(possible=False, certain=True, because=because, kind=generous.kind, explicit=generous.explicit)
    strict = question.decide(generous=False)
    if strict.allowed:
        because = question.allowed_by(strict, generous=False)
        return Verdict(possible=True, certain=True, because=because, kind=strict.kind)
    return Verdict(
        possible=True,
        certain=False,
        because=question.allowed_by(generous, generous=True),
        kind=generous.kind,
        depends_on=question.open_keys(),
        otherwise=question.refused_by(strict, generous=False),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    asker: Asker
    request: Request
    context: Context
    policy: Bound | None
    known: Known

    @classmethod
    def of(cls, asker: Asker, action: str, resource: str, policy: Bound | None, more: Context) -> "_Question":
        context = {key.lower(): value for key, value in {**asker.context, **more}.items()}
        known = Known(frozenset(context) | asker.absent, asker.families)
        return cls(asker, Request(asker.principal, action, resource, context), context, policy, known)

    def decide(self, *, generous: bool) -> Decision:
        """Decide under one reading; of several limits the first that refuses."""
        identity = tuple(reading(bound.policy, self.known, generous=generous) for bound in self.asker.identity)
        own = reading(self.policy.policy, self.known, generous=generous) if self.policy else None
        for limit in self.asker.limits:
            session = (reading(limit.policy, self.known, generous=generous),)
            decision = evaluate(self.request, identity=identity, session=session, resource=own)
            if not decision.allowed:
                return decision
        return decision if self.asker.limits else evaluate(self.request, identity=identity, resource=own)

    def allowed_by(self, decision: Decision, *, generous: bool) -> str:
        if decision.kind == "resource-based" and self.policy is not None:
            return f"statement {decision.statement} of {self.policy.label}"
        found = self._statement(self.asker.identity, allow=True, generous=generous)
        return found or f"{self.asker.principal.arn} needs no policy"

    def refused_by(self, decision: Decision, *, generous: bool) -> str:
        action = self.request.action
        if not decision.explicit:
            if decision.kind == "session":
                names = ", ".join(limit.label for limit in self.asker.limits)
                return f"{names} does not allow {action}"
            return f"no policy of {self.asker.principal.principal_arn} allows {action} there"
        if decision.kind == "resource-based" and self.policy is not None:
            return f"statement {decision.statement} of {self.policy.label} denies {action}"
        bounds = (*self.asker.identity, *self.asker.limits)
        return f"{self._statement(bounds, allow=False, generous=generous)} denies {action}"

    def open_keys(self) -> tuple[str, ...]:
        """Give the keys that are not known, of all statements that could apply."""
        found: set[str] = set()
        bounds = (*self.asker.identity, *self.asker.limits, *((self.policy,) if self.policy else ()))
        for bound in bounds:
            names = unknown_keys(bound.policy, self.known)
            # Each reading keeps the doubtful statements of one effect only.
            for widened in (reading(bound.policy, self.known, generous=side) for side in (True, False)):
                for statement in (*widened.allowances, *widened.denials):
                    if statement.name in names and statement.applies(self.request, self.context):
                        found |= names[statement.name]
        return tuple(sorted(found))

    def _statement(self, bounds: Iterable[Bound], *, allow: bool, generous: bool) -> str:
        for bound in bounds:
            read = reading(bound.policy, self.known, generous=generous)
            for statement in read.allowances if allow else read.denials:
                if statement.applies(self.request, self.context):
                    return f"statement {statement.name} of {bound.label}"
        return ""


@functools.lru_cache(maxsize=16_384)
def unknown_keys(policy: Policy, known: Known) -> Mapping[str, frozenset[str]]:
    """Give the keys each statement depends on that are not known, by the statement's name; none for the rest."""
    found: dict[str, frozenset[str]] = {}
    for name, statement in _named(policy):
        resources = listed(statement.get("Resource", statement.get("NotResource", [])))
        variables = {key for text in resources for key in _variables(policy, text)}
        open_here = frozenset(key for key in variables | _condition_keys(policy, statement) if key not in known)
        if open_here:
            found[name] = found.get(name, frozenset()) | open_here
    return found


@functools.lru_cache(maxsize=16_384)
def reading(policy: Policy, known: Known, *, generous: bool) -> Policy:
    """Give a policy without conditions on unknown keys, as the generous or the strict reading takes them."""
    if not unknown_keys(policy, known):
        return policy
    statements = [_decided(policy, name, written, known, generous=generous) for name, written in _named(policy)]
    document = {**policy.document, "Statement": [statement for statement in statements if statement is not None]}
    return Policy(document, is_trust=policy.is_trust)


def _named(policy: Policy) -> list[tuple[str, Mapping[str, Any]]]:
    """Give the statements with the names the evaluator has for them."""
    written = statements_of(policy.document)
    return [(statement.get("Sid") or f"Statement[{number}]", statement) for number, statement in enumerate(written)]


def _decided(
    policy: Policy, name: str, written: Mapping[str, Any], known: Known, *, generous: bool
) -> Mapping[str, Any] | None:
    """Give a statement with what is unknown taken as true, or as false: None when it then never applies."""
    holds = (written["Effect"] == "Allow") == generous
    conditions = {
        operator: {key: values for key, values in keys.items() if not _open(policy, key, values, known)}
        for operator, keys in written.get("Condition", {}).items()
    }
    if not holds and conditions != written.get("Condition", {}):
        return None
    resources = _resources(policy, written, known, wider=holds)
    if resources is None:
        return None
    kept = {element: value for element, value in written.items() if element not in {"Resource", "NotResource"}}
    return {**kept, **resources, "Condition": conditions, "Sid": name}


def _resources(policy: Policy, written: Mapping[str, Any], known: Known, *, wider: bool) -> Mapping[str, Any] | None:
    """Give Resource or NotResource with unknown variables standing for anything, or for nothing."""
    if "Resource" not in written and "NotResource" not in written:
        return {}
    element = "Resource" if "Resource" in written else "NotResource"
    texts = listed(written[element])
    if (element == "Resource") == wider:
        return {element: [_starred(policy, text, known) for text in texts]}
    kept = [text for text in texts if all(key in known for key in _variables(policy, text))]
    if kept:
        return {element: kept}
    return {"Resource": ["*"]} if wider else None


def _starred(policy: Policy, text: str, known: Known) -> str:
    def filled(mark: re.Match[str]) -> str:
        inside = mark[1]
        return mark[0] if inside in _LITERAL or inside.partition(",")[0].strip().lower() in known else "*"

    return _MARK.sub(filled, text) if _has_variables(policy) else text


def _open(policy: Policy, key: str, values: Any, known: Known) -> bool:
    keys = {key.lower(), *(name for value in listed(values) for name in _variables(policy, str(value)))}
    return any(name not in known for name in keys)


def _condition_keys(policy: Policy, statement: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for keys in statement.get("Condition", {}).values():
        for key, values in keys.items():
            found |= {key.lower(), *(name for value in listed(values) for name in _variables(policy, str(value)))}
    return found


def _variables(policy: Policy, text: str) -> set[str]:
    if "${" not in text or not _has_variables(policy):
        return set()
    return {variable.key for variable in Pattern(text).variables}


def _has_variables(policy: Policy) -> bool:
    return policy.document.get("Version") == "2012-10-17"
