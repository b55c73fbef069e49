"""Which policy documents bind a user or a role: inline, attached and, for a user, those of the groups."""

from collections.abc import Mapping
from dataclasses import dataclass

from moto.iam.models import ManagedPolicy

from grants.sandbox.iam.account import Account, Holder

Documents = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """The documents that bind each user and each role, by name."""

    users: Mapping[str, Documents]
    roles: Mapping[str, Documents]


def rights(account: Account) -> Rights:
    """Give what binds every user and every role now."""
    users = {name: own(user) for name, user in account.users.items()}
    for group in account.groups.values():
        documents = own(group)
        for user in group.users:
            users[user.name] += documents
    return Rights(users, {role.name: own(role) for role in account.roles.values()})


def own(holder: Holder) -> Documents:
    """Give the documents of a user, group or role alone."""
    attached = (_default(policy) for policy in holder.managed_policies.values())
    return (*holder.policies.values(), *attached)


def _default(policy: ManagedPolicy) -> str:
    return next(str(version.document) for version in policy.versions if version.is_default)
