"""Whom a policy names beside the identities of the account: services, other accounts, providers, anybody. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from grants.policies import SERVICE
from grants.policy_documents import listed, statements_of
from grants.reach_account import Account
from grants.reach_askers import anybody, foreigner, service
from grants.reach_doubt import Asker, Bound

ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody a policy lets in whom IAM of this account does not hold; `asker` where the evaluator can judge it."""

    name: str
    doubt: str
    asker: Asker | None


def outsiders(account: Account, policy: Bound) -> list[Outsider]:
    """Give everybody an Allow names who is no identity of the account, each once; S3 Access Grants is left out."""
    found: dict[str, Outsider] = {}
    for kind, name in _named(policy):
        outsider = _outsider(account, kind, name)
        if outsider is not None:
            found.setdefault(outsider.name, outsider)
    return list(found.values())


def lets_anybody_in(policy: Bound) -> bool:
    """Tell whether an Allow names everybody, on whatever condition."""
    return ("AWS", ANYBODY) in _named(policy)


def _outsider(account: Account, kind: str, name: str) -> Outsider | None:
    if kind == "Service":
        doubt = f"what {name} does is up to whoever configures it"
        return None if name == SERVICE else Outsider(name, doubt, service(account, name))
    if kind != "AWS":
        return Outsider(name, f"{kind} principals are not judged here", None)
    if name == ANYBODY:
        return Outsider(name, "", anybody(account))
    if f":{account.id}:" in name or name == account.id:
        named = ":assumed-role/" in name
        return Outsider(name, "for a session of that very name; it is not judged here", None) if named else None
    if not name.startswith("arn:") and not name.isdecimal():
        return None  # the unique id of an identity that was deleted
    return Outsider(name, "the policies of that account decide too, and are not seen here", foreigner(account, name))


def _named(policy: Bound) -> Iterator[tuple[str, str]]:
    for statement in statements_of(policy.policy.document):
        element = statement.get("Principal")
        if statement["Effect"] != "Allow" or element is None:
            continue
        if element == "*":
            yield "AWS", ANYBODY
            continue
        for kind, names in element.items():
            for name in listed(names):
                yield kind, str(name)
