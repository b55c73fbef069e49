"""A stack with one location and one principal, everything confirmed, and a hand on what goes wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from cellenium_admin.core.context import Actor
from cellenium_admin.core.services.audit_chain import database_trail, verify
from grants.models import Grant, Location, Operation, Principal
from grants.sandbox.embedded import EmbeddedSandbox
from grants.services import grants, locations, operations, principals
from tests.grants.services.conftest import Stack, stack

__all__ = ["stack"]


class World:
    """What a test of failures starts from."""

    def __init__(self, stack: Stack, actor: Actor, control: Any) -> None:
        self.stack, self.aws, self.actor, self.control = stack, stack.gateway, actor, control
        self.location, one = locations.register(scope=stack.scope, role_arn=stack.role_arn, actor=actor)
        self.principal, two = principals.create_user(name=stack.aws.name("uploader"), actor=actor)
        self.done(one, two)

    def done(self, *found: Operation) -> None:
        """Carry operations out, all of which work."""
        for operation in operations.execute_all(operation_ids=[one.pk for one in found], aws=self.aws):
            assert operation.state == "succeeded", operation.error_detail
        self.location.refresh_from_db()
        if hasattr(self, "principal"):
            self.principal.refresh_from_db()

    def wish(self, sub_prefix: str = "data/*", permission: str = "READ", **more: Any) -> tuple[Grant, Operation]:
        """Wish for a grant; nothing is told to AWS yet."""
        return grants.create(
            location=self.location,
            principal=self.principal,
            sub_prefix=sub_prefix,
            permission=permission,
            actor=self.actor,
            **more,
        )

    def given(self, sub_prefix: str = "data/*", **more: Any) -> Grant:
        """Give a grant, confirmed by AWS."""
        grant, operation = self.wish(sub_prefix, **more)
        self.done(operation)
        grant.refresh_from_db()
        return grant

    def revoke(self, grant: Grant) -> Operation:
        """Wish a grant away."""
        return grants.revoke(grant=grant, actor=self.actor, reason="test")[1]

    def in_aws(self) -> list[str]:
        """Give the scopes AWS has grants of our principal on, below the location."""
        found = self.aws.access_grants.grants(grantee=self.principal.arn)
        return sorted(grant.scope.removeprefix(self.stack.scope) for grant in found)

    def goes_wrong(self, operation: str, kind: str = "error", **more: Any) -> None:
        """Plan that a call of S3 Access Grants or IAM goes wrong."""
        service = "iam" if operation in IAM else "s3control"
        self.control.faults([{"service": service, "operation": operation, "kind": kind, **more}])


IAM = {
    "CreateUser",
    "AddUserToGroup",
    "CreateAccessKey",
    "DeleteAccessKey",
    "UpdateAccessKey",
    "DeleteUser",
    "RemoveUserFromGroup",
    "ListUsers",
    "ListAccessKeys",
    "PutRolePolicy",
}


@pytest.fixture
def world(stack: Stack, actor: Actor, sandbox: EmbeddedSandbox) -> World:
    return World(stack, actor, sandbox.control)


@pytest.fixture
def state() -> Callable[[Grant | Principal | Location | Operation], str]:
    """Read a row's state anew."""

    def read(row: Any) -> str:
        return str(type(row).objects.get(pk=row.pk).state)

    return read


@pytest.fixture(autouse=True)
def the_chain_verifies_afterwards(transactional_db: None) -> Any:
    yield
    with database_trail() as trail:
        assert verify(trail).breach is None
