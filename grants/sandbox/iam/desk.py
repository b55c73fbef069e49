"""What every operation of IAM works with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.iam.models import ManagedPolicy, Role, User

from grants.sandbox import authorization
from grants.sandbox.authorization import Context
from grants.sandbox.calls import Call, CallerKind
from grants.sandbox.iam import refusals
from grants.sandbox.iam.account import Account
from grants.sandbox.iam.key_usage import KeyUsage
from grants.sandbox.world import World

Answer = Mapping[str, Any]
Tags = Mapping[str, str]


@dataclass(slots=True)
class Desk:
    """The entities, the world around them, and the questions every operation asks first."""

    world: World
    account: Account
    usage: KeyUsage

    def now(self) -> datetime:
        """Tell the sandbox's time."""
        return self.world.clock.now()

    def require(self, call: Call, resource: str, context: Context | None = None) -> None:
        """Raise AccessDenied unless the caller may do this operation on the resource."""
        authorization.require(call, f"iam:{call.operation}", resource, context)

    def require_user(self, call: Call, name: str, context: Context | None = None) -> None:
        """Ask for a user by name; its own tags are condition keys."""
        user = self.account.users.get(name)
        tags = resource_tags(self.account.tags_of(user)) if user else {}
        self.require(call, self.account.user_arn(name), {**tags, **(context or {})})

    def require_group(self, call: Call, name: str, context: Context | None = None) -> None:
        """Ask for a group by name."""
        self.require(call, self.account.group_arn(name), context)

    def require_role(self, call: Call, name: str, context: Context | None = None) -> None:
        """Ask for a role by name; its own tags are condition keys."""
        role = self.account.role_or_none(name)
        tags = resource_tags(role_tags(role)) if role else {}
        self.require(call, self.account.role_arn(name), {**tags, **(context or {})})

    def require_policy(self, call: Call, arn: str, context: Context | None = None) -> None:
        """Ask for a managed policy by ARN; its own tags are condition keys."""
        policy = self.account.policy_or_none(arn)
        tags = resource_tags(policy_tags(policy)) if policy else {}
        self.require(call, arn, {**tags, **(context or {})})

    def user(self, call: Call, context: Context | None = None) -> User:
        """Give the user an operation names after asking for it."""
        name = call.parameters["UserName"]
        self.require_user(call, name, context)
        return self.account.user(name)

    def user_or_self(self, call: Call, context: Context | None = None) -> User:
        """Give the user an operation names, or the user that calls; after asking for it."""
        name = self.name_or_self(call)
        self.require_user(call, name, context)
        return self.account.user(name)

    def name_or_self(self, call: Call) -> str:
        """Give the user's name in the parameters, or the caller's own."""
        if name := call.parameters.get("UserName"):
            return str(name)
        if call.caller.kind is CallerKind.USER:
            return call.caller.name
        raise refusals.invalid("Must specify userName when calling with non-User credentials")


Operation = Callable[[Desk, Call], Answer]


def role_tags(role: Role) -> dict[str, str]:
    """Give a role's tags."""
    return {tag["Key"]: tag["Value"] for tag in role.tags}


def policy_tags(policy: ManagedPolicy) -> dict[str, str]:
    """Give a managed policy's tags."""
    return {tag["Key"]: tag["Value"] for tag in policy.tags.values()}


def resource_tags(tags: Tags) -> dict[str, str]:
    """Give the condition keys of the resource's tags, under both names AWS knows."""
    return {f"{name}:ResourceTag/{key}": value for key, value in tags.items() for name in ("aws", "iam")}
