"""IAM roles: whom they trust and what they allow."""

from collections.abc import Iterator, Mapping
from typing import Any

from grants.aws.calls import tag_dict, tag_list
from grants.aws.documents import written
from grants.aws.gateway import Document, ObservedRole, Receipt
from grants.aws.iam_base import IamPart


class Boto3Roles(IamPart):
    """IAM roles of one account."""

    def role(self, name: str) -> ObservedRole | None:
        """Give a role, or None."""
        found = self._caller.ask_or_none("get_role", RoleName=name)
        return None if found is None else _role(found["Role"])

    def roles(self, path_prefix: str = "/") -> Iterator[ObservedRole]:
        """Give all roles below a path."""
        yield from map(_role, self._listed("list_roles", "Roles", PathPrefix=path_prefix, MaxItems=1000))

    def role_tags(self, name: str) -> dict[str, str]:
        """Give the tags of a role."""
        return tag_dict(list(self._listed("list_role_tags", "Tags", RoleName=name)))

    def create_role(
        self,
        name: str,
        *,
        path: str,
        trust: Mapping[str, Any],
        max_session_seconds: int,
        description: str,
        tags: Mapping[str, str],
    ) -> tuple[ObservedRole, Receipt]:
        """Make a role."""
        made, receipt = self._caller.change(
            "create_role",
            RoleName=name,
            Path=path,
            AssumeRolePolicyDocument=written(trust),
            MaxSessionDuration=max_session_seconds,
            Description=description,
            Tags=tag_list(tags),
        )
        return _role(made["Role"]), receipt

    def update_role_trust(self, name: str, trust: Mapping[str, Any]) -> Receipt:
        """Say anew whom a role trusts."""
        document = written(trust)
        return self._caller.change("update_assume_role_policy", RoleName=name, PolicyDocument=document)[1]

    def update_role_max_session(self, name: str, seconds: int) -> Receipt:
        """Say anew how long its sessions may be."""
        return self._caller.change("update_role", RoleName=name, MaxSessionDuration=seconds)[1]

    def role_policies(self, role: str) -> list[str]:
        """Name the inline policies of a role."""
        return list(self._listed("list_role_policies", "PolicyNames", RoleName=role))

    def role_policy(self, role: str, name: str) -> Document | None:
        """Give an inline policy of a role, or None."""
        found = self._caller.ask_or_none("get_role_policy", RoleName=role, PolicyName=name)
        return None if found is None else found["PolicyDocument"]

    def put_role_policy(self, role: str, name: str, document: Mapping[str, Any]) -> Receipt:
        """Write an inline policy of a role."""
        text = written(document)
        return self._caller.change("put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=text)[1]

    def delete_role_policy(self, role: str, name: str) -> Receipt:
        """Delete an inline policy of a role."""
        return self._caller.change("delete_role_policy", RoleName=role, PolicyName=name)[1]

    def attached_role_policies(self, role: str) -> list[str]:
        """Give the ARNs of the managed policies attached to a role."""
        found = self._listed("list_attached_role_policies", "AttachedPolicies", RoleName=role)
        return [policy["PolicyArn"] for policy in found]

    def detach_role_policy(self, role: str, policy_arn: str) -> Receipt:
        """Detach a managed policy from a role."""
        return self._caller.change("detach_role_policy", RoleName=role, PolicyArn=policy_arn)[1]

    def delete_role(self, name: str) -> Receipt:
        """Delete a role without policies."""
        return self._caller.change("delete_role", RoleName=name)[1]


def _role(found: Mapping[str, Any]) -> ObservedRole:
    return ObservedRole(
        name=found["RoleName"],
        arn=found["Arn"],
        unique_id=found["RoleId"],
        path=found["Path"],
        trust=found.get("AssumeRolePolicyDocument") or {},
        # ListRoles leaves it out where it is the default.
        max_session_seconds=found.get("MaxSessionDuration") or 3600,
        created_at=found["CreateDate"],
    )
