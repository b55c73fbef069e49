"""The account's IAM entities: moto's backend, with what it has no place for, asked in IAM's words."""

import base64
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.iam.models import AccessKey, Group, IAMBackend, ManagedPolicy, Role, User, VirtualMfaDevice
from moto.iam.utils import generate_access_key_id_from_account_id

from grants.sandbox.iam import catalogue, refusals

Holder = User | Group | Role
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"
_FORGOTTEN = 1_000


@dataclass(slots=True)
class ServiceCredential:
    """A user's password for one service, which moto has no place for."""

    credential_id: str
    user_name: str
    service: str
    service_user_name: str
    created: datetime
    status: str = "Active"
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Gone:
    """A deleted user or role, kept for lists that lag."""

    kind: str
    shape: Mapping[str, Any]
    created: datetime
    deleted: datetime


class Account(IAMBackend):
    """One account's users, groups, roles and policies, each with ids as AWS gives them."""

    def __init__(self, region_name: str, account_id: str, created: datetime) -> None:
        """Begin empty."""
        super().__init__(region_name, account_id)
        self.created = created
        self.service_credentials: dict[str, ServiceCredential] = {}
        self.login_created: dict[str, datetime] = {}
        self.trusted_ids: dict[str, dict[str, str]] = {}
        self.trust_changed: dict[str, datetime] = {}
        self.gone: list[Gone] = []

    def arn(self, kind: str, name: str) -> str:
        """Give the ARN of a user, group, role, policy or device; one that does not exist has the path /."""
        return f"arn:aws:iam::{self.account_id}:{kind}/{name.removeprefix('/')}"

    def user_arn(self, name: str) -> str:
        """Give the ARN of a user with its path, whether it exists or not."""
        return self.users[name].arn if name in self.users else self.arn("user", name)

    def group_arn(self, name: str) -> str:
        """Give the ARN of a group with its path, whether it exists or not."""
        return self.groups[name].arn if name in self.groups else self.arn("group", name)

    def role_arn(self, name: str) -> str:
        """Give the ARN of a role with its path, whether it exists or not."""
        found = self.role_or_none(name)
        return found.arn if found else self.arn("role", name)

    def user(self, name: str) -> User:
        """Find a user; NoSuchEntity."""
        if name not in self.users:
            raise refusals.not_found("user", name)
        return self.users[name]

    def group(self, name: str) -> Group:
        """Find a group; NoSuchEntity."""
        if name not in self.groups:
            raise refusals.not_found("group", name)
        return self.groups[name]

    def role(self, name: str) -> Role:
        """Find a role; NoSuchEntity."""
        found = self.role_or_none(name)
        if found is None:
            raise refusals.not_found("role", name)
        return found

    def role_or_none(self, name_or_arn: str) -> Role | None:
        """Find a role by its name or ARN."""
        wanted = name_or_arn.rpartition("/")[2]
        found = next((role for role in self.roles.values() if role.name == wanted), None)
        return found if found is not None and name_or_arn in {wanted, found.arn} else None

    def policy(self, arn: str) -> ManagedPolicy:
        """Find a managed policy of the account or of AWS's; NoSuchEntity."""
        found = self.policy_or_none(arn)
        if found is None:
            raise refusals.no_such_entity(f"Policy {arn} was not found.")
        return found

    def policy_or_none(self, arn: str) -> ManagedPolicy | None:
        """Find a managed policy of the account or of AWS's."""
        return self.managed_policies.get(arn) or catalogue.find(arn)

    def groups_of(self, user: User) -> list[Group]:
        """Give the groups a user is in."""
        return [group for group in self.groups.values() if user in group.users]

    def holders(self) -> Iterable[Holder]:
        """Give everything a policy can be attached to."""
        yield from self.users.values()
        yield from self.groups.values()
        yield from self.roles.values()

    def tags_of(self, user: User) -> dict[str, str]:
        """Give a user's tags."""
        return self.tagger.get_tag_dict_for_resource(user.arn)

    def devices_of(self, user: User) -> list[VirtualMfaDevice]:
        """Give the MFA devices a user has enabled."""
        return [device for device in self.virtual_mfa_devices.values() if device.user is user]

    def credentials_of(self, user: User) -> list[ServiceCredential]:
        """Give a user's passwords for single services."""
        return [credential for credential in self.service_credentials.values() if credential.user_name == user.name]

    def principal_id(self, arn: str) -> str | None:
        """Give the unique id of the user or role of this ARN; None when there is none."""
        principal = self.principal(arn)
        return None if principal is None else str(principal.id)

    def principal(self, arn: str) -> User | Role | None:
        """Give the user or role of this ARN; None when there is none."""
        user = self.users.get(arn.rpartition("/")[2])
        return user if user is not None and user.arn == arn else self._role_of(arn)

    def principal_of_id(self, principal_id: str) -> User | Role | None:
        """Give the user or role of this unique id; None when there is none."""
        user = next((user for user in self.users.values() if user.id == principal_id), None)
        return user or self.roles.get(principal_id)

    def _role_of(self, arn: str) -> Role | None:
        return next((role for role in self.roles.values() if role.arn == arn), None)

    def new_id(self, prefix: str) -> str:
        """Make a unique id such as AIDA..., AROA..., AGPA... or ANPA...

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
        """
        return generate_access_key_id_from_account_id(self.account_id, prefix, 21)

    def add_key(self, user: User, created: datetime) -> AccessKey:
        """Make an access key with a secret that cannot be guessed; moto's would come from a seeded generator."""
        key = user.create_access_key(prefix="AKIA")
        key.secret_access_key = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))
        key.create_date = created
        self.access_keys[key.access_key_id] = key
        return key

    def new_seed(self) -> str:
        """Make the seed of an MFA device, in base 32, that cannot be guessed."""
        return base64.b32encode(secrets.token_bytes(40)).decode()

    def bury(self, gone: Gone) -> None:
        """Remember a deleted entity for lists that lag."""
        self.gone = [*self.gone, gone][-_FORGOTTEN:]
