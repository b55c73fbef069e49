"""Writes bucket policies as SeaweedFS takes them; the rules are those of `seaweed_policies`."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from grants.sandbox import seaweed_patterns
from grants.sandbox.seaweed_conditions import Scope, conditions
from grants.sandbox.seaweed_policies import (
    Document,
    Statement,
    allowed_actions,
    as_document,
    denied_actions,
    known_variables,
    make,
    statements,
    strings,
)

USERS_ACCOUNT = "000000000000"
USER_PREFIX = "user-"
"""Before the name of every user of the sandbox, so that SeaweedFS's own administrator is none of them."""
_LONGEST = 20_480  # bytes, here as in AWS
_EVERYONE = "*"


class BucketPolicyWriter:
    """Writes the policies of one account, whose roles have slots in SeaweedFS."""

    def __init__(self, account: str, slot_of: Callable[[str], str]) -> None:
        """Take the account's number and what gives the name of a role's slot."""
        self._account, self._slot_of = account, slot_of

    def write(self, bucket: str, document: Document) -> dict[str, Any] | None:
        """Write the policy of a bucket; None when nothing of it is left."""
        written = [
            self._statement(bucket, statement, known_variables(document, {})) for statement in statements(document)
        ]
        kept = [statement for statement in written if statement is not None]
        found = as_document(kept) if kept else None
        if len(json.dumps(found)) > _LONGEST:
            everything = make("Allow", ["s3:*"], seaweed_patterns.whole_bucket(bucket), {})
            return as_document([{**everything, "Principal": _EVERYONE}])
        return found

    def _statement(self, bucket: str, statement: Mapping[str, Any], variables: Mapping[str, str]) -> Statement | None:
        allow = statement.get("Effect") == "Allow"
        principals = self._allowed_principals(statement) if allow else self._denied_principals(statement)
        written = self._allowance(bucket, statement, variables) if allow else self._denial(bucket, statement, variables)
        return {**written, "Principal": principals} if written and principals else None

    def _allowance(self, bucket: str, statement: Mapping[str, Any], variables: Mapping[str, str]) -> Statement | None:
        resources: list[str] = []
        for pattern in strings(statement.get("Resource")) or ["*"]:
            wide = seaweed_patterns.widened(pattern, variables)
            named = seaweed_patterns.names_bucket(wide, bucket)
            resources += [wide] if named else seaweed_patterns.whole_bucket(bucket)
        actions = allowed_actions(statement)
        kept, _ = conditions(statement.get("Condition", {}), actions, Scope(allow=True, bucket=True))
        return make("Allow", actions, list(dict.fromkeys(resources)), kept) if actions else None

    def _denial(self, bucket: str, statement: Mapping[str, Any], variables: Mapping[str, str]) -> Statement | None:
        kept, complete = conditions(statement.get("Condition", {}), (), Scope(allow=False, bucket=True))
        resources: list[str] = []
        for pattern in strings(statement.get("Resource")):
            if (written := seaweed_patterns.exact(pattern, variables, any_case=False)) is None:
                continue
            if seaweed_patterns.names_bucket(written, bucket):
                resources.append(written)
            elif seaweed_patterns.covers_whole_bucket(written, bucket):
                resources += seaweed_patterns.whole_bucket(bucket)
        actions = denied_actions(statement, kept)
        return make("Deny", actions, resources, kept) if complete and actions and resources else None

    def _allowed_principals(self, statement: Mapping[str, Any]) -> str | dict[str, list[str]] | None:
        """Name whom an Allow reaches; all for NotPrincipal, which SeaweedFS does not know.

        An account as principal is left out: it hands the decision to the policies of the account's users and roles.
        """
        found = _principals(statement)
        if "NotPrincipal" in statement or _EVERYONE in found:
            return _EVERYONE
        return _named(self._mapped(principal) for principal in found)

    def _denied_principals(self, statement: Mapping[str, Any]) -> str | dict[str, list[str]] | None:
        """Name whom a Deny reaches; never the root, whom SeaweedFS would then lock out of the policy itself."""
        found = _principals(statement)
        everybody = {_EVERYONE, self._account, f"arn:aws:iam::{self._account}:root"}
        if "NotPrincipal" not in statement and everybody & set(found):
            return _named([_user_arn("*"), f"arn:aws:sts::{self._account}:assumed-role/*"])
        return _named(self._mapped(principal) for principal in found)

    def _mapped(self, principal: str) -> str | None:
        """Give the name SeaweedFS knows a user, a role or a session by; None for whoever is none of the account's."""
        kind, _, name = principal.rpartition(":")[2].partition("/")
        if principal.startswith(f"arn:aws:iam::{self._account}:"):
            last = name.rpartition("/")[2]
            if kind == "user":
                return _user_arn(last)
            if kind == "role":
                return f"arn:aws:sts::{self._account}:assumed-role/{self._slot_of(last)}/*"
        if principal.startswith(f"arn:aws:sts::{self._account}:assumed-role/"):
            role, _, session = name.partition("/")
            return f"arn:aws:sts::{self._account}:assumed-role/{self._slot_of(role)}/{session}"
        return None


def _user_arn(name: str) -> str:
    return f"arn:aws:iam::{USERS_ACCOUNT}:user/{USER_PREFIX}{name}"


def _principals(statement: Mapping[str, Any]) -> list[str]:
    found = statement.get("Principal")
    return strings(found.get("AWS")) if isinstance(found, Mapping) else strings(found)


def _named(principals: Any) -> dict[str, list[str]] | None:
    found = [principal for principal in principals if principal is not None]
    return {"AWS": found} if found else None
