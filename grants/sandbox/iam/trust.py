"""Trust policies: whom they may name, and what becomes of the named who are deleted.

IAM keeps a named user or role by its unique id. When it is deleted the policy shows that id, and a new one of the same
name is not trusted.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.iam.models import Role

from grants.sandbox.iam import documents, refusals
from grants.sandbox.iam.account import Account

QUOTA = 2_048
_ACCOUNT = re.compile(r"\d{12}|arn:aws:iam::\d{12}:root")
_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([\w+=,.@-]+)/[\w+=,.@-]+", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*\.amazonaws\.com(\.cn)?")
_FEDERATED = re.compile(r"arn:aws:iam::\d{12}:(saml|oidc)-provider/.+|[a-z0-9.-]+\.[a-z]+")
_ID = re.compile(r"A(ID|RO)A[A-Z0-9]{16,124}")


def check(account: Account, document: str) -> None:
    """Raise MalformedPolicyDocument unless this is a trust policy that names principals there are; LimitExceeded."""
    documents.parsed(document, "trust")
    for statement in _statements(documents.loaded(document)):
        _check_statement(statement)
    if documents.size(document) > QUOTA:
        raise refusals.quota("ACLSizePerRole", QUOTA)
    for kind, principal in _principals(documents.loaded(document)):
        if not _exists(account, kind, principal):
            raise refusals.malformed_policy(f'Invalid principal in policy: "{kind}":"{principal}"')


def put(account: Account, role: Role, document: str, now: datetime) -> None:
    """Give a role a trust policy that was checked, and remember the ids of those it names."""
    role.assume_role_policy_document = document
    names = [name for _, name in _principals(documents.loaded(document))]
    named = {name: name if _ID.fullmatch(name) else account.principal_id(name) for name in names}
    account.trusted_ids[role.id] = {name: known for name, known in named.items() if known}
    account.trust_changed[role.id] = now


def current(account: Account, role: Role) -> str:
    """Give a role's trust policy as IAM shows it now: everybody by today's ARN, or by id when deleted."""
    today = {name: _name_today(account, known) for name, known in account.trusted_ids.get(role.id, {}).items()}
    document: str = role.assume_role_policy_document
    if all(name == known_as for name, known_as in today.items()):
        return document
    return json.dumps(_renamed(documents.loaded(document), today))


def _name_today(account: Account, known: str) -> str:
    principal = account.principal_of_id(known)
    return known if principal is None else str(principal.arn)


def _check_statement(statement: Mapping[str, Any]) -> None:
    if "Resource" in statement or "NotResource" in statement:
        raise refusals.malformed_policy("Has prohibited field Resource.")
    for action in _listed(statement.get("Action", [])):
        if action != "*" and not action.lower().startswith("sts:"):
            raise refusals.malformed_policy("AssumeRole policy may only specify STS AssumeRole actions.")


def _exists(account: Account, kind: str, principal: str) -> bool:
    if kind == "Service":
        return _SERVICE.fullmatch(principal) is not None
    if kind == "Federated":
        return _FEDERATED.fullmatch(principal) is not None
    if kind != "AWS":
        return False
    if principal == "*" or _ACCOUNT.fullmatch(principal) or _ID.fullmatch(principal):
        return True
    if session := _SESSION.fullmatch(principal):
        return session[1] == account.account_id and account.role_or_none(session[2]) is not None
    return account.principal_id(principal) is not None


def _principals(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in _statements(document):
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element, {})
            for kind, values in ({"AWS": named} if isinstance(named, str) else named).items():
                yield from ((kind, value) for value in _listed(values))


def _renamed(document: Mapping[str, Any], today: Mapping[str, str]) -> Mapping[str, Any]:
    statements = []
    for statement in _statements(document):
        changed = dict(statement)
        for element in ("Principal", "NotPrincipal"):
            if isinstance(named := statement.get(element), Mapping) and "AWS" in named:
                arns = [today.get(arn, arn) for arn in _listed(named["AWS"])]
                changed[element] = {**named, "AWS": arns if len(arns) > 1 else arns[0]}
        statements.append(changed)
    return {**document, "Statement": statements}


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
