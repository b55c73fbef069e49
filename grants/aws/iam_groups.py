"""IAM groups: who is in them and what they allow."""

from collections.abc import Iterator, Mapping
from typing import Any

from grants.aws.documents import written
from grants.aws.gateway import Document, ObservedUser, Receipt
from grants.aws.iam_base import IamPart
from grants.aws.iam_users import user_of


class Boto3Groups(IamPart):
    """IAM groups of one account."""

    def groups_of(self, user: str) -> list[str]:
        """Name the groups of a user."""
        return [group["GroupName"] for group in self._listed("list_groups_for_user", "Groups", UserName=user)]

    def add_to_group(self, user: str, group: str) -> Receipt:
        """Put a user into a group."""
        return self._caller.change("add_user_to_group", UserName=user, GroupName=group)[1]

    def remove_from_group(self, user: str, group: str) -> Receipt:
        """Take a user out of a group."""
        return self._caller.change("remove_user_from_group", UserName=user, GroupName=group)[1]

    def group_exists(self, group: str) -> bool:
        """Tell whether there is such a group."""
        return self.group_path(group) is not None

    def group_path(self, group: str) -> str | None:
        """Give the path of a group, or None when there is no such group."""
        found = self._caller.ask_or_none("get_group", GroupName=group, MaxItems=1)
        return None if found is None else found["Group"]["Path"]

    def group_members(self, group: str) -> Iterator[ObservedUser]:
        """Give the users in a group; raises AwsNotFoundError when there is no such group."""
        yield from map(user_of, self._listed("get_group", "Users", GroupName=group, MaxItems=1000))

    def create_group(self, group: str, path: str) -> Receipt:
        """Make a group; IAM knows no tags on groups."""
        return self._caller.change("create_group", GroupName=group, Path=path)[1]

    def delete_group(self, group: str) -> Receipt:
        """Delete a group without members and policies."""
        return self._caller.change("delete_group", GroupName=group)[1]

    def group_policies(self, group: str) -> list[str]:
        """Name the inline policies of a group."""
        return list(self._listed("list_group_policies", "PolicyNames", GroupName=group))

    def group_policy(self, group: str, name: str) -> Document | None:
        """Give an inline policy of a group, or None."""
        found = self._caller.ask_or_none("get_group_policy", GroupName=group, PolicyName=name)
        return None if found is None else found["PolicyDocument"]

    def put_group_policy(self, group: str, name: str, document: Mapping[str, Any]) -> Receipt:
        """Write an inline policy of a group."""
        text = written(document)
        return self._caller.change("put_group_policy", GroupName=group, PolicyName=name, PolicyDocument=text)[1]

    def delete_group_policy(self, group: str, name: str) -> Receipt:
        """Delete an inline policy of a group."""
        return self._caller.change("delete_group_policy", GroupName=group, PolicyName=name)[1]

    def attached_group_policies(self, group: str) -> list[str]:
        """Give the ARNs of the managed policies attached to a group."""
        found = self._listed("list_attached_group_policies", "AttachedPolicies", GroupName=group)
        return [policy["PolicyArn"] for policy in found]

    def detach_group_policy(self, group: str, policy_arn: str) -> Receipt:
        """Detach a managed policy from a group."""
        return self._caller.change("detach_group_policy", GroupName=group, PolicyArn=policy_arn)[1]
