"""STS: who am I, and a session of a role.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/Welcome.html
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from grants.sandbox import sts_parameters
from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call, CallerKind
from grants.sandbox.errors import AwsError, access_denied
from grants.sandbox.iam import IamService, RoleView
from grants.sandbox.session_views import SessionCredentials, SessionView
from grants.sandbox.sessions import Sessions
from grants.sandbox.sts_parameters import AssumeRole
from grants.sandbox.sts_trust import refusal, require_trust
from grants.sandbox.world import World


class StsService:
    """Answers GetCallerIdentity and AssumeRole."""

    def __init__(self, world: World, iam: IamService, sessions: Sessions) -> None:
        """Look up roles in `iam` and issue sessions through `sessions`."""
        self._world, self._iam, self._sessions = world, iam, sessions
        self._operations = {"AssumeRole": self._assume_role, "GetCallerIdentity": self._get_caller_identity}

    def handle(self, call: Call) -> Mapping[str, Any]:
        """Answer one call; raises AwsError NotImplemented for what the sandbox leaves out."""
        if call.caller.kind is CallerKind.ANONYMOUS:
            message = "Request is missing Authentication Token"
            raise AwsError("MissingAuthenticationToken", message, HTTPStatus.FORBIDDEN)
        operation = self._operations.get(call.operation)
        if operation is None:
            raise sts_parameters.not_here(f"the STS operation {call.operation}")
        return operation(call)

    def _get_caller_identity(self, call: Call) -> Mapping[str, Any]:
        """Tell who calls; needs no permission, and no policy can forbid it."""
        return {"UserId": call.caller.user_id, "Account": call.caller.account, "Arn": call.caller.arn}

    def _assume_role(self, call: Call) -> Mapping[str, Any]:
        wish = sts_parameters.read(call.parameters)
        if call.caller.kind is CallerKind.ROOT:
            raise access_denied("Roles may not be assumed by root accounts.")
        origin = self._sessions.find(call.caller.access_key_id) if call.caller.is_session else None
        identity = _source_identity(wish, origin)
        inherited = _inherited(wish, origin)
        role = self._permitted(call, wish, identity, inherited)
        issued = self._sessions.create(
            role,
            session_name=wish.session_name,
            duration=wish.duration,
            policies=() if wish.policy is None else (wish.policy,),
            managed=self._managed(wish),
            source_identity=identity,
            tags={**inherited, **wish.tags},
            transitive=(*inherited, *wish.transitive),
            chained=call.caller.is_session,
        )
        return _answer(issued, identity, packed=bool(wish.policy or wish.policy_arns or wish.tags or inherited))

    def _permitted(self, call: Call, wish: AssumeRole, identity: str | None, inherited: Mapping[str, str]) -> RoleView:
        role = self._iam.role(wish.role_arn)
        if role is None:
            raise refusal(call.caller, "sts:AssumeRole", wish.role_arn)
        context = _context(wish, identity, inherited)
        require_trust(call, role, "sts:AssumeRole", context)
        if identity is not None:
            require_trust(call, role, "sts:SetSourceIdentity", context)
        if wish.tags or inherited:
            require_trust(call, role, "sts:TagSession", context)
        return role

    def _managed(self, wish: AssumeRole) -> dict[str, str]:
        documents = {}
        for arn in wish.policy_arns:
            document = self._iam.managed_policy(arn)
            if document is None:
                raise sts_parameters.invalid(
                    f"The session policy {arn} does not exist; give the ARN of a managed policy."
                )
            documents[arn] = json.dumps(document, separators=(",", ":"))
        return documents


def _source_identity(wish: AssumeRole, origin: SessionView | None) -> str | None:
    """Give the source identity, which stays what it was along a chain of roles.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    kept = origin.source_identity if origin else None
    if kept is not None and wish.source_identity not in (None, kept):
        raise access_denied("The source identity of a session cannot be changed; leave out SourceIdentity.")
    return wish.source_identity or kept


def _inherited(wish: AssumeRole, origin: SessionView | None) -> dict[str, str]:
    """Give the tags a calling session hands on; they cannot be given again.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining
    """
    inherited = {key: origin.tags[key] for key in origin.transitive} if origin else {}
    taken = {key.lower() for key in inherited}
    for key in wish.tags:
        if key.lower() in taken:
            raise sts_parameters.invalid(
                f"The session tag {key} is transitive and set by the calling session; leave it out."
            )
    return inherited


def _context(wish: AssumeRole, identity: str | None, inherited: Mapping[str, str]) -> Context:
    """Give the condition keys of an AssumeRole request.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    context: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": wish.session_name}
    if wish.external_id is not None:
        context["sts:ExternalId"] = wish.external_id
    if identity is not None:
        context["sts:SourceIdentity"] = identity
    tags = {**inherited, **wish.tags}
    if tags:
        context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        context["aws:TagKeys"] = tuple(tags)
    if transitive := (*inherited, *wish.transitive):
        context["sts:TransitiveTagKeys"] = transitive
    return context


def _answer(issued: SessionCredentials, identity: str | None, *, packed: bool) -> Mapping[str, Any]:
    answer: dict[str, Any] = {
        "Credentials": {
            "AccessKeyId": issued.access_key_id,
            "SecretAccessKey": issued.secret_access_key,
            "SessionToken": issued.session_token,
            "Expiration": issued.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": issued.assumed_role_id, "Arn": issued.assumed_role_arn},
    }
    if packed:
        answer["PackedPolicySize"] = issued.packed_policy_size
    if identity is not None:
        answer["SourceIdentity"] = identity
    return answer
